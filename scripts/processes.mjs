/**
 * Runs other programs, each in a process group of its own, so that whatever ends this script also ends
 * everything that it started, and nothing else.
 */
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Milliseconds that a group may take to exit before it is killed. */
const GRACE_MS = 5_000;

/** The exit code of a shell that does not find a command. */
export const COMMAND_NOT_FOUND = 127;

const groups = new Set();
let stopping = false;

/** An expected failure. Its message says everything, so no stack trace is printed. */
export class Failure extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Starts `command` in a new process group. Options as for `child_process.spawn`. */
export function startGroup(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options, detached: true });
  child.gone = ended(child).finally(() => groups.delete(child));
  groups.add(child);
  return child;
}

/** Sends the child's group a SIGTERM, and kills it if it does not exit. */
export async function stopGroup(child) {
  if (child.pid === undefined) return;
  signalGroup(child, 'SIGTERM');
  const deadline = Date.now() + GRACE_MS;
  while (signalGroup(child, 0) && Date.now() < deadline) await new Promise((next) => setTimeout(next, 50));
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child, signal) {
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

/**
 * Runs `command` to its end and throws a `Failure` unless it succeeds.
 *
 * `output`: 'stream' passes its output through; 'on-failure' shows it only if the command fails;
 * 'return' returns its standard output as text; 'terminal' gives it this terminal, for a program that
 * asks questions.
 */
export async function run(command, args, { output = 'stream', ...options } = {}) {
  if (output === 'terminal') return runOnTerminal(command, args, options);
  const kept = output === 'stream' ? 'inherit' : 'pipe';
  const child = startGroup(command, args, { ...options, stdio: ['ignore', kept, kept] });
  const all = [];
  const out = [];
  child.stdout?.on('data', (chunk) => (all.push(chunk), out.push(chunk)));
  child.stderr?.on('data', (chunk) => all.push(chunk));
  throwUnlessDone(command, args, await child.gone, Buffer.concat(all).toString().trim());
  return Buffer.concat(out).toString();
}

/** Runs in this script's group: only the foreground group may read from a terminal. */
async function runOnTerminal(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: 'inherit' });
  throwUnlessDone(command, args, await ended(child));
}

function throwUnlessDone(command, args, { code, signal, error }, said = '') {
  if (code === 0 && !signal) return;
  const how = error ? error.message : signal ? `ended by ${signal}` : `exit code ${code}`;
  throw new Failure(`${said ? `${said}\n` : ''}${command} ${args.join(' ')}: ${how}`, code || 1);
}

const ended = (child) =>
  new Promise((settle) => {
    child.once('error', (error) => settle({ code: COMMAND_NOT_FOUND, error }));
    child.once('close', (code, signal) => settle({ code: code ?? 1, signal }));
  });

/** Runs one step of a longer job and prints how long it took. `hint` announces a long wait. */
export async function step(label, work, { hint = '' } = {}) {
  const started = Date.now();
  const elapsed = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  console.log(`  ${label} …${hint ? ` (${hint})` : ''}`);
  const result = await work();
  console.log(`  ${label}: done in ${elapsed()}`);
  return result;
}

/**
 * Runs a script's `main`. A `Failure` prints as its message alone. A signal stops every group, and
 * exits with `signalExitCode`, or 128 + its number.
 */
export async function runScript(main, { signalExitCode } = {}) {
  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) {
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      await Promise.all([...groups].map(stopGroup));
      process.exit(signalExitCode?.() ?? 128 + number);
    });
  }
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (stopping) return;
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = error.exitCode ?? 1;
  } finally {
    await Promise.all([...groups].map(stopGroup));
  }
}

/** Whether this module is the program that was started, and not imported by another. */
export const isMain = (meta) =>
  process.argv[1] !== undefined && fileURLToPath(meta.url) === realpathSync(process.argv[1]);
