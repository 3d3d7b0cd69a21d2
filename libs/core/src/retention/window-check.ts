/**
 * Compares the deduplication window with whatever may outlast it, once, when an engine has started: what comes again after
 * the window runs again. Step 9 of an event's life.
 *
 * Warns and says what to change; it changes nothing, delays no start and fails none.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import { backoffMs, type RetryPolicy } from '../failure/failure-policy.js';
import type { Logger } from '../telemetry/logger.js';

export interface WindowFacts {
  readonly windowMs: number;
  /** Milliseconds for which topics keep their records; `null`: for ever. */
  readonly topics?: ReadonlyMap<string, number | null>;
  /** Dead letters older than the window, about which nobody has decided. */
  readonly deadLetters?: number;
  /** Parked events of which the first attempt is longer ago than the window. */
  readonly parked?: number;
  /** By handler. */
  readonly retries?: ReadonlyMap<string, RetryPolicy>;
}

/** One line for each topic and handler, and one each for dead letters and parked events, with the figures and the remedy. */
export function windowWarnings(facts: WindowFacts): string[] {
  const { windowMs, topics = new Map(), deadLetters = 0, parked = 0, retries = new Map() } = facts;
  const window = `the deduplication window of ${days(windowMs)}`;
  const warnings: string[] = [];
  for (const [topic, keptMs] of topics) {
    if (keptMs === null) {
      warnings.push(
        `topic ${topic} keeps its records for ever, and ${window} is shorter: what is read again from before it runs ` +
          `again. Set the topic's retention.ms to at most ${windowMs}, or never set its group further back than that`,
      );
    } else if (keptMs > windowMs) {
      warnings.push(
        `topic ${topic} keeps its records for ${days(keptMs)}, longer than ${window}: what is read again from before it ` +
          `runs again. Set retention.windowDays to at least ${atLeast(keptMs)}, or the topic's retention.ms to at most ` +
          windowMs,
      );
    }
  }
  if (deadLetters > 0) {
    const what = deadLetters === 1 ? '1 dead letter is' : `${deadLetters} dead letters are`;
    warnings.push(
      `${what} older than ${window}: once such an event is replayed or discarded, a copy that comes later runs again. ` +
        'Decide about them in time ("npx exactly-once dead-letters list"), or raise retention.windowDays',
    );
  }
  if (parked > 0) {
    const what = parked === 1 ? '1 parked event is' : `${parked} parked events are`;
    warnings.push(
      `${what} older than ${window}: once such an event is handled, a copy that comes later runs again. See why they ` +
        'wait ("npx exactly-once parked list"), or raise retention.windowDays',
    );
  }
  for (const [handler, { attempts, maxBackoffMs }] of retries) {
    const budgetMs = attempts * maxBackoffMs;
    if (budgetMs <= windowMs) continue;
    warnings.push(
      `${handler} may try an event for ${days(budgetMs)} (${attempts} attempts, maxBackoffMs ${maxBackoffMs}), longer than ` +
        `${window}: a copy that comes after it runs again. Lower one of the two, or set retention.windowDays to at ` +
        `least ${atLeast(budgetMs)}`,
    );
  }
  return warnings;
}

export interface WindowCheckParts {
  readonly windowMs: number;
  readonly retries: ReadonlyMap<string, RetryPolicy>;
  /** Empty where the broker does not say how long topics keep their records. */
  readonly topics: () => Promise<ReadonlyMap<string, number | null>>;
  /** Dead letters that died before that time (milliseconds since the epoch) and wait for a decision. */
  readonly deadLetters: (beforeMs: number) => Promise<number>;
  /** Parked events whose first attempt was before that time. */
  readonly parked: (beforeMs: number) => Promise<number>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** For what does not answer: then it is left to the next start. */
const patience: RetryPolicy = { attempts: 5, backoffMs: 1_000, maxBackoffMs: 30_000 };

export class WindowCheck {
  readonly #parts: WindowCheckParts;

  constructor(parts: WindowCheckParts) {
    this.#parts = parts;
  }

  /** Rejects never. */
  async run(signal: AbortSignal): Promise<void> {
    const { windowMs, retries, topics, deadLetters, parked, clock } = this.#parts;
    this.#warn({ windowMs, retries });
    const asked = [
      this.#ask(signal, async () => ({ deadLetters: await deadLetters(clock.now() - windowMs) })),
      this.#ask(signal, async () => ({ parked: await parked(clock.now() - windowMs) })),
      this.#ask(signal, async () => ({ topics: await topics() })),
    ];
    await Promise.all(asked);
  }

  async #ask(signal: AbortSignal, facts: () => Promise<Omit<WindowFacts, 'windowMs'>>): Promise<void> {
    const { windowMs, clock, random, logger } = this.#parts;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        this.#warn({ windowMs, ...(await facts()) });
        return;
      } catch (error) {
        const why = errorChain(error).join(' <- ');
        if (attempt === patience.attempts) logger.info(`the window was not compared: ${why}`);
        if (attempt === patience.attempts) return;
      }
      await clock.sleep(backoffMs(patience, attempt, random), signal);
    }
  }

  #warn(facts: WindowFacts): void {
    for (const warning of windowWarnings(facts)) this.#parts.logger.warn(warning);
  }
}

const dayMs = 86_400_000;

function days(ms: number): string {
  const count = Number((ms / dayMs).toPrecision(3));
  return count === 1 ? '1 day' : `${count} days`;
}

/** Days, rounded up to hundredths. */
function atLeast(ms: number): number {
  return Math.ceil((ms / dayMs) * 100) / 100;
}
