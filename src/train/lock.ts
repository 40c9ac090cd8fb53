// One run at a time in a folder. Whoever works there lays down an empty file whose name says who that is, then looks for
// others. Names are never used twice, so a dead process's file can be removed without taking a living one's. Knows
// processes; never looks at a clock.
//
// Two that begin at the same moment may both withdraw; two can never both go on, since each shows itself before it looks.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { WorkError } from "../errors.ts";
import { onDisk } from "./files.ts";

export interface Lock {
  release(): void;
}

/** A thread of a process; when that began, the boot it belongs to, and the machine or container that can see it. */
interface Owner {
  readonly process: number;
  readonly thread: number;
  readonly start: string;
  readonly boot: string;
  readonly place: string;
}

const pattern = /^\.lock-(\d+)-(\d+)-(\w*)-(\w*)-(\w*)-\d+$/;

let locks = 0;
/** Names of this thread's, not released yet. */
const held = new Set<string>();

/** Errors: WorkError where another run is at work in the folder, or where it cannot be written. */
export function lockFolder(folder: string): Lock {
  const me = thisProcess();
  const name = `.lock-${me.process}-${me.thread}-${me.start}-${me.boot}-${me.place}-${locks++}`;
  const path = join(folder, name);
  onDisk("write to", folder, () => closeSync(openSync(path, "wx")));
  held.add(name);
  const lock = {
    release: () => {
      held.delete(name);
      removeIfPossible(path);
    },
  };
  try {
    for (const other of onDisk("read", folder, () => readdirSync(folder))) {
      const owner = ownerOf(other);
      if (owner === undefined || other === name) continue;
      if (isSame(owner, me) ? held.has(other) : mayLive(owner, me)) {
        throw new WorkError(inUse(folder, owner, me, join(folder, other)));
      }
      onDisk("remove", join(folder, other), () => rmSync(join(folder, other), { force: true }));
    }
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/** A file that stays is recognised as a dead process's later. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

function inUse(folder: string, owner: Owner, me: Owner, path: string): string {
  return owner.place === me.place
    ? `${folder} is in use by process ${owner.process}; wait until it ends, or stop it`
    : `${folder} is in use by process ${owner.process} of another machine or container; if that has ended, remove ${path}`;
}

function ownerOf(name: string): Owner | undefined {
  const found = pattern.exec(name);
  if (found === null) return undefined;
  const [, process, thread, start, boot, place] = found as unknown as [string, ...string[]];
  return { process: Number(process), thread: Number(thread), start: start!, boot: boot!, place: place! };
}

const isSame = (a: Owner, b: Owner): boolean =>
  a.process === b.process && a.thread === b.thread && a.start === b.start && a.place === b.place;

function thisProcess(): Owner {
  return {
    process: process.pid,
    thread: threadId,
    start: startOf(process.pid) ?? "",
    boot: short(readOr("/proc/sys/kernel/random/boot_id")),
    // Each container has process numbers of its own.
    place: short(`${hostname()} ${linkOr("/proc/self/ns/pid")}`),
  };
}

/** False only where it is certain that the process has ended. */
function mayLive(owner: Owner, me: Owner): boolean {
  if (owner.place !== me.place) return true;
  if (owner.boot !== me.boot || !exists(owner.process)) return false;
  const start = startOf(owner.process);
  // A number is given again to another process, which began at another time.
  return start === undefined || start === owner.start;
}

function exists(processNumber: number): boolean {
  try {
    process.kill(processNumber, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** When a process began, in whatever the system tells; undefined where it does not; "ended" for one only not yet reaped. */
function startOf(processNumber: number): string | undefined {
  if (process.platform === "win32") return undefined;
  if (process.platform === "linux") {
    const status = readOr(`/proc/${processNumber}/stat`);
    // The name, in parentheses, may hold anything. Fields after it: 3 state, … 22 start in ticks since boot.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return "ended";
    return fields[19];
  }
  try {
    const command = ["-o", "lstart=", "-p", String(processNumber)];
    return short(execFileSync("ps", command, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }));
  } catch {
    return undefined;
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function linkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function short(text: string): string {
  return text === "" ? "" : createHash("sha256").update(text).digest("hex").slice(0, 8);
}
