/**
 * Processes on the same in-memory ports that fail, park, retry and die as a schedule says. What became of each event is
 * read from the ports when the schedule is over and all is well again.
 */
import {
  Engine,
  type EventContext,
  type HandlerDefinition,
  type ParkedEntry,
  type ParkScope,
  type Storage,
  type StoredDeadLetter,
} from '@exactly-once/core';
import type { InMemoryTransaction } from '@exactly-once/testing';
import { MemoryWorld } from './memory-world.js';
import { type Mishap, Mishaps } from './mishaps.js';
import { ReplayBooks } from './replay-books.js';

export type DeathAt = 'begin' | 'before commit' | 'after commit';

export interface ScheduledEvent {
  readonly key: 'a' | 'b' | 'c' | null;
  /** What happens at its first calls, for each handler; then it succeeds. */
  readonly mishaps: readonly Mishap[];
}

export type Step =
  | { readonly do: 'feed'; readonly events: readonly ScheduledEvent[] }
  | { readonly do: 'again' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'die'; readonly at: DeathAt; readonly after: number }
  | { readonly do: 'lose'; readonly really: 'committed' | 'rolled-back' }
  | { readonly do: 'deploy' }
  /** Two operators replay all that is dead, at once. */
  | { readonly do: 'replay' }
  | { readonly do: 'help' };

interface Process {
  readonly engine: Engine;
  readonly open: Set<InMemoryTransaction>;
  dead: boolean;
  death: { at: DeathAt; after: number } | null;
}

const forEver = () => new Promise<never>(() => {});

export class ScheduleWorld extends MemoryWorld {
  readonly events: (ScheduledEvent & { readonly id: string })[] = [];
  /** What happened that was asked for. */
  readonly fired = new Set<string>();
  readonly #mishaps = new Mishaps(this, this.fired);
  readonly #handlers = ['h', 'b', 'n'];
  readonly #replays = new ReplayBooks();
  #main!: Process;
  #helpers: Process[] = [];
  #loses: 'committed' | 'rolled-back' | null = null;
  #healthy = false;

  async run(steps: readonly Step[]): Promise<void> {
    this.#main = await this.#process(true);
    for (const step of steps) {
      await this.#take(step);
      await this.pass(3);
      if (this.#main.dead) this.#main = await this.#process(true);
    }
    await this.#heal();
  }

  /** Sentences about what must not be; none where all is right. */
  faults(): string[] {
    return this.#handlers.flatMap((handler) => {
      const effects = this.ledger.rows.filter((row) => row.handler === handler).map(({ id }) => id);
      return [
        ...this.#doubles(handler),
        ...this.#disorder(handler),
        ...this.#replays.faults(handler, effects),
      ];
    });
  }

  #doubles(handler: string): string[] {
    const effects = this.ledger.rows.filter((row) => row.handler === handler).map(({ id }) => id);
    const letters = this.storage.deadLetters.letters.filter((one) => one.handler === handler);
    return this.events.flatMap(({ id }) => {
      const [done, dead] = [
        effects.filter((one) => one === id).length,
        letters.filter(({ eventId, state }) => eventId === id && state === 'dead').length,
      ];
      return done + dead === 1 ? [] : [`${handler} ${id}: ${done} effects, ${dead} letters`];
    });
  }

  #disorder(handler: string): string[] {
    if (handler === 'n') return [];
    const keys = new Map(this.events.map(({ id, key }) => [id, key]));
    return ['a', 'b', 'c'].flatMap((key) => {
      const ids = this.ledger.rows
        .filter((row) => row.handler === handler && keys.get(row.id) === key)
        .filter(({ id }) => this.#replays.times(handler, id) === 0)
        .map(({ id }) => Number(id));
      const sorted = ids.toSorted((one, other) => one - other);
      return String(ids) === String(sorted) ? [] : [`${handler} of key ${key}: ${ids}`];
    });
  }

  async #take(step: Step): Promise<void> {
    if (step.do === 'feed') this.#feed(step.events);
    if (step.do === 'again') this.#deliver(this.events.slice(-3));
    if (step.do === 'pass') await this.pass(step.ms);
    if (step.do === 'die') this.#main.death = { ...step };
    if (step.do === 'lose') this.#loses = step.really;
    if (step.do === 'replay') await this.#replay();
    if (step.do === 'help') this.#helpers.push(await this.#process(false));
    if (step.do !== 'deploy') return;
    void this.#main.engine.drain();
    await this.pass(20);
    this.#main = await this.#process(true);
  }

  async #replay(): Promise<void> {
    const { deadLetters, parked, handlers } = this.storage;
    const root = ({ id, replayOf }: StoredDeadLetter) => replayOf ?? id;
    const dead = deadLetters.letters
      .filter(({ state }) => state === 'dead')
      .toSorted((one, other) => (root(one) < root(other) ? -1 : 1));
    if (dead.length === 0) return;
    this.fired.add(parked.any ? 'replay before parked events' : 'replay');
    const ordered = ({ handler }: StoredDeadLetter) => handler !== 'n';
    const waiting = (await this.#waiting()).filter(({ handlerId }) => handlers.nameOf(handlerId) !== 'n');
    this.#replays.note(dead.filter(ordered), waiting, (id) => handlers.nameOf(id));
    const ids = dead.map(({ id }) => id);
    await Promise.all(['one', 'other'].map((by) => deadLetters.replay(ids, by)));
  }

  /** What is parked and cannot be under way: the first event of a key that is due may be, and nothing waits for it. */
  async #waiting(): Promise<ParkedEntry[]> {
    const { parked } = this.storage;
    const slot = ({ handlerId, keyHash }: ParkScope) =>
      `${handlerId} ${Buffer.from(keyHash).toString('hex')}`;
    const { entries } = parked;
    const known = await parked.upcoming([...new Set(entries.map(({ handlerId }) => handlerId))], 1_000);
    const due = new Set(known.filter(({ atMs }) => atMs <= this.clock.now()).map(slot));
    return entries.filter((entry, at) => {
      const isFirst = entries.findIndex((one) => slot(one) === slot(entry)) === at;
      return !(isFirst && due.has(slot(entry)));
    });
  }

  #feed(events: readonly ScheduledEvent[]): void {
    const named = events.map((event, index) => ({ ...event, id: String(this.events.length + index + 1) }));
    this.events.push(...named);
    this.#deliver(named);
  }

  #deliver(events: readonly (ScheduledEvent & { readonly id: string })[]): void {
    this.broker.append('in', ...events.map(({ id, key }) => ({ ...this.message(id), key })));
  }

  /** A person lets go on what waits for one. */
  async #heal(): Promise<void> {
    this.#healthy = true;
    for (const one of [this.#main, ...this.#helpers]) one.death = null;
    this.#loses = null;
    await this.pass(120_000);
    const { engine } = this.#main;
    for (const scope of await engine.parked()) {
      this.fired.add('person');
      void engine.retryParked(scope);
    }
    await this.pass(120_000);
    for (const one of [this.#main, ...this.#helpers]) void one.engine.stop();
    await this.pass(30_000);
  }

  async #process(consumes: boolean): Promise<Process> {
    const process = { open: new Set<InMemoryTransaction>(), dead: false, death: null } as never as {
      -readonly [Member in keyof Process]: Process[Member];
    };
    const keep = (message: string) => void this.log.push(message);
    const idle = { start: async () => {}, stop: async () => {}, health: () => ({ status: 'up' as const }) };
    const broker = Object.create(this.broker);
    broker.bind = (context: never) => this.broker.bind(context);
    broker.consumer = (request: never) => (consumes ? this.broker.consumer(request) : idle);
    process.engine = new Engine({
      service: 'test',
      storage: this.#storageOf(process),
      broker,
      handlers: this.#handlers.map((name) => this.#handler(name)),
      types: [{ type: 'happened', topic: 'in', version: 1 }],
      unhandled: 'skip',
      clock: this.clock,
      random: () => 0.5,
      retention: false,
      relay: false,
      logger: { error: keep, warn: keep, info: () => {}, debug: () => {} },
      retry: { attempts: 3, backoffMs: 100, maxBackoffMs: 1_000 },
    });
    await process.engine.start();
    return process;
  }

  /** What a dead process asks is never answered, and what it had open is undone. */
  #storageOf(process: Process): Storage {
    const shared = this.storage as Storage;
    const storage = Object.create(shared) as { -readonly [Member in keyof Storage]: Storage[Member] };
    storage.fences = new Proxy(shared.fences, {
      get: (fences, name) => {
        if (name === 'claim' && process.dead) return forEver;
        const member = Reflect.get(fences, name, fences);
        return typeof member === 'function' ? member.bind(fences) : member;
      },
    });
    storage.begin = async (options) => {
      await this.#passes(process, 'begin');
      const transaction = (await shared.begin(options)) as InMemoryTransaction;
      if (process.dead) await transaction.rollback();
      process.open.add(transaction);
      const commit = transaction.commit.bind(transaction);
      transaction.commit = async () => {
        await this.#passes(process, 'before commit');
        if (this.#loses !== null) {
          this.fired.add(`lost, ${this.#loses}`);
          transaction.loseAnswer(this.#loses);
          this.#loses = null;
        }
        await commit();
        await this.#passes(process, 'after commit');
      };
      return transaction;
    };
    return storage;
  }

  async #passes(process: Process, at: DeathAt): Promise<void> {
    if (process.dead) await forEver();
    if (process.death?.at !== at || process.death.after-- > 0) return;
    this.fired.add(`died ${at}`);
    process.dead = true;
    void process.engine.drain();
    for (const transaction of process.open) await transaction.rollback();
    await forEver();
  }

  #handler(name: string): HandlerDefinition {
    const common = { name, type: 'happened', timeoutMs: 2_000_000_000 };
    const one = (context: EventContext) => {
      this.ledger.append({ handler: name, id: context.id });
      const { mishaps } = this.events[Number(context.id) - 1]!;
      this.#mishaps.happen(`${name} ${context.id}`, this.#healthy ? [] : mishaps);
    };
    if (name !== 'b') {
      const order = name === 'n' ? { order: 'none' as const } : {};
      return { ...common, ...order, invoke: async (_, context) => one(context) };
    }
    return { ...common, batch: 3, invokeBatch: async (_, contexts) => contexts.forEach(one) };
  }
}
