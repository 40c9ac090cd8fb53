// Gives back the memory of what nobody reads any more, before it is decided what the rest may take. Knows no training.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Planning leaves tens of megabytes that the engine would otherwise keep for objects to come. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  // Pages are emptied the first time and given back the second.
  collect();
  collect();
}
