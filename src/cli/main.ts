#!/usr/bin/env node
/** The command `surewire`: this process's arguments, signals and streams, given to the program. */
import { run } from './program.ts';

process.exitCode = await run(process.argv.slice(2));
