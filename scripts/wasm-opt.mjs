#!/usr/bin/env node
/**
 * Stands before binaryen's wasm-opt when worker-build calls it: optimises for size where worker-build
 * asks for speed, and leaves out the names of functions, which worker-build keeps for stack traces
 * and which here name nothing that a log line does not. Together a seventh of the Worker.
 */
import { spawnSync } from 'node:child_process';
import { npmBin } from './project.mjs';

const asked = process.argv.slice(2);
const optimises = asked.some((argument) => /^-O[0-4]?$/.test(argument));
const passed = optimises ? [...asked.filter((argument) => !/^-O[0-4]?$|^-g$|^--debuginfo$/.test(argument)), '-Oz', '--strip-debug'] : asked;
const { status, error } = spawnSync(process.execPath, [npmBin('binaryen', 'wasm-opt'), ...passed], { stdio: 'inherit' });
if (error) console.error(error.message);
process.exit(status ?? 1);
