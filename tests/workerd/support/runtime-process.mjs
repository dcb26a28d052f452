/**
 * The workerd process behind a Miniflare: which one it is, and what CPU time it has used.
 *
 * Miniflare keeps its child to itself, so it is found by what only it can have: it is a child of
 * this process and owns the listening socket of this Miniflare's port. Linux only (/proc).
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Clock ticks a second in /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const TICKS = 100;

/** `state` and the fields after it, in the order of proc(5), counted from 3. */
function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

const parent = (pid) => Number(stat(pid)[1]);

/** Inodes of the sockets that listen on a TCP port. */
function listeners(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let text;
    try {
      text = readFileSync(table, 'utf8');
    } catch {
      continue;
    }
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A') inodes.add(`socket:[${fields[9]}]`);
    }
  }
  return inodes;
}

function owns(pid, sockets) {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false;
    }
  });
}

/**
 * The child of this process that listens on `port`.
 *
 * @param {number} port
 * @returns {number} its pid
 */
export function childListeningOn(port) {
  const sockets = listeners(port);
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (parent(entry) === process.pid && owns(entry, sockets)) return Number(entry);
    } catch {
      // Gone since it was listed.
    }
  }
  throw new Error(`no child of ${process.pid} listens on port ${port}`);
}

/** CPU time a process has used so far, user and system together, in milliseconds. */
export function cpuMillis(pid) {
  const fields = stat(pid);
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}
