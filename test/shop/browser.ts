/**
 * A real browser without a window: the one that EO_BROWSER names, else a Chromium or Chrome of this machine.
 * Nothing is downloaded.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge'];

const places = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

export const browserChoices =
  'No browser to look at the page with. Choices: set EO_BROWSER to the path of a Chromium or Chrome; ' +
  'or install one (Debian and Ubuntu: apt-get install chromium; macOS and Windows: Google Chrome in its usual place).';

/** Null where there is none. Throws where EO_BROWSER names a file that does not exist. */
export function browserPath(environment: NodeJS.ProcessEnv = process.env): string | null {
  const chosen = environment['EO_BROWSER'];
  if (chosen !== undefined && chosen !== '') {
    if (!existsSync(chosen))
      throw new Error(`EO_BROWSER names ${chosen}, which does not exist. ${browserChoices}`);
    return chosen;
  }
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [...names.flatMap((name) => folders.map((folder) => join(folder, name))), ...places];
  return candidates.find((path) => existsSync(path)) ?? null;
}

/** Rejects with the choices where there is none. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = browserPath();
  if (executablePath === null) throw new Error(browserChoices);
  return chromium.launch({ executablePath, headless: true });
}
