// Holds the design's rule: a folder imports only from folders above it.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = fileURLToPath(new URL("../src/", import.meta.url));

// From the top: each may import from itself and from those before it. Files beside the folders may be imported by all.
const order = [
  ...[
    "tensor",
    "kernels",
    "compiler",
    "backend",
    "nn",
    "architecture",
    "growth",
    "data",
    "scaling",
    "report",
  ],
  ...["train", "hub", "study", "transfer", "ladder", "mad", "trial", "design", "claims", "cli"],
];

interface Import {
  readonly file: string;
  readonly target: string;
}

function typescriptFiles(): string[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.split(sep).join("/"));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), "utf8");
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.[^"']*)["']/g);
  return [...found].map(([, path]) => ({
    file,
    target: relative(source, join(source, dirname(file), path!))
      .split(sep)
      .join("/"),
  }));
}

/** Those that are followed when the file is loaded: no types, nothing that is imported later. */
function valuesOf(file: string): Import[] {
  const text = readFileSync(join(source, file), "utf8");
  const found = text.matchAll(/^(?:import|export) (?!type\b)([^;]*?)\s*from "(\.[^"]*)"/gms);
  return [...found].flatMap(([, names, path]) => {
    const isTypes = /^\{(\s*type [^,]*,?)*\s*\}$/.test(names!);
    const target = relative(source, join(source, dirname(file), path!))
      .split(sep)
      .join("/");
    return isTypes ? [] : [{ file, target }];
  });
}

const folderOf = (file: string): string => (file.includes("/") ? file.slice(0, file.indexOf("/")) : "");

const files = typescriptFiles();
const imports = files.flatMap(importsOf);

describe("imports", () => {
  it("are found at all", () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports).toContainEqual({ file: "cli/main.ts", target: "cli/program.ts" });
    expect(imports).toContainEqual({ file: "cli/program.ts", target: "errors.ts" });
  });

  it("name files that exist, by their own extension", () => {
    const known = new Set(files);
    expect(imports.filter(({ target }) => !known.has(target))).toEqual([]);
  });

  it("know every folder", () => {
    const folders = new Set(files.map(folderOf));
    expect([...folders].filter((folder) => folder !== "" && !order.includes(folder))).toEqual([]);
  });

  it("go up only", () => {
    const wrong = imports.filter(({ file, target }) => {
      if (file === "index.ts") return false;
      const [from, to] = [folderOf(file), folderOf(target)];
      // The files of users that the configuration loads import the library as a whole.
      if (to === "") return target === "index.ts" && file !== "cli/config.ts";
      return from === "" || order.indexOf(to) > order.indexOf(from);
    });
    expect(wrong).toEqual([]);
  });

  it("begin no command with a network: what a command needs is loaded when it runs", () => {
    const reached = new Set(["cli/main.ts"]);
    for (const file of reached) for (const { target } of valuesOf(file)) reached.add(target);
    expect(reached).toContain("cli/fit/command.ts");
    const heavy = ["tensor", "kernels", "compiler", "nn", "data", "scaling", "report", "hub"];
    expect([...reached].filter((file) => heavy.includes(folderOf(file)) || file === "strict.ts")).toEqual([]);
  });

  it("do not lead from one command into another", () => {
    const wrong = imports.filter(({ file, target }) => {
      const [from, to] = [file, target].map((path) => /^cli\/(\w+)\//.exec(path)?.[1]);
      return from !== undefined && to !== undefined && from !== to;
    });
    expect(wrong).toEqual([]);
  });
});
