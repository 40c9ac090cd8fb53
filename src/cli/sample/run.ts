// What `scantling sample` does: opens the model of a run and prints what it writes, as it writes it.

import { visible } from "../../report/summary.ts";
import { readConfiguration } from "../../train/runFolder.ts";
import { sampleRun } from "../../train/sampleRun.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { openMachine } from "../machine.ts";
import { prepareOutput } from "../output.ts";
import type { SampleOptions } from "./command.ts";

/** @returns the exit code */
export async function sample(folder: string, options: SampleOptions, console: Console): Promise<number> {
  const save = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  readConfiguration(folder); // finds what is wrong with the request before kernels are compiled
  const { machine } = await openMachine(options, console);
  const { tokens, temperature, seed, topK, prompt } = options;
  let text = "";
  try {
    const pieces = sampleRun({
      ...{ machine, folder, tokens, temperature, seed, signal: console.signal },
      ...(topK === undefined ? {} : { topK }),
      ...(prompt === undefined ? {} : { prompt }),
    });
    for await (const piece of pieces) {
      if (!options.json) console.out(visible(text === "" ? (prompt ?? "") + piece : piece));
      text += piece;
    }
  } finally {
    machine.dispose();
  }
  save?.((prompt ?? "") + text);
  if (options.json) {
    console.out(`${JSON.stringify({ run: folder, prompt: prompt ?? null, text, temperature, seed })}\n`);
  } else console.out("\n");
  return console.signal.aborted ? interruptedCode : 0;
}
