/** Checks that the licence of every dependency allows shipping the Worker under Apache-2.0. */
import { Failure, run } from './processes.mjs';
import { ROOT } from './project.mjs';
import { toolEnvironment } from './toolchain.mjs';

const ALLOWED = new Set(['Apache-2.0', 'MIT', 'MIT-0', 'Zlib', 'BSD-3-Clause', 'Unicode-3.0']);

/** Fails for a licence that is not allowed, and if Cargo.lock does not match Cargo.toml. */
export async function checkLicences() {
  const metadata = JSON.parse(
    await run('cargo', ['metadata', '--format-version', '1', '--locked'], {
      output: 'return', cwd: ROOT, env: toolEnvironment(),
    }),
  );
  const refused = metadata.packages.filter(({ license }) => !isAllowed(license ?? ''));
  if (refused.length > 0) {
    throw new Failure(refused.map(({ name, version, license }) => `${name} ${version}: licence ${license ?? 'unknown'}`).join('\n'));
  }
}

/**
 * Whether an SPDX expression allows a choice in which every licence is allowed. Assumes that alternatives
 * are nested in conjunctions, as in every crate that mixes the two. `/` is the old notation for OR.
 */
function isAllowed(expression) {
  return expression
    .replace(/[()]/g, '')
    .split(' AND ')
    .every((part) => part.split(/ OR |\//).some((licence) => ALLOWED.has(licence.trim())));
}
