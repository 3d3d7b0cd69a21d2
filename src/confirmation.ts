/**
 * Asks a person before the tool does something to many, and shows how far it is. On standard error, so that standard
 * output stays a program's; where nobody sits in front of it nothing is shown, and nothing is taken for a yes.
 */
import { createInterface } from 'node:readline/promises';
import { Presets, SingleBar } from 'cli-progress';

const exitNotConfirmed = 4;

/** False where nobody agreed: then that is said of `what`, and the exit code is 4. A program is not asked. */
export async function agreed(question: string, what: string, json = false): Promise<boolean> {
  if (!json && (await confirmed(question))) return true;
  process.stderr.write(`${what} fit. Nothing was done: say --yes.\n`);
  process.exitCode = exitNotConfirmed;
  return false;
}

/** True where the person says yes; false where there is nobody to ask. */
async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

/** Runs `work` below a bar that it moves, from 0 to `total`. */
export async function withProgress<T>(
  total: number,
  work: (progress: (done: number) => void) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY || total < 2) return work(() => {});
  const format = '{bar} {percentage} %  {value} of {total}  {eta_formatted} left';
  const bar = new SingleBar(
    { format, stream: process.stderr, clearOnComplete: true },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  try {
    return await work((done) => bar.update(Math.min(done, total)));
  } finally {
    bar.stop();
  }
}
