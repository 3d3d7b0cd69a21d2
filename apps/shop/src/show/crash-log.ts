/**
 * The kills of a run, and the proof that each landed within an open transaction: what the process said it had written
 * is done once more after the restart. Had it been committed, it would be absorbed instead.
 */
import type { Crash } from '../page/show-state.js';
import type { EventMark } from '../stage/messages.js';
import type { Journeys } from './journeys.js';

interface Logged {
  readonly crash: Crash;
  readonly written: readonly EventMark[];
}

export class CrashLog {
  readonly #logged: Logged[] = [];

  constructor(readonly unsafe: boolean) {}

  get crashes(): readonly Crash[] {
    return this.#logged.map(({ crash }) => crash);
  }

  /** The process was killed where it had said that it stands within an open transaction and has written this. */
  add(written: readonly EventMark[], atMs: number): void {
    const handlersDone = written.filter(({ handler }) => handler !== null).length;
    const lost = this.unsafe && handlersDone > 0 ? { lost: lostWords(handlersDone) } : {};
    this.#logged.push({ crash: { atMs, transactionOpen: true, handlersDone, ...lost }, written });
  }

  /** How many are proven; without the protection nothing is done again, and there is no proof to be had. */
  proven(journeys: Journeys): number {
    if (this.unsafe) return this.#logged.length;
    const isProven = ({ crash, written }: Logged) =>
      written.length > 0 && written.every((mark) => journeys.doneAgain(mark, crash.atMs));
    return this.#logged.filter(isProven).length;
  }
}

function lostWords(events: number): string {
  const [what, it] = events === 1 ? ['It was', 'it is'] : ['They were', 'they are'];
  return `${what} acknowledged before the work was done: unless a copy follows, ${it} lost.`;
}
