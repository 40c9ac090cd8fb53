// One run of a study in a process of its own, where the user has a configuration: its primitives are registered first.

import { work as learn } from "../trial/worker.ts";
import { configured } from "./workers.ts";

export const work = configured(import.meta.url, learn);
