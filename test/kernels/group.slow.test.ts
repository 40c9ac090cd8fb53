// The group interpreter as it is optimised, and with narrower vectors.
import { describe } from "vitest";
import { builds } from "./group_driver.ts";
import { groupSuite } from "./group_suite.ts";

describe.each([builds.float, builds.double, builds.narrow, builds.middle])("$name", groupSuite);
