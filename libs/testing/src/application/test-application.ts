/**
 * `testExactlyOnce`: an application for the tests of a module's handlers, without servers.
 *
 * Its handlers run as in production: through Nest's pipes and guards, in the event's transaction, behind inbox and
 * outbox. Only the broker and the clock are the test's.
 */

import { ExactlyOnceError } from '@exactly-once/core';
import { refuseEscapes } from '../watching/detect-escapes.js';
import { DeliveryFailed } from './delivery-failed.js';
import { loadNest } from './peers.js';
import { Recipe } from './recipe.js';
import { type DeliveryOutcome, RunningApplication } from './running-application.js';
import {
  type DeliveryOptions,
  type EventParts,
  type PublishedEvent,
  publishedEvent,
  type TestEvent,
  testEvent,
  typeReader,
} from './test-event.js';
import { checkTestOptions, type TestOptions } from './test-options.js';

/** Of an event that was given up. */
export interface TestDeadLetter {
  readonly id: string | null;
  readonly type: string | null;
  /** `null` where it never got as far as a handler. */
  readonly handler: string | null;
  readonly code: string;
  readonly error: string;
  readonly attempts: number;
}

// biome-ignore lint/suspicious/noExplicitAny: any constructor is a token
type Token<T> = string | symbol | NestToken | (abstract new (...parameters: any[]) => T);
// biome-ignore lint/complexity/noBannedTypes: as Nest has it, and what getRepositoryToken() gives
type NestToken = Function;
type EventClass = abstract new (...parameters: never[]) => object;

/** What a check needs of it. */
export interface Tested {
  readonly recipe: Recipe;
  readonly event: (event: object, options: DeliveryOptions) => Promise<TestEvent>;
  /**
   * Runs a check; the application does not let go of the database before that has ended. `signal`: it is being closed,
   * as by the end of a test that took too long. Throws EO_OPTION_INVALID where another check runs, EO_SHUTTING_DOWN
   * where the application is closed.
   */
  readonly during: <T>(check: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

const tested = new WeakMap<TestApplication, Tested>();

/** For a check of the same package. Throws EO_OPTION_INVALID. */
export function testedBy(application: TestApplication): Tested {
  const found = tested.get(application);
  if (found !== undefined) return found;
  throw new ExactlyOnceError('EO_OPTION_INVALID', 'this is no application that testExactlyOnce() has made');
}

/** Letters that one look gives at most. */
const mostLetters = 1_000;

export class TestApplication {
  readonly #recipe: Recipe;
  readonly #running: RunningApplication;
  readonly #typeOf: EventParts['typeOf'];
  /** Writes that came after their event's end, and that nothing has told of yet. */
  readonly #late: Error[];
  readonly #closing = new AbortController();
  /** Never rejects. */
  #check: Promise<unknown> | null = null;
  #closed: Promise<void> | null = null;

  /** @internal */
  constructor(
    recipe: Recipe,
    running: RunningApplication,
    { typeOf, late }: { typeOf: EventParts['typeOf']; late: Error[] },
  ) {
    this.#late = late;
    this.#recipe = recipe;
    this.#running = running;
    this.#typeOf = typeOf;
    tested.set(this, {
      recipe,
      event: (event, options) => this.#event(event, options),
      during: (check) => this.#during(check),
    });
  }

  /** Time of retries, time-outs and delayed events; `Date` goes on by itself. */
  get clock(): { now(): number; advance(ms: number): Promise<void> } {
    return this.#running.clock;
  }

  /** A provider of the application, for example a repository: `app.get<Repository<Payment>>(getRepositoryToken(Payment))`. */
  get<T>(token: Token<T>): T {
    return this.#running.nest.get<T>(token as never, { strict: false });
  }

  /**
   * Hands an event, an instance of a class with `@EventType`, to the module's handlers as a broker would. Resolves when
   * they have committed, `handled`, or had before, `duplicate`. Rejects with DeliveryFailed where a handler failed: the
   * event waits for its next attempt or is a dead letter then, and `cause` is the handler's error.
   */
  async deliver(event: object, options: DeliveryOptions = {}): Promise<'handled' | 'duplicate'> {
    return this.#settle(await this.#event(event, options), 1);
  }

  /** The same event twice, as a broker does after a crash. Resolves and rejects as for one. */
  async deliverTwice(event: object, options: DeliveryOptions = {}): Promise<'handled' | 'duplicate'> {
    const made = await this.#event(event, options);
    const outcome = await this.#settle(made, 1);
    await this.#settle(made, 1);
    return outcome;
  }

  /** What was published so far and committed, in order; of a class with `@EventType`, or of a type, only. */
  published(type?: string | EventClass): PublishedEvent[] {
    const wanted =
      typeof type === 'function' ? this.#typeOf(Object.create(type.prototype as object)).type : type;
    const { codec } = this.#recipe.engine;
    const events = this.#running.record.published.map((event) => publishedEvent(event, codec));
    return wanted === undefined ? events : events.filter((event) => event.type === wanted);
  }

  /** Events that were given up, and about which nobody has decided. */
  async deadLetters(): Promise<TestDeadLetter[]> {
    const letters = await this.#running.storage.deadLetters.list({ state: 'dead' }, mostLetters);
    return letters.map(({ eventId: id, type, handler, code, error, attempts }) => ({
      ...{ id, type, handler, code, error, attempts },
    }));
  }

  /**
   * Ends the application, and takes away what it made in the database. A check that still runs is ended first, and puts
   * back what stood in the tables. Rejects, when all is closed, where a handler wrote after its event's end, which no
   * `deliver` could tell. May be called again.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #during<T>(check: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#closing.signal.throwIfAborted();
    if (this.#check !== null)
      throw new ExactlyOnceError('EO_OPTION_INVALID', 'checkExactlyOnce() already runs on this application');
    const running = check(this.#closing.signal);
    this.#check = running.catch(() => undefined);
    try {
      return await running;
    } finally {
      this.#check = null;
    }
  }

  async #close(): Promise<void> {
    const why = 'the application was closed before checkExactlyOnce() had ended: give the test more time';
    this.#closing.abort(new ExactlyOnceError('EO_SHUTTING_DOWN', why));
    try {
      await this.#check;
      await this.#running.close();
    } finally {
      await this.#recipe.database?.close();
    }
    this.#tellLate();
  }

  #tellLate(): void {
    const [first] = this.#late.splice(0);
    if (first !== undefined) throw first;
  }

  #event(event: object, options: DeliveryOptions): Promise<TestEvent> {
    const parts = {
      codec: this.#recipe.engine.codec,
      nowMs: this.#running.clock.now(),
      typeOf: this.#typeOf,
    };
    return testEvent(event, options, parts);
  }

  async #settle(event: TestEvent, copies: number): Promise<'handled' | 'duplicate'> {
    this.#tellLate();
    if (!this.#running.broker.consumes(event.topic)) throw unhandled(event, this.#running.broker.topics);
    const outcome: DeliveryOutcome = await this.#running.deliver(event, copies);
    if (outcome instanceof DeliveryFailed) throw outcome;
    if (outcome === 'duplicate' && !this.#running.record.knows(event.id))
      throw unhandled(event, this.#running.broker.topics);
    return outcome;
  }
}

/**
 * Starts the module's handlers with a database and a broker of the test's own. `module`: a domain module, or a whole
 * one, whose `TypeOrmModule.forRoot` and `ExactlyOnceModule.forRoot` are replaced. To be closed:
 *
 *     await using app = await testExactlyOnce(PaymentsModule);
 *
 * Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID, EO_PACKAGE_MISSING, and what the module's start gives.
 */
export async function testExactlyOnce(module: unknown, options: TestOptions = {}): Promise<TestApplication> {
  checkTestOptions(options);
  const recipe = await Recipe.of(module, options);
  try {
    const schema = (await recipe.database?.createSchema()) ?? null;
    const late: Error[] = [];
    const watchers = options.escapes === 'allow' ? [] : [refuseEscapes((error) => late.push(error))];
    const running = await RunningApplication.start(recipe, { schema, group: 'test', watchers });
    return new TestApplication(recipe, running, { typeOf: typeReader(await loadNest()), late });
  } catch (error) {
    await recipe.database?.close();
    throw error;
  }
}

function unhandled({ type, topic }: TestEvent, topics: readonly string[]): DeliveryFailed {
  const known = topics.length === 0 ? 'none' : topics.join(', ');
  const what = `no handler of the module takes "${type}" from topic "${topic}"; topics with handlers: ${known}`;
  return new DeliveryFailed('unhandled', what);
}
