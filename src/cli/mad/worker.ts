// One run of a comparison in a process of its own, where the user has a configuration: its primitives are registered first.

import { work as learn } from "../../mad/worker.ts";
import { configured } from "../workers.ts";

export const work = configured(import.meta.url, learn);
