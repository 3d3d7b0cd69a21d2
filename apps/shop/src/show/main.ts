/**
 * `npm start`: a page, and a shop behind it that is flooded with copies and killed in the middle of its work. Needs
 * nothing but Node. Goes on serving until Ctrl-C; with --once it ends with the audit's verdict.
 *
 * Leaves nothing: the shop's process ends with it, and so do its data.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServedPage, servePage } from '../page/page-server.js';
import type { ShowState } from '../page/show-state.js';
import { exitCodeOf, parseShowOptions, type ShowOptions } from './command-line.js';
import { Show } from './show.js';
import { showProgress, summary } from './terminal.js';

async function main(options: ShowOptions): Promise<number> {
  const port = Number(process.env['PORT'] ?? (options.once ? 0 : 3_000));
  const folder = await mkdtemp(join(tmpdir(), 'exactly-once-shop-'));
  const show = new Show(options, folder);
  let page: ServedPage | null = null;
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Interrupt()));
  });
  try {
    page = await servePage(show, port);
    process.stdout.write(`Watch it at ${page.url}\n`);
    const endBar = showProgress(show);
    try {
      await Promise.race([show.run(), interrupted]);
    } finally {
      endBar();
    }
    process.stdout.write(`${summary(show.state(), show.mostMemoryMiB)}\n`);
    if (options.once) return verdictOf(options, show.state());
    process.stdout.write(`The page stays at ${page.url} until Ctrl-C.\n`);
    return await interrupted;
  } catch (error) {
    if (error instanceof Interrupt) return 0;
    throw error;
  } finally {
    await show.close();
    await page?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

class Interrupt extends Error {}

/** Green only where the audit is clean and every kill that was asked for landed where it should. */
function verdictOf({ kills }: ShowOptions, { audit, crashes }: ShowState): number {
  const landed = crashes.filter(({ transactionOpen }) => transactionOpen).length;
  return audit?.clean === true && landed === kills ? 0 : 1;
}

try {
  process.exitCode = await main(parseShowOptions(process.argv.slice(2)));
} catch (error) {
  const code = exitCodeOf(error); // commander has said what is wrong
  if (code === null) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = code ?? 1;
}
