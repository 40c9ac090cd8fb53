#!/usr/bin/env node
// The command `scantling`. What a command needs is loaded when it runs, so that --help and short jobs start at once.

import { processConsole } from "./console.ts";
import { runCommandLine } from "./program.ts";

process.exitCode = await runCommandLine(process.argv.slice(2), processConsole());
