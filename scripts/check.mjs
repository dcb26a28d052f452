/**
 * `npm run check`: everything about the code that a tool can check without running it. Warnings are
 * errors, on the host and on wasm32, because each compiles code that the other does not.
 */
import { checkLicences } from './licences.mjs';
import { run, runScript, step } from './processes.mjs';
import { ROOT, WASM_TARGET } from './project.mjs';
import { preflight, toolEnvironment } from './toolchain.mjs';

const DENY_WARNINGS = ['--', '-D', 'warnings'];
/** Only for the libraries, because only their dependencies ship. */
const DENY_UNUSED_DEPENDENCIES = ['-D', 'unused-crate-dependencies'];
const DOC = ['doc', '--workspace', '--no-deps', '--document-private-items'];
const ON_WASM = ['--target', WASM_TARGET];

const cargo = (...args) =>
  run('cargo', args, {
    output: 'on-failure',
    cwd: ROOT,
    env: { ...toolEnvironment(), RUSTDOCFLAGS: '-D warnings' },
  });

/** Imported late: it needs npm's packages, which a fresh clone has only after `preflight()`. */
const checkDocuments = async () => (await import('./docs/documents.mjs')).checkDocuments();

const CHECKS = [
  ['Format', () => cargo('fmt', '--all', '--check')],
  ['Licences', () => checkLicences()],
  ['Links and paths in the documents', checkDocuments],
  ['Clippy', () => cargo('clippy', '--workspace', '--all-targets', ...DENY_WARNINGS)],
  ['Unused dependencies', () => cargo('clippy', '--workspace', '--lib', ...DENY_WARNINGS, ...DENY_UNUSED_DEPENDENCIES)],
  ['Clippy and unused dependencies on wasm32', () => cargo('clippy', '--workspace', '--lib', ...ON_WASM, ...DENY_WARNINGS, ...DENY_UNUSED_DEPENDENCIES)],
  ['Documentation', () => cargo(...DOC)],
  ['Documentation on wasm32', () => cargo(...DOC, ...ON_WASM)],
];

await runScript(async () => {
  await preflight();
  console.log('\nChecks');
  for (const [label, check] of CHECKS) await step(label, check);
});
