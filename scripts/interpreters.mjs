/** Finds or installs the interpreters for samples of the documentation that neither Node nor the shell runs. */
import { ensureProgram, findProgram } from './debian.mjs';

const INTERPRETERS = {
  php: { title: 'PHP', variable: 'PHP_BIN', names: ['php'], packages: ['php-cli'] },
  python: { title: 'Python', variable: 'PYTHON_BIN', names: ['python3'], packages: ['python3'] },
};

/** The path of an interpreter, or undefined. */
export const findInterpreter = (language) => findProgram(INTERPRETERS[language]);

/** `{ PHP_BIN, PYTHON_BIN }`. A missing interpreter is installed. */
export async function ensureInterpreters() {
  const found = {};
  for (const program of Object.values(INTERPRETERS)) found[program.variable] = await ensureProgram(program);
  return found;
}
