// From facts to what is wrong and what to do about it. Looks at nothing itself.
import { formatBytes, formatShare } from "../../report/format.ts";
import { type BackendFacts, type Diagnosis, type Problem, works } from "./diagnosis.ts";

type Facts = Omit<Diagnosis, "problems" | "used">;

const leastFreeDisk = 2 ** 30;
const leastMemory = 2 ** 30;
/** Large products reach more than this share of the peak wherever nothing else runs. */
const leastShareOfPeak = 0.5;

/** Every problem, those that stop work first. */
export function findProblems(facts: Facts): Problem[] {
  const problems = [
    ...nodeProblems(facts),
    ...facts.backends.flatMap((backend) => backendProblems(backend, facts)),
    ...slowProblems(facts),
    ...folderProblems(facts),
    ...loadProblems(facts),
  ];
  return [...problems.filter(({ stops }) => stops), ...problems.filter(({ stops }) => !stops)];
}

const stopping = (line: string): Problem => ({ stops: true, line });
const costing = (line: string): Problem => ({ stops: false, line });

function nodeProblems({ system }: Facts): Problem[] {
  if (system.nodeSupported) return [];
  return [
    stopping(
      `Node ${system.node} is not supported: install Node ${system.supportedNode.replace(">=", "")} or later`,
    ),
  ];
}

function backendProblems(backend: BackendFacts, { cache }: Facts): Problem[] {
  if (!backend.available) {
    // Relaxed arithmetic is an extra that commands use only where it is asked for.
    return backend.name === "wasm-relaxed" ? [] : [costing(`${backend.name}: ${backend.detail}`)];
  }
  const failed = backend.selfTests.filter(({ passed }) => !passed);
  const mend =
    backend.name === "native"
      ? `set CC to another C compiler, or remove ${cache.path} and have the kernels compiled again`
      : "install the package again";
  return [
    ...backend.warnings.map(costing),
    ...failed.map(({ name, error, tolerance, where }) => {
      const off =
        error === null ? where : `${where} is off by ${error.toExponential(1)}, ${tolerance} is allowed`;
      return stopping(
        `${backend.name}: the self-test of ${name} failed (${off}): do not use this backend; ${mend}, and report it`,
      );
    }),
  ];
}

function slowProblems({ backends, system }: Facts): Problem[] {
  const fast = backends.filter(({ name }) => name !== "reference");
  if (fast.length > 0 && !fast.some(works)) {
    return [
      stopping("only the reference backend works, which is too slow to train with: mend one of the others"),
    ];
  }
  if (isLoaded(system)) return [];
  return fast.flatMap(({ name, speed }) => {
    if (name !== "native" || speed === null || speed.peakGflops === null) return [];
    const share = speed.productGflops / speed.peakGflops;
    if (share >= leastShareOfPeak) return [];
    return [
      costing(
        `${name}: products reach only ${formatShare(share)} of the peak: set CC to a newer C compiler, and report ` +
          "it where that does not help",
      ),
    ];
  });
}

function folderProblems({ work, data, system }: Facts): Problem[] {
  const problems: Problem[] = [];
  if (!work.writable) {
    problems.push(
      costing(`${work.path} cannot be written: runs are kept there; change to another folder or give --out`),
    );
  } else if (work.freeBytes !== null && work.freeBytes < leastFreeDisk) {
    problems.push(
      costing(
        `${work.path}: only ${formatBytes(work.freeBytes)} of disk are free: a run may not fit; free some space`,
      ),
    );
  }
  if (data.trouble !== null) problems.push(costing(data.trouble));
  if (system.availableMemoryBytes < leastMemory) {
    problems.push(
      costing(
        `only ${formatBytes(system.availableMemoryBytes)} of memory are free: end other programs or train smaller models`,
      ),
    );
  }
  return problems;
}

function loadProblems({ system, backends }: Facts): Problem[] {
  const { usableCores, load } = system;
  const threads = Math.max(...backends.map((backend) => backend.threads));
  const problems: Problem[] = [];
  if (threads > usableCores) {
    problems.push(
      costing(
        `${threads} threads share ${usableCores} usable cores and wait for each other: give --threads ${usableCores}`,
      ),
    );
  }
  if (isLoaded(system)) {
    problems.push(
      costing(
        `other programs are at work (a load of ${load.toFixed(1)} on ${usableCores} cores): the speeds above are lower ` +
          "than the machine's, and so will those of training be; end them or wait",
      ),
    );
  }
  return problems;
}

function isLoaded({ load, usableCores }: Facts["system"]): boolean {
  return load > usableCores / 2;
}
