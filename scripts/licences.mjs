/** Refuses a dependency whose licence does not let anyone ship the Worker under Apache-2.0. */
import { Failure, run } from './processes.mjs';
import { ROOT } from './project.mjs';
import { toolEnvironment } from './toolchain.mjs';

const ALLOWED = new Set(['Apache-2.0', 'MIT', 'MIT-0', 'Zlib', 'BSD-3-Clause', 'Unicode-3.0']);

/** Also fails when Cargo.lock does not match Cargo.toml. */
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
 * Whether one choice of an SPDX expression is allowed throughout. Takes alternatives to stand
 * inside the conjunctions, as they do wherever crates mix the two; `/` is the old way to write OR.
 */
function isAllowed(expression) {
  return expression
    .replace(/[()]/g, '')
    .split(' AND ')
    .every((part) => part.split(/ OR |\//).some((licence) => ALLOWED.has(licence.trim())));
}
