#!/usr/bin/env node
// The profile clean at its own sizes, three seeds: whether what is expected of it comes true. Every line is reported, true
// or not. Goes on where it was stopped.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { profiles } from "../../dist/index.js";
import { run } from "./run.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const clean = profiles.find(({ name }) => name === "clean");

const six = await run("clean", {
  architectures: ["attention", "hyena", "mamba", "striped-hyena"],
  ...{ profile: "clean", seeds: 3, full: true },
});

// Four times the vocabulary, of recall alone.
const recall = "in-context-recall";
const gla = await run("clean-gla", {
  ...{ architectures: ["gla"], tasks: [recall], profile: "clean", seeds: 3, full: true },
});
const harder = clean.harder[recall].filter(({ name }) => name === "vocabulary 64");
const larger = await run("clean-vocabulary", {
  architectures: ["attention", "gla"],
  ...{ profile: { ...clean, name: "clean-vocabulary", tasks: { [recall]: harder } }, seeds: 3, full: true },
});

const of = ({ results }, architecture, task) =>
  results.find((one) => one.architecture === architecture && one.task === task);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** What four times the vocabulary costs, and whether that is more than both intervals. */
function loss(architecture, plain) {
  const [before, after] = [of(plain, architecture, recall), of(larger, architecture, recall)];
  return {
    text: `${architecture}: ${percent(before.score)} -> ${percent(after.score)}`,
    isBeyond: after.interval[1] < before.interval[0],
  };
}

/** Tasks on which a hybrid wins or ties against one of its parts. */
function holdsAgainst(hybrid, part) {
  return six.tasks.filter((task) => {
    const pair = six.verdicts.byTask[task].find(
      ({ first, second }) => [first, second].includes(hybrid) && [first, second].includes(part),
    );
    return pair.winner === hybrid || pair.verdict === "tie";
  });
}

const [attentionLoss, glaLoss] = [loss("attention", six), loss("gla", gla)];
const parts = ["hyena", "attention"].map((part) => [part, holdsAgainst("striped-hyena", part)]);
const recallScore = of(six, "attention", recall).score;
const copyScore = of(six, "attention", "selective-copying").score;
const lines = [
  [recallScore >= 0.99, `attention on in-context recall: ${percent(recallScore)}, expected 99 %`],
  [copyScore >= 0.95, `attention on selective copying: ${percent(copyScore)}, expected 95 %`],
  [
    glaLoss.isBeyond && !attentionLoss.isBeyond,
    `four times the vocabulary: ${glaLoss.text}; ${attentionLoss.text}`,
  ],
  ...parts.map(([part, tasks]) => [
    tasks.length >= 4,
    `striped-hyena wins or ties against ${part} on ${tasks.length} tasks: ${tasks.join(", ")}`,
  ]),
  [
    six.spent.seconds / 2 <= 90 * 60,
    `${(six.spent.seconds / 2 / 60).toFixed(0)} minutes for four architectures on two cores, expected 90`,
  ],
];
for (const [isTrue, text] of lines) console.log(`${isTrue ? "true " : "FALSE"}  ${text}`);
const record = { lines: lines.map(([isTrue, text]) => ({ isTrue, text })), six, gla, larger };
writeFileSync(path.join(HERE, "clean.json"), `${JSON.stringify(record, null, 1)}\n`);
