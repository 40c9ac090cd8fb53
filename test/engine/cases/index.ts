// Every case of the engine's suite.
import type { Case } from "../suite.ts";
import { compositeCases } from "./composites.ts";
import { elementwiseCases } from "./elementwise.ts";
import { indexingCases } from "./indexing.ts";
import { scanCases } from "./scans.ts";
import { structureCases } from "./structure.ts";

export const opCases: readonly Case[] = [
  ...elementwiseCases,
  ...structureCases,
  ...indexingCases,
  ...compositeCases,
  ...scanCases,
];
