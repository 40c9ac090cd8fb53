// Times growing a public folder against copying the written folder and syncing it, in turn, with peak memory. The folder is made
// by `python3 bench/hub/folders.py big FOLDER`; a disk with room for three times the result is needed.
// node bench/hub/grow.js FOLDER WORKPLACE [RUNS] [-- SIZES OF `scantling grow`]
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const words = process.argv.slice(2);
const cut = words.includes("--") ? words.indexOf("--") : words.length;
const [folder, workplace, runs = "2"] = words.slice(0, cut);
const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const larger = "--mlp 7168 --heads 40 --kv-heads 5 --width 2560 --layers +2@last".split(" ");
const sizes = cut < words.length ? words.slice(cut + 1) : larger;
const [grown, copy] = ["grown", "copy"].map((name) => join(workplace, name));
mkdirSync(workplace, { recursive: true });

function synced(work) {
  spawnSync("sync");
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

for (let i = 0; i < Number(runs); i++) {
  rmSync(grown, { recursive: true, force: true });
  spawnSync("sync");
  const call = [cli, "grow", folder, "--out", grown, ...sizes, "--threads", "1", "--json"];
  const measured = spawnSync("/usr/bin/time", ["-f", "%M", process.execPath, ...call], { encoding: "utf8" });
  if (measured.status !== 0) throw new Error(measured.stderr);
  const { parameters, bytes, proof, seconds, bound } = JSON.parse(measured.stdout);
  const copying = synced(() => {
    cpSync(grown, copy, { recursive: true });
    for (const name of readdirSync(copy)) spawnSync("sync", [join(copy, name)]);
  });
  rmSync(copy, { recursive: true, force: true });
  const peak = Number(measured.stderr.trim().split("\n").at(-1)) / 1024;
  const before = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")).hidden_size;
  console.log(
    JSON.stringify({
      before,
      parameters,
      bytes,
      bound,
      proof,
      ...seconds,
      copying,
      times: seconds.writing / copying,
      peakMiB: peak,
    }),
  );
}
rmSync(grown, { recursive: true, force: true });
