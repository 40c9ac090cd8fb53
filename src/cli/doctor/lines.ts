// A diagnosis as lines for people, section by section. Finds nothing and judges nothing.

import { formatBytes, formatShare } from "../../report/format.ts";
import type { Toolchain } from "../../train/doctor/compiler.ts";
import type { BackendFacts, DataFacts, Diagnosis } from "../../train/doctor/diagnosis.ts";
import type { FolderFacts, SystemFacts } from "../../train/doctor/system.ts";

type Row = readonly [name: string, value: string];

/** Names in one column, values in the next. */
function table(rows: readonly Row[]): string[] {
  return rows.map(([name, value]) => `${name.padEnd(12)}  ${value}`);
}

export function systemLines(system: SystemFacts): string[] {
  const { cores, usableCores, coreQuota, memoryLimitBytes } = system;
  const quota = coreQuota === null ? "" : `, a quota of ${coreQuota}`;
  const limit = memoryLimitBytes === null ? "" : `, limited to ${formatBytes(memoryLimitBytes)}`;
  const tried = system.platform === "linux" ? "" : " (Scantling has been tested on Linux alone)";
  return table([
    [
      "Node",
      `${system.node}, ${system.nodeSupported ? "supported" : "not supported"} (${system.supportedNode})`,
    ],
    ["system", `${system.platform} ${system.release} ${system.architecture}${tried}`],
    ["processor", `${system.processor || "unknown"}, ${cores} cores, ${usableCores} usable${quota}`],
    [
      "memory",
      `${formatBytes(system.totalMemoryBytes)}, ${formatBytes(system.availableMemoryBytes)} free${limit}`,
    ],
  ]);
}

export function toolchainLines({ compiler, vectors }: Toolchain): string[] {
  const source = vectors.source === "compiler" ? "as the kernels are compiled" : "as the system says";
  return table([
    ["vectors", `${vectors.name}, ${vectors.bytes / 4} floats (${source})`],
    ["compiler", compiler.found ? `${compiler.program}: ${compiler.version}` : `none: ${compiler.reason}`],
  ]);
}

export function folderLines(folders: { cache: FolderFacts; work: FolderFacts; data: DataFacts }): string[] {
  const { cache, work, data } = folders;
  return table([
    ["cache", `${cache.path}, ${formatBytes(cache.bytes)}${access(cache)}`],
    ...dataRows(data),
    [
      "runs",
      `${work.path}${access(work)}${work.freeBytes === null ? "" : `, ${formatBytes(work.freeBytes)} free`}`,
    ],
  ]);
}

function access({ exists, writable }: FolderFacts): string {
  return `${exists ? "" : ", not made yet"}${writable ? ", writable" : ", not writable"}`;
}

function dataRows({ folders, trouble }: DataFacts): Row[] {
  return folders.map(({ path, sets }, i) => {
    const found =
      sets.length > 0 ? sets.join(", ") : trouble !== null && i === 0 ? "cannot be read" : "no data sets";
    return [i === 0 ? "data" : "", `${path}: ${found}`];
  });
}

export function backendLines({ name, available, detail, threads, selfTests, speed }: BackendFacts): string[] {
  const rows: Row[] = [
    [name, available ? `${detail}, ${threadCount(threads)}` : `cannot be used: ${detail}`],
  ];
  if (selfTests.length > 0) {
    const passed = selfTests.filter((test) => test.passed).length;
    const shares = selfTests.map(({ error, tolerance }) => (error ?? Number.POSITIVE_INFINITY) / tolerance);
    const worst = selfTests[shares.indexOf(Math.max(...shares))]!;
    const error = worst.error === null ? "not comparable" : worst.error.toExponential(1);
    rows.push([
      "",
      `self-test: ${passed} of ${selfTests.length} passed; nearest to its limit: ${worst.name}, error ${error} of ${worst.tolerance}`,
    ]);
  }
  if (speed !== null) {
    const { productGflops, peakGflops, copyGigabytesPerSecond } = speed;
    const share =
      peakGflops === null
        ? ""
        : `, ${formatShare(productGflops / peakGflops)} of the measured peak of ${peakGflops.toFixed(0)}`;
    rows.push(["", `large product: ${productGflops.toFixed(0)} GFLOP/s${share}`]);
    rows.push(["", `memory: ${copyGigabytesPerSecond.toFixed(1)} GB/s`]);
  }
  return table(rows);
}

export function closingLines({ used, problems }: Diagnosis): string[] {
  const lines =
    used === null ? [] : table([["used", `${used.backend}, ${threadCount(used.threads)}: ${used.why}`]]);
  if (problems.length === 0) return [...lines, "", "no problems"];
  return [
    ...lines,
    "",
    `${problems.length} ${problems.length === 1 ? "problem" : "problems"}:`,
    ...problems.map(({ stops, line }, i) => `${i + 1}. ${stops ? "(stops work) " : ""}${line}`),
  ];
}

function threadCount(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}
