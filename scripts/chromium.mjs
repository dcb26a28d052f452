/** Finds or installs the Chromium for the browser tests and the screenshots. */
import { ensureProgram, findProgram } from './debian.mjs';

const CHROMIUM = {
  title: 'Chromium',
  variable: 'CHROMIUM_BIN',
  names: ['chromium', 'chromium-browser', 'google-chrome'],
  // With a font, because without one no text is drawn.
  packages: ['chromium', 'fonts-liberation'],
};

/** The path of a Chromium, or undefined. */
export const findChromium = () => findProgram(CHROMIUM);

/** The path of a Chromium, which is installed if there is none. */
export const ensureChromium = () => ensureProgram(CHROMIUM);
