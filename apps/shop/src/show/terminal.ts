/**
 * The run in the terminal: a bar while it goes on, a summary when it is over. Where the output is no terminal, a line
 * every few seconds.
 */
import { type SingleBar as Bar, default as progress } from 'cli-progress';
import type { ShowSource, ShowState } from '../page/show-state.js';
import type { Show } from './show.js';

/** Milliseconds between two lines where the output is no terminal. */
const lineMs = 5_000;

/** Shows the run from now on; the function that is returned ends the bar. */
export function showProgress(show: ShowSource): () => void {
  const bar: Bar = new progress.SingleBar(
    {
      format:
        '{bar} {value}/{total} orders finished | {phase} | {deliveries} deliveries, {duplicates} duplicates | {crashes} crashes',
      barsize: 24,
      hideCursor: true,
      noTTYOutput: true,
      notTTYSchedule: lineMs,
    },
    progress.Presets.shades_classic,
  );
  const start = show.state();
  bar.start(start.orders.wanted, finished(start), figures(start));
  const unsubscribe = show.subscribe(() => {
    const state = show.state();
    bar.update(finished(state), figures(state));
  });
  return () => {
    unsubscribe();
    const state = show.state();
    bar.update(finished(state), figures(state));
    bar.stop();
  };
}

/** What came out, in a few lines. */
export function summary(show: Show): string {
  const state = show.state();
  const { orders, payments, refusals, shipments, notifications, crashes, audit } = state;
  const verdict =
    audit === null
      ? 'There was no audit.'
      : audit.clean
        ? `Audit of ${audit.checked} orders: clean. Nothing lost, nothing doubled.`
        : `Audit of ${audit.checked} orders: NOT CLEAN. ${audit.lost} lost, ${audit.doubled} doubled, ${audit.torn} torn.`;
  return [
    `${orders.placed} orders: ${payments} payments, ${refusals} refused; ${shipments} shipments, ${notifications} notifications`,
    `${state.deliveries} deliveries, ${state.duplicatesAbsorbed} duplicates absorbed, ${crashes.length} crashes (${show.provenKills} within an open transaction)`,
    verdict,
    ...(audit?.findings.slice(0, 10).map((finding) => `  ${finding}`) ?? []),
    `${(state.elapsedMs / 1_000).toFixed(1)} s, seed ${state.seed}, at most ${Math.round(show.mostMemoryMiB)} MiB of memory`,
  ].join('\n');
}

function finished({ orders: { shipped, cancelled } }: ShowState): number {
  return shipped + cancelled;
}

function figures({ phase, deliveries, duplicatesAbsorbed, crashes }: ShowState): object {
  return { phase, deliveries, duplicates: duplicatesAbsorbed, crashes: crashes.length };
}
