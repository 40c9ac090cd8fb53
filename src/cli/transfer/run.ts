// What `scantling transfer` does: checks coordinates, has the runs made, shows how it goes, and prints what came out.

import type { ArchitectureInput } from "../../architecture/architecture.ts";
import { readArchitectureInput } from "../../architecture/read.ts";
import { loadDataset } from "../../data/dataset.ts";
import { dataFolders } from "../../data/named/folders.ts";
import { checkTransfer } from "../../transfer/check.ts";
import { type CheckResult, checkText } from "../../transfer/report.ts";
import { defineTransfer, type TransferRequest } from "../../transfer/request.ts";
import { requireLosses, type TransferResult } from "../../transfer/result.ts";
import { transfer } from "../../transfer/transfer.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { follow } from "../follow.ts";
import { openMachine } from "../machine.ts";
import type { TransferCommandOptions } from "./command.ts";

/** @returns the exit code */
export async function measureTransfer(
  options: TransferCommandOptions,
  console: Console,
  commandLine: readonly string[],
): Promise<number> {
  const { data, widths, depths, out: folder, workers: processes, threads } = options;
  const dataset = await loadDataset({ data, dataFolder: dataFolders(console.environment) });
  const request = requestOf(options, dataset.tokenizer.vocabulary);
  if (!options.check) defineTransfer(request);
  const checks: CheckResult[] = [];
  const { machine } = await openMachine({ ...options, threads: threads ?? 1 }, console);
  try {
    for (const parametrisation of widths.length < 2 && !options.check ? [] : options.parametrisation) {
      const { architecture } = request;
      const { signal } = console;
      const check = { machine, dataset, architecture, widths, layers: depths[0]!, parametrisation, signal };
      checks.push(await checkTransfer(check));
      console.err(`${checkText(checks.at(-1)!)}\n`);
    }
  } finally {
    machine.dispose();
  }
  if (options.check) {
    console.out(options.json ? `${JSON.stringify({ checks })}\n` : `${checks.map(checkText).join("\n")}\n`);
    return 0;
  }
  const command = commandLine.join(" ");
  const events = transfer({
    ...request,
    folder,
    processes,
    threads,
    checks,
    command,
    signal: console.signal,
  });
  const { reason, result, report } = await follow(events, console, "transfer: the measurement");
  console.out(
    options.json
      ? `${JSON.stringify({ ...result, checks, ended: reason, report })}\n`
      : `${[...resultLines(result), ...checks.map(checkText), "", `report: ${report}`].join("\n")}\n`,
  );
  if (reason === "done") requireLosses(result);
  if (reason !== "interrupted") return 0;
  console.err("interrupted: the same command goes on from here\n");
  return interruptedCode;
}

function requestOf(options: TransferCommandOptions, vocabulary: number): TransferRequest {
  const { parametrisation: parametrisations, widths, depths, rates, steps, batch, data, backend } = options;
  const settings = architectureSettings(options);
  return {
    architecture: (width, layers) => ({ ...settings(width), width, layers }),
    seeds: Array.from({ length: options.seeds }, (_, i) => options.seed + i),
    ...{ parametrisations, widths, depths, rates, steps, batch, data, backend, vocabulary },
  };
}

/** Of the file or preset, or of a small decoder with heads of 32 features where they divide the width. */
function architectureSettings({ architecture, length }: TransferCommandOptions) {
  if (architecture === undefined) {
    const decoder = { length, activation: "swiglu", norm: "rms", positions: "rope" } as const;
    return (width: number) => ({
      ...decoder,
      feedforward: 2 * width,
      heads: width % 32 === 0 ? width / 32 : 1,
    });
  }
  const { vocabulary: _, repeat: __, ...settings } = readArchitectureInput(architecture);
  // The library checks every setting; the type says what it will find.
  return () => ({ ...settings, length }) as unknown as Omit<ArchitectureInput, "vocabulary">;
}

function resultLines({ series, rates, failures }: TransferResult): string[] {
  return [
    ...series.flatMap(({ text, sizes, axis }) => [
      text,
      ...sizes.map(({ size, losses, best }) => {
        const cells = losses.map((loss, i) =>
          `${loss?.toFixed(4) ?? "–"}${i === best ? "*" : " "}`.padStart(9),
        );
        return `  ${axis} ${String(size).padStart(5)} ${cells.join("")}`;
      }),
      `  rate ${" ".repeat(axis.length)}${rates.map((rate) => `${rate.toPrecision(3)} `.padStart(9)).join("")}`,
    ]),
    ...failures.map(({ run, reason }) => `${run}: ${reason}`),
  ];
}
