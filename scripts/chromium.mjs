/** The Chromium of the browser tests and the screenshots. */
import { ensureProgram, findProgram } from './debian.mjs';

const CHROMIUM = {
  title: 'Chromium',
  variable: 'CHROMIUM_BIN',
  names: ['chromium', 'chromium-browser', 'google-chrome'],
  // With a font: a page without any has no text, and pictures of it show none.
  packages: ['chromium', 'fonts-liberation'],
};

/** The path of a Chromium, or undefined. */
export const findChromium = () => findProgram(CHROMIUM);

/** The path of a Chromium, installed if there is none. */
export const ensureChromium = () => ensureProgram(CHROMIUM);
