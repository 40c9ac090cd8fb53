// The built command as processes of their own, listened to, stopped and killed: for tests of what they leave. Knows no
// command.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { main } from "./built.ts";

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

export interface Life {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once standard error has said it. */
  said(what: RegExp): Promise<void>;
}

export interface LifeOptions {
  /** A program that runs the command in its turn. */
  readonly program?: readonly string[];
  readonly uid?: number;
  /** Whether it leads a group of processes of its own, for `kill` of `-child.pid`. */
  readonly leads?: boolean;
}

/** Calls of `scantling` in a folder. */
export function commandIn(folder: string) {
  const children = new Set<ChildProcess>();
  const live = (words: readonly string[], { program = [], uid, leads = false }: LifeOptions = {}): Life => {
    const [command, ...given] = [...program, process.execPath, main, ...words];
    const child = spawn(command!, given, {
      ...{ cwd: folder, detached: leads, stdio: ["ignore", "pipe", "pipe"] },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    children.add(child);
    let [out, err] = ["", ""];
    const listeners = new Set<() => void>();
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
      for (const listener of listeners) listener();
    });
    const ended = new Promise<Ended>((done) =>
      child.on("close", (code, signal) => {
        children.delete(child);
        done({ code, signal, out, err });
      }),
    );
    const said = (what: RegExp) =>
      new Promise<void>((done, fail) => {
        const look = () => {
          if (!what.test(err)) return;
          listeners.delete(look);
          done();
        };
        listeners.add(look);
        ended.then(() => fail(new Error(`ended without saying ${what}:\n${err}`)));
        look();
      });
    return { child, ended, said };
  };
  /** For the end of a test file, however it came to it. */
  const killAll = () => {
    for (const child of children) child.kill("SIGKILL");
  };
  return { live, killAll };
}

/** Processes that a process has started; none where the system does not say. */
export function childrenOf(process: number): number[] {
  const path = `/proc/${process}/task/${process}/children`;
  return existsSync(path) ? readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number) : [];
}
