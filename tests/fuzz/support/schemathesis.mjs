/** Runs Schemathesis against a gateway. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HOOKS = fileURLToPath(new URL('..', import.meta.url));

/** Everything that the document says about a response, and that it is not a 5xx. */
const CHECKS = [
  'not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance',
  'response_schema_conformance', 'unsupported_method', 'allow_header_conformance',
];

/**
 * @param {{url: string}} gateway
 * @param {object} choice
 * @param {object} choice.document - the OpenAPI document
 * @param {object} choice.callers - see callers.mjs
 * @param {number} choice.examples - the most requests to generate for each operation and phase
 * @param {number} [choice.seed] - random if absent
 * @param {string[]} [choice.only] - operation ids
 * @returns {Promise<{code: number, output: string, seen: Record<string, Record<string, number>>}>} code 0 if no
 *   fault was found; `seen` counts the statuses of each operation
 */
export async function schemathesis(gateway, { document, callers, examples, seed, only = [] }) {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-fuzz-'));
  const write = (name, content) => {
    const file = path.join(directory, name);
    writeFileSync(file, JSON.stringify(content));
    return file;
  };
  const args = [
    'run', write('openapi.json', document), '--url', gateway.url, '--checks', CHECKS.join(','),
    '--phases', 'examples,coverage,fuzzing,stateful', '--max-examples', String(examples), '--workers', '1',
    '--continue-on-failure', '--warnings', 'off', '--generation-database', 'none', '--no-color',
    ...(seed === undefined ? [] : ['--seed', String(seed)]),
    ...only.flatMap((id) => ['--include-operation-id', id]),
  ];
  const seen = write('seen.json', {});
  const env = {
    ...process.env, TIDEGATE_CALLERS: write('callers.json', callers), TIDEGATE_SEEN: seen,
    SCHEMATHESIS_HOOKS: 'hooks', PYTHONPATH: HOOKS, PYTHONDONTWRITEBYTECODE: '1',
  };
  try {
    const { code, output } = await finished(spawn(process.env.SCHEMATHESIS_BIN, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] }));
    return { code, output, seen: JSON.parse(readFileSync(seen, 'utf8')) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function finished(child) {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
