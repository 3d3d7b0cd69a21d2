/**
 * `npm start`: a page, and a shop behind it that is flooded with copies and killed in the middle of its work. Needs
 * nothing but Node. Goes on serving until Ctrl-C; with --once it ends with the audit's verdict.
 *
 * Leaves nothing: the shop's process ends with it, and so do its data; those of a run that was itself killed go with
 * the next one.
 */
import { rm } from 'node:fs/promises';
import { type ServedPage, servePage } from '../page/page-server.js';
import { exitCodeOf, parseShowOptions, type ShowOptions } from './command-line.js';
import { makeFolder, sweepFolders } from './run-folder.js';
import { Show } from './show.js';
import { showProgress, summary } from './terminal.js';

async function main(options: ShowOptions): Promise<number> {
  const port = portFor(options);
  await sweepFolders();
  const folder = await makeFolder();
  const show = new Show(options, folder);
  let page: ServedPage | null = null;
  const interrupted = interruption();
  try {
    page = await servePage(show, port);
    process.stdout.write(`Watch it at ${page.url}\n`);
    const endBar = showProgress(show);
    try {
      await Promise.race([show.run(), interrupted]);
    } finally {
      endBar();
    }
    process.stdout.write(`${summary(show)}\n`);
    if (options.once) return verdictOf(options, show);
    process.stdout.write(`The page stays at ${page.url} until Ctrl-C.\n`);
    return await interrupted;
  } catch (error) {
    if (!(error instanceof Interrupt)) throw error;
    const isOver = !options.once && show.state().phase === 'done';
    return isOver ? 0 : error.exitCode;
  } finally {
    await show.close();
    await page?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Somebody wants it to end: by a signal, or by not listening any more. */
class Interrupt extends Error {
  constructor(readonly exitCode: number) {
    super('interrupted');
  }
}

function interruption(): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    process.once('SIGINT', () => reject(new Interrupt(130)));
    process.once('SIGTERM', () => reject(new Interrupt(143)));
    process.stdout.once('error', () => reject(new Interrupt(141)));
  });
  interrupted.catch(() => undefined); // whoever waits for it hears of it
  return interrupted;
}

function portFor({ once }: ShowOptions): number {
  const text = process.env['PORT'] || (once ? '0' : '3000');
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(
    `PORT is "${text}", which is no port. Nothing was started. Say a number, as in PORT=3001 npm start.`,
  );
}

/** Green only where the audit of all orders is clean and every kill that was asked for is shown to have landed. */
function verdictOf({ kills, orders }: ShowOptions, show: Show): number {
  const { audit } = show.state();
  return audit?.clean === true && audit.checked === orders && show.provenKills === kills ? 0 : 1;
}

try {
  process.exitCode = await main(parseShowOptions(process.argv.slice(2)));
} catch (error) {
  const code = exitCodeOf(error); // commander has said what is wrong
  if (code === null) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = code ?? 1;
}
