// What `scantling sample` does: opens the model of a run and prints what it writes, as it writes it.

import { visible } from "../../report/summary.ts";
import { readConfiguration } from "../../train/runFolder.ts";
import { sampleTexts } from "../../train/sampleRun.ts";
import { type Console, warn } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { openMachine } from "../machine.ts";
import { prepareOutput } from "../output.ts";
import type { SampleOptions } from "./command.ts";
import { readPrompt } from "./prompt.ts";

/** One sample so far. */
interface Sample {
  readonly parts: string[];
  /** null: it goes on. */
  ending: "tokens" | "stop" | "interrupted" | null;
}

/** @returns the exit code */
export async function sample(folder: string, options: SampleOptions, console: Console): Promise<number> {
  const save = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  readConfiguration(folder); // finds what is wrong with the request before kernels are compiled
  const prompt = options.prompt === "-" ? await readPrompt(console) : options.prompt;
  if (console.signal.aborted) return interruptedCode;
  const { machine } = await openMachine(options, console);
  const { tokens, count, temperature, topK, topP, stop, seed, json } = options;
  // The prompt is shown again, and which sample it is where there are several.
  const heading = (place: number) => (count > 1 ? `--- ${place + 1} of ${count} ---\n` : "") + (prompt ?? "");
  const samples: Sample[] = [];
  const show = json ? () => {} : showInOrder(samples, heading, (text) => console.out(visible(text)));
  try {
    const pieces = sampleTexts({
      ...{ machine, folder, tokens, count, temperature, stop, seed, signal: console.signal },
      onDamaged: (line) => warn(console, line),
      ...(topK === undefined ? {} : { topK }),
      ...(topP === undefined ? {} : { topP }),
      ...(prompt === undefined ? {} : { prompt }),
    });
    for await (const { sample: place, text, ending } of pieces) {
      const one: Sample = samples[place] ?? { parts: [], ending };
      one.parts.push(text);
      one.ending = ending;
      samples[place] = one;
      show();
      if (console.unread() && save === undefined) return 0;
    }
  } finally {
    machine.dispose();
  }
  for (const one of samples) one.ending ??= "interrupted";
  show();
  const texts = samples.map(({ parts, ending }) => ({ text: parts.join(""), ending }));
  save?.(texts.map(({ text }, place) => heading(place) + text + (count > 1 ? "\n" : "")).join(""));
  if (json) {
    const settings = { temperature, topK: topK ?? null, topP: topP ?? null, stop, seed };
    console.out(`${JSON.stringify({ run: folder, prompt: prompt ?? null, samples: texts, ...settings })}\n`);
  }
  return console.signal.aborted ? interruptedCode : 0;
}

/**
 * Shows samples that are written side by side one after the other: that whose turn it is as it comes, the next ones when
 * it has ended. Call the result whenever `samples` has more.
 */
function showInOrder(
  samples: readonly Sample[],
  heading: (place: number) => string,
  print: (text: string) => void,
): () => void {
  let turn = 0;
  let shown = 0;
  return () => {
    for (let one = samples[turn]; one !== undefined; one = samples[turn]) {
      const text = one.parts.slice(shown).join("");
      if (shown === 0) print(heading(turn) + text);
      else if (text !== "") print(text);
      shown = one.parts.length;
      if (one.ending === null) return;
      print("\n");
      turn++;
      shown = 0;
    }
  };
}
