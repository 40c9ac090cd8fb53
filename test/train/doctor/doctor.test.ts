import { beforeAll, describe, expect, it } from "vitest";
import { createNative } from "../../../src/backend/native/index.ts";
import type { Diagnosis } from "../../../src/train/doctor/diagnosis.ts";
import { type DoctorEvent, type DoctorOptions, doctor } from "../../../src/train/doctor/doctor.ts";
import { selfTestPrograms } from "../../../src/train/doctor/programs.ts";

beforeAll(async () => {
  (await createNative({ threads: 1 })).dispose(); // compiles the kernels where they are not kept
}, 300_000);

async function examine(options: DoctorOptions): Promise<{ events: DoctorEvent[]; diagnosis: Diagnosis }> {
  const events: DoctorEvent[] = [];
  for await (const event of doctor(options)) events.push(event);
  const last = events.at(-1);
  if (last?.kind !== "end") throw new Error("no end");
  return { events, diagnosis: last.diagnosis };
}

const backendOf = ({ backends }: Diagnosis, wanted: string) => backends.find(({ name }) => name === wanted);

describe("doctor", () => {
  it("finds a native backend that works, and measures it", async () => {
    const { events, diagnosis } = await examine({
      threads: 1,
      environment: { ...process.env, SCANTLING_DATA: "src" },
    });
    const native = backendOf(diagnosis, "native");
    expect(native).toMatchObject({ available: true, threads: 1 });
    expect(native!.selfTests).toHaveLength(selfTestPrograms.length);
    expect(events.filter((event) => event.kind === "selfTest" && event.backend === "native")).toHaveLength(
      selfTestPrograms.length,
    );
    const { productGflops, peakGflops, copyGigabytesPerSecond } = native!.speed!;
    expect(productGflops).toBeGreaterThan(0);
    // Nothing multiplies faster than multiplication, but for the noise of a busy machine.
    expect(productGflops).toBeLessThan(2 * peakGflops!);
    expect(copyGigabytesPerSecond).toBeGreaterThan(0);
    expect(diagnosis.used).toMatchObject({ backend: "native", threads: 1 });
    expect(diagnosis.compiler).toMatchObject({ found: true });
    expect(diagnosis.vectors.source).toBe("compiler");
    expect(diagnosis.data.trouble).toBeNull();
    expect(diagnosis.data.folders[0]!.sets).toEqual(expect.arrayContaining(["kernels", "tensor"]));
    expect(diagnosis.problems.filter(({ stops }) => stops)).toEqual([]);
  });

  it.each([
    [
      "no compiler on PATH",
      { PATH: "", SCANTLING_DATA: "/no/such/folder" },
      /there is no "cc" on PATH: install one/,
    ],
    [
      "a wrong CC",
      { PATH: process.env.PATH, CC: "no-such-compiler" },
      /CC names "no-such-compiler".*set CC to a C compiler or unset it/,
    ],
  ])(
    "says in one line why there is no native backend: %s",
    async (_, environment: NodeJS.ProcessEnv, reason) => {
      const { diagnosis } = await examine({
        threads: 1,
        environment: { ...environment, HOME: process.env.HOME },
      });
      expect(diagnosis.compiler).toMatchObject({ found: false, reason: expect.stringMatching(reason) });
      expect(diagnosis.vectors.source).toBe("system");
      expect(backendOf(diagnosis, "native")).toMatchObject({
        available: false,
        detail: expect.stringMatching(reason),
      });
      const lines = diagnosis.problems.map(({ line }) => line).filter((line) => reason.test(line));
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toContain("\n");
      expect(diagnosis.used?.backend).toBe("wasm");
      const { data, problems } = diagnosis;
      if (environment.SCANTLING_DATA === undefined) expect(data.trouble).toBeNull();
      else {
        expect(data.folders[0]).toEqual({ path: "/no/such/folder", sets: [] });
        expect(data.trouble).toContain("SCANTLING_DATA names /no/such/folder, which is not a folder");
        expect(problems).toContainEqual({ stops: false, line: data.trouble });
      }
    },
  );

  it("ends early, with what it has, when it is told to", async () => {
    const stop = new AbortController();
    const kinds: string[] = [];
    for await (const event of doctor({ signal: stop.signal, threads: 1 })) {
      kinds.push(event.kind);
      if (event.kind === "selfTest") stop.abort();
      if (event.kind === "end") expect(event.reason).toBe("aborted");
    }
    expect(kinds).toEqual(["system", "toolchain", "folders", "opening", "selfTest", "backend", "end"]);
  });

  it("refuses an impossible number of threads", async () => {
    for (const threads of [0, 65, 1.5]) {
      await expect(doctor({ threads }).next()).rejects.toThrow("expected a whole number from 1 to 64");
    }
  });
});
