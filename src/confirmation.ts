/**
 * Asks a person before the tool does something to many, and shows how far it is. On standard error, so that standard
 * output stays a program's; where nobody sits in front of it nothing is shown, and nothing is taken for a yes.
 */
import { createInterface } from 'node:readline/promises';
import { Presets, SingleBar } from 'cli-progress';

/** True where the person says yes; false where there is nobody to ask. */
export async function confirmed(question: string): Promise<boolean> {
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
