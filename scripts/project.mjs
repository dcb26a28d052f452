/**
 * The paths of this clone and of this machine, and the versions of the tools. Every other script takes
 * them from here.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');
export const BUILD_DIR = join(ROOT, 'build');
export const NODE_MODULES = join(ROOT, 'node_modules');

/** The directory of the tools that cargo builds once per user. They outlive the clone. */
export const TOOL_CACHE =
  process.env.TIDEGATE_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tidegate-tools');

export const MINIMUM_NODE_MAJOR = 20;
export const WASM_TARGET = 'wasm32-unknown-unknown';

/** The most bytes of the whole Worker, compressed as Cloudflare counts it. */
export const MAX_WORKER_GZIP_BYTES = 1.5 * 1024 * 1024;

export const npmBin = (pkg, bin = pkg) => join(NODE_MODULES, pkg, 'bin', bin);

/** The toolchain in rust-toolchain.toml: `{ channel, components, targets }`. */
export function pinnedToolchain() {
  const toml = readFileSync(join(ROOT, 'rust-toolchain.toml'), 'utf8');
  const text = (key) => toml.match(new RegExp(`^${key} = "([^"]+)"`, 'm'))?.[1];
  const list = (key) =>
    [...(toml.match(new RegExp(`^${key} = \\[([^\\]]*)\\]`, 'm'))?.[1] ?? '').matchAll(/"([^"]+)"/g)].map(
      (match) => match[1],
    );
  return { channel: text('channel'), components: list('components'), targets: list('targets') };
}
