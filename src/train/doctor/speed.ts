// How fast a machine multiplies and moves memory. Knows no backend by name.
import type { OpenMachine } from "../../backend/open.ts";
import { matmul } from "../../tensor/ops/contract.ts";
import { input } from "../../tensor/ops/leaf.ts";
import { program } from "../../tensor/program.ts";
import { copyGigabytesPerSecond, timeOperation } from "../benchmark.ts";

/** Measured speeds of one backend with all its threads. */
export interface SpeedFacts {
  /** 1e9 floating-point operations a second of a product of two 768 × 768 matrices. */
  readonly productGflops: number;
  /** The same of multiply-adds on registers alone, the most that the processor can do; null where it is not measured. */
  readonly peakGflops: number | null;
  /** 1e9 bytes a second, read and written, when an array larger than the caches is scaled. */
  readonly copyGigabytesPerSecond: number;
}

const side = 768;
const rounds = 3;

/**
 * Best of several rounds of product and peak in turn: what else the machine does can only make it look slower.
 */
export async function measureSpeed(
  { machine, peakGflops }: OpenMachine,
  signal: AbortSignal | undefined,
): Promise<SpeedFacts | null> {
  const product = {
    name: "product",
    program: () => program({ c: matmul(input("a", [side, side]), input("b", [side, side])) }),
    flops: 2 * side ** 3,
  };
  const products: number[] = [];
  const peaks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await new Promise((resume) => setImmediate(resume));
    if (signal?.aborted) return null;
    const peak = peakGflops();
    if (peak !== null) peaks.push(peak);
    products.push(timeOperation(machine, product, 3, 0).gflops!);
  }
  return {
    productGflops: Math.max(...products),
    peakGflops: peaks.length === 0 ? null : Math.max(...peaks),
    copyGigabytesPerSecond: copyGigabytesPerSecond(machine, 0),
  };
}
