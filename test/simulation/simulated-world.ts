/**
 * The core's engines as several processes on the same in-memory ports, on a clock and a scheduler that the schedule holds:
 * a consumer with its zombies, relays that share the outbox, business transactions, operators.
 *
 * Does what a schedule says and brings everything to rest; `SimulationBooks` says what must not be.
 */
import {
  Engine,
  type EventContext,
  ExactlyOnceError,
  type HandlerDefinition,
  hasCode,
  type Storage,
} from '@exactly-once/core';
import { caused, MemoryWorld } from '../engine/memory-world.js';
import { Mishaps } from '../engine/mishaps.js';
import { plant, type SimulatedBug } from './planted.js';
import type { AskedEvent, Schedule, Step, Who } from './schedule.js';
import { SimulatedProcess, sessionMs } from './simulated-process.js';
import { SimulationBooks } from './simulation-books.js';

const windowMs = 60_000;
const leaseMs = 3_000;

export class SimulatedWorld extends MemoryWorld {
  /** What happened that was asked for. */
  readonly fired = new Set<string>();
  readonly books = new SimulationBooks(this.storage, this.broker, this.ledger);
  readonly #mishaps = new Mishaps(this, this.fired);
  readonly #processes: SimulatedProcess[] = [];
  /** They were asked to end, and have not yet. */
  readonly #leaving = new Set<SimulatedProcess>();
  readonly #changed = new Set<() => void>();
  #consumer!: SimulatedProcess;
  #helper!: SimulatedProcess;
  #late = 0;
  #loses: 'committed' | 'rolled-back' | null = null;
  #healthy = false;
  #copyable = 0;

  constructor(
    readonly schedule: Schedule,
    bug: SimulatedBug | null = null,
  ) {
    super();
    if (bug !== null) plant(this.storage, bug);
    this.broker.bind({ clock: this.clock });
  }

  /** Sentences about what must not be; none where all is right. */
  async run(): Promise<string[]> {
    await this.#takeOver();
    await this.#help();
    for (const step of this.schedule.steps) {
      await this.#take(step);
      await this.pass(2);
      await this.#replaceDead();
    }
    return [...(await this.#heal()), ...this.books.faults(this.#handlers)];
  }

  async #take(step: Step): Promise<void> {
    if (step.do === 'produce') this.#produce(step.events);
    if (step.do === 'publish') void this.#publish(step);
    if (step.do === 'copy') this.broker.append('in', ...this.books.lastRecords(this.#copyable));
    if (step.do === 'pass') await this.pass(step.ms);
    if (step.do === 'die') this.#who(step.who).plan(step.calls, 'for ever');
    if (step.do === 'stop') this.#who(step.who).plan(step.calls, step.ms);
    if (step.do === 'lose') this.#loses = step.really;
    if (step.do === 'replay') await this.books.replay();
    if (step.do === 'forget') {
      // Nobody is away for long: an event that is older than the window when it is handled is known by nobody any more.
      for (let passedMs = 0; passedMs < 2 * windowMs; passedMs += 5_000) {
        await this.pass(5_000);
        await this.#replaceDead();
      }
      this.#copyable = this.books.asked.length;
    }
    if (step.do === 'rebalance') await this.#takeOver();
    if (step.do === 'deploy') {
      this.#retire(this.#consumer);
      await this.pass(20);
      await this.#takeOver();
    }
  }

  #who(who: Who): SimulatedProcess {
    return who === 'consumer' ? this.#consumer : this.#helper;
  }

  #produce(events: readonly AskedEvent[]): void {
    for (const asked of events) {
      const id = this.books.ask({ ...asked, outcome: 'committed', beganAtMs: null, endedAtMs: null });
      this.broker.append('in', { ...this.message(id), key: asked.key });
    }
  }

  async #publish({ key, end, lateMs, who }: Step & { do: 'publish' }): Promise<void> {
    const beganAtMs = this.clock.now();
    const id = this.books.ask({ key, mishaps: [], outcome: 'unknown', beganAtMs, endedAtMs: null });
    const process = this.#who(who);
    const work = async () => {
      await process.engine.outbox.publish({ type: 'happened', topic: 'in', version: 1 }, {}, { id, key });
      await this.clock.sleep(lateMs);
      if (end === 'roll back') throw new Error('on purpose');
    };
    // Any other error says for certain that nothing was committed.
    const outcome = await process.engine.transaction(work).then(
      () => 'committed' as const,
      (error) => (process.dead || hasCode(error, 'EO_COMMIT_UNKNOWN') ? 'unknown' : 'rolled back'),
    );
    if (outcome !== 'unknown') this.fired.add(`published, ${outcome}`);
    this.books.conclude(id, outcome, this.clock.now());
  }

  /** A new process has the partition from now on; whoever had it is not told. */
  async #takeOver(): Promise<void> {
    const process = this.#process();
    this.#consumer = process;
    for (const wake of this.#changed) wake();
    await process.engine.start().catch(() => undefined); // it may be told to stop in it
  }

  async #replaceDead(): Promise<void> {
    if (this.#consumer.dead) await this.#takeOver();
    if (this.#helper.dead) await this.#help();
  }

  /** It relays and publishes, and has no partition. */
  async #help(): Promise<void> {
    this.#helper = this.#process();
    await this.#helper.engine.start().catch(() => undefined);
  }

  #process(): SimulatedProcess {
    const process = new SimulatedProcess(
      this.clock,
      () => (this.#healthy ? 0 : this.schedule.lateMs[this.#late++ % this.schedule.lateMs.length]!),
      (what, ms) => {
        this.fired.add(what);
        if (ms > sessionMs) this.clock.timer(sessionMs, () => this.#isLost(process));
      },
    );
    this.#processes.push(process);
    process.engine = this.#engine(process);
    return process;
  }

  /** Its session is over, and its partition goes to another. */
  #isLost(process: SimulatedProcess): void {
    if (process === this.#consumer && !process.retired) void this.#takeOver();
  }

  #retire(process: SimulatedProcess): void {
    process.retired = true;
    for (const wake of this.#changed) wake();
    this.#leaving.add(process);
    void process.engine.stop().then(() => this.#leaving.delete(process));
  }

  /** How many of those that were asked to end, and live, have not in time. */
  async #ending(): Promise<number> {
    const left = () => [...this.#leaving].filter(({ dead }) => !dead).length;
    for (let round = 0; round < 10 && left() > 0; round++) await this.pass(2_000);
    return left();
  }

  #engine(process: SimulatedProcess): Engine {
    const keep = (message: string) => void this.log.push(message);
    const broker = Object.create(this.broker);
    broker.bind = () => {};
    broker.publisher = () => process.port(this.broker.publisher());
    broker.consumer = (request: never) => this.broker.consumer(request);
    return new Engine({
      service: 'test',
      storage: this.#storageOf(process),
      broker,
      handlers: this.#handlers.map((name) => this.#handler(name, process)),
      types: [{ type: 'happened', topic: 'in', version: 1 }, caused],
      unhandled: 'skip',
      clock: this.clock,
      random: () => 0.5,
      relay: { leaseMs, maxPollMs: 2_500, batchSize: 3 },
      retention: { windowDays: windowMs / 86_400_000, intervalMs: windowMs / 2 },
      logger: { error: keep, warn: keep, info: () => {}, debug: () => {} },
      retry: { attempts: 3, backoffMs: 100, maxBackoffMs: 1_000 },
      batch: { maxEvents: 4 },
      dedupCacheSize: 4,
      shutdownMs: 5_000,
    });
  }

  #storageOf(process: SimulatedProcess): Storage {
    const shared = this.storage as Storage;
    const storage = Object.create(shared) as { -readonly [Member in keyof Storage]: Storage[Member] };
    for (const name of ['inbox', 'outbox', 'fences', 'leases', 'parked', 'deadLetters'] as const) {
      storage[name] = process.port(shared[name] as never);
    }
    const { fences } = storage;
    const claim: typeof fences.claim = async (...given) => {
      await this.#assigned(process);
      return fences.claim(...given);
    };
    storage.fences = new Proxy(fences, {
      get: (of, name) => (name === 'claim' ? claim : Reflect.get(of, name)),
    });
    storage.begin = () =>
      process.begin(shared, (transaction) => {
        if (this.#loses === null) return;
        this.fired.add(`lost, ${this.#loses}`);
        transaction.loseAnswer(this.#loses);
        this.#loses = null;
      });
    return storage;
  }

  /** As the broker gives partitions to one member at a time. */
  async #assigned(process: SimulatedProcess): Promise<void> {
    while (process !== this.#consumer && !process.retired) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#changed.delete(wake);
          resolve();
        };
        this.#changed.add(wake);
      });
    }
    if (process.retired) throw new ExactlyOnceError('EO_STOPPED', 'it has no partition any more');
  }

  /** Everybody is well, and whatever waits for a person is let go on. Answers what did not come to rest. */
  async #heal(): Promise<string[]> {
    this.#healthy = true;
    this.#loses = null;
    for (const process of this.#processes) process.heal();
    await this.pass(2 * sessionMs);
    await this.#takeOver();
    for (const process of this.#processes)
      if (process !== this.#consumer && !process.dead) this.#retire(process);
    let quiet = false;
    for (let round = 0; round < 12 && !quiet; round++) {
      await this.pass(5_000);
      quiet = await this.books.quiet();
      if (quiet || round % 3 !== 2) continue;
      for (const scope of await this.#consumer.engine.parked()) void this.#consumer.engine.retryParked(scope);
    }
    this.#retire(this.#consumer);
    await this.pass(100);
    const left = await this.#ending();
    return [
      ...(quiet ? [] : ['V: not at rest in time']),
      ...(left === 0 ? [] : [`V: ${left} processes did not end in time`]),
    ];
  }

  readonly #handlers = ['h', 'b', 'n', 'o'];

  /** `h` publishes, `b` takes arrays, `n` has no order, `o` knows records by their offset alone. */
  #handler(name: string, process: SimulatedProcess): HandlerDefinition {
    const common = { name, type: 'happened', timeoutMs: 2_000_000 };
    const one = async (context: EventContext) => {
      const id = name === 'o' ? `${context.id}@${context.delivery.offset}` : context.id;
      this.ledger.append({ handler: name, id });
      await process.pass('in a handler');
      const { mishaps } = this.books.asked[Number(context.id) - 1]!;
      this.#mishaps.happen(`${name} ${context.id}`, this.#healthy ? [] : mishaps);
      this.books.second.append({ handler: name, id });
      if (name === 'h') await process.engine.outbox.publish(caused, { by: context.id });
    };
    if (name === 'b') {
      return {
        ...common,
        batch: 3,
        invokeBatch: async (_, contexts) => {
          for (const context of contexts) await one(context);
        },
      };
    }
    const more = { n: { order: 'none' as const }, o: { dedup: 'offset' as const } }[name] ?? {};
    return { ...common, ...more, invoke: async (_, context) => one(context) };
  }
}
