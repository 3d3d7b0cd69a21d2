/**
 * Everything of an engine that handles events: registers the handlers, then makes the processor that the
 * consumer and other transports hand their deliveries to.
 */
import { randomUUID } from 'node:crypto';
import type { ConsumerRequest, ProcessingSession } from '../broker/broker.js';
import type { Delivery } from '../broker/delivery.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import type { ParkScope } from '../failure/park-store.js';
import { Retrier } from '../failure/retrier.js';
import { DedupCache } from '../inbox/dedup-cache.js';
import { GenerationCheck } from '../inbox/generation-check.js';
import { checkHandlerNames, checkRetired } from '../inbox/handler-registration.js';
import type { DeclaredHandler, KnownHandler } from '../inbox/handler-store.js';
import { BatchPlan, type HandlerDirectory, handlerUnit, unreadableUnit } from '../processing/batch-plan.js';
import { keysAtOnce } from '../processing/connection-budget.js';
import { type DryRun, dryRun } from '../processing/dry-run.js';
import { type DueRetryEnd, retryDue } from '../processing/due-retry.js';
import type { EventContext } from '../processing/event-context.js';
import { GroupCommit } from '../processing/group-commit.js';
import type { HandlerDefinition } from '../processing/handler.js';
import type { HandlerUnit } from '../processing/handler-unit.js';
import { type ParkRetryResult, retryParked } from '../processing/park-retry.js';
import { Processor } from '../processing/processor.js';
import { type RegisteredHandler, registerHandler } from '../processing/registered-handler.js';
import { WindowWatch } from '../retention/window-watch.js';
import { dayMs } from './engine-options-check.js';
import { RunningWork, type WorkSignals } from './running-work.js';
import type { SettledOptions } from './settled-options.js';

export interface ForeignRequest {
  /** Name of a handler of `foreignHandlers`. */
  readonly handler: string;
  readonly delivery: Delivery;
  /** May throw: the delivery is then dead-lettered. */
  readonly read: () => EventEnvelope;
  /** The payload, decoded by the transport. */
  readonly data: unknown;
  /** Runs the handler; called again for each attempt. */
  readonly invoke: (data: unknown, context: EventContext) => Promise<void>;
}

interface Registered {
  readonly directory: HandlerDirectory;
  readonly generations: GenerationCheck;
  readonly foreign: ReadonlyMap<string, RegisteredHandler>;
  readonly processor: Processor;
  readonly retrier: Retrier;
}

export class Processing {
  readonly #options: SettledOptions;
  readonly #group: GroupCommit;
  /** What other transports began. */
  readonly #foreign: RunningWork;
  readonly #window: WindowWatch | null;
  /** On the marks of what it retries. */
  readonly #owner = randomUUID();
  #registered: Registered | null = null;

  constructor(options: SettledOptions, idleTimeoutMs: number, published: () => void) {
    this.#options = options;
    this.#foreign = new RunningWork(options.clock);
    const days = options.settledRetention?.windowDays;
    this.#window = days === undefined ? null : new WindowWatch({ ...options, windowMs: days * dayMs });
    const { storage, codec, clock, telemetry, logger, dedupCacheSize, settledBatch } = options;
    const { serviceVersion, deadLetters = {} } = options;
    this.#group = new GroupCommit({
      storage,
      codec,
      clock,
      telemetry,
      logger,
      cache: new DedupCache(dedupCacheSize),
      maxOpenMs: settledBatch.maxOpenMs,
      isolation: settledBatch.isolation,
      idleTimeoutMs,
      serviceVersion: serviceVersion ?? null,
      deadLetters,
      published,
      parked: (dueAtMs) => this.#registered?.retrier.hint(dueAtMs),
    });
  }

  /**
   * Compares the handlers' names with the database's and makes the processor. Throws EO_HANDLER_UNKNOWN_NAME, and
   * EO_OPTION_INVALID where events of a retired handler wait.
   */
  async register(): Promise<void> {
    await checkRetired(this.#options);
    const {
      service,
      storage,
      handlers,
      foreignHandlers,
      retiredHandlers = [],
      logger,
      random,
    } = this.#options;
    const nobodyName = `${service}/(nobody)`;
    const declared = [...handlers.map((one) => this.#declaration(one)), ...foreignHandlers.map(declaration)];
    const { windowDays } = this.#options.settledRetention ?? {};
    const window = windowDays === undefined ? {} : { windowDays };
    const all = [...declared, { name: nobodyName, isNew: true }].map((one) => ({ ...one, ...window }));
    const known = await storage.handlers.register(service, all, (recorded, filled) =>
      checkHandlerNames(all, retiredHandlers, recorded, filled),
    );
    const byName = new Map(known.map((one) => [one.name, one]));
    const find = (name: string): KnownHandler => byName.get(name) ?? missing(name);
    const directory = this.#directory(find, find(nobodyName));
    const { settledBatch, processKillers = 'park', hasDatabase, clock } = this.#options;
    const foreign = new Map(
      foreignHandlers.map((one) => {
        const definition = { ...one, type: '' };
        return [one.name, registerHandler(definition, find(one.name), null, this.#options)] as const;
      }),
    );
    const shared = { group: this.#group, directory, bounds: settledBatch, logger, random };
    const parks = hasDatabase && handlers.every(({ transaction }) => transaction !== 'kafka');
    const processor = new Processor({ ...shared, processKillers, parks });
    const retrier = new Retrier({
      ...{ parked: storage.parked, clock, logger, random },
      handlerIds: parks ? handlers.map(({ name }) => find(name).id) : [],
      atOnce: keysAtOnce(storage.features.connections),
      retry: (scope, uncounted) => this.#retryDue(scope, uncounted),
    });
    const generations = new GenerationCheck({ ...this.#options, handlers: storage.handlers, known });
    this.#registered = { directory, generations, foreign, processor, retrier };
  }

  /** Retries what is parked when it is due, until `signal` aborts. Rejects never. */
  async retry(signal: AbortSignal): Promise<void> {
    await this.#registered?.retrier.run(signal);
  }

  /** Why nothing parked is retried, and what somebody should look at beside that. */
  retrying(): { readonly stuck: string | null; readonly note: string | null } {
    const { retrier } = this.#registered ?? {};
    return { stuck: retrier?.stuck() ?? null, note: retrier?.note() ?? null };
  }

  /** What to ask the broker for; `null` where there is nothing to consume. */
  consumerRequest(): ConsumerRequest | null {
    const { handlers, typesByName, group, storage, startFrom = {} } = this.#options;
    const topicOf = ({ type }: HandlerDefinition) => typesByName.get(type)!.topic;
    const topics = new Set(handlers.map(topicOf));
    const byOffset = new Set(handlers.filter(({ dedup }) => dedup === 'offset').map(topicOf));
    if (topics.size === 0 || this.#registered === null) return null;
    const { processor, generations } = this.#registered;
    return {
      group,
      topics: [...topics].map((topic) => ({
        topic,
        startFrom: startFrom[topic] ?? 'earliest',
        dedup: byOffset.has(topic) ? 'offset' : 'inbox',
      })),
      storage,
      sink: {
        process: async (deliveries, session) => {
          await generations.ofClaim(session.fence, session.draining);
          this.#window?.look(deliveries);
          await processor.process(deliveries, session);
        },
      },
    };
  }

  async handleForeign(request: ForeignRequest): Promise<void> {
    if (this.#registered === null) {
      throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'a delivery came before the storage was open');
    }
    const { processor } = this.#registered;
    let committed = false;
    const session = (signals: WorkSignals): ProcessingSession => ({
      fence: null,
      draining: signals.draining,
      aborted: signals.aborted,
      done: () => {
        committed = true;
      },
    });
    this.#window?.look([request.delivery]);
    const plan = new BatchPlan([request.delivery], [this.#foreignUnit(request, this.#registered)]);
    await this.#foreign.run(request.handler, (signals) => processor.run(plan, session(signals)));
    if (!committed) throw new ExactlyOnceError('EO_SHUTTING_DOWN', `${request.handler} was interrupted`);
  }

  /** See `retryParked`. Throws EO_STORAGE_UNAVAILABLE before the storage is open. */
  async retryParked(scope: ParkScope): Promise<ParkRetryResult> {
    if (this.#registered === null) {
      throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'a key was retried before the storage was open');
    }
    const { retrier, generations } = this.#registered;
    const parts = this.#retryParts(this.#registered);
    await generations.now();
    try {
      return await this.#foreign.run('a parked key', ({ draining, aborted }) =>
        retryParked({ ...parts, draining, aborted }, scope),
      );
    } finally {
      retrier.hint(this.#options.clock.now());
    }
  }

  async #retryDue(scope: ParkScope, uncounted: number): Promise<DueRetryEnd> {
    await this.#registered!.generations.now();
    const { random, processKillers: fate = 'park' } = this.#options;
    const own = { random, fate, owner: this.#owner };
    const parts = { ...this.#retryParts(this.#registered!), ...own };
    return this.#foreign.run('a parked key', ({ draining, aborted }) =>
      retryDue({ ...parts, draining, aborted }, scope, uncounted),
    );
  }

  /** See `dryRun`. Throws EO_STORAGE_UNAVAILABLE before the storage is open, EO_OPTION_INVALID for an unknown letter. */
  async dryRun(id: bigint): Promise<DryRun> {
    if (this.#registered === null) {
      throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'a dry run came before the storage was open');
    }
    const letter = await this.#options.storage.deadLetters.find(id);
    if (letter === null) throw new ExactlyOnceError('EO_OPTION_INVALID', `there is no dead letter ${id}`);
    const { directory } = this.#registered;
    const group = this.#group.parts;
    return this.#foreign.run('a dry run', ({ aborted }) => dryRun({ group, directory, aborted }, letter));
  }

  #retryParts({ directory, processor: { pace, quarantine } }: Registered) {
    const { group: consumerGroup } = this.#options;
    return { group: this.#group.parts, directory, pace, quarantine, consumerGroup };
  }

  stuck(): string | null {
    return this.#registered?.processor.stuck() ?? null;
  }

  /** Ends what other transports began; the consumer's sessions end with the consumer. */
  async stop(graceMs: number): Promise<void> {
    await this.#foreign.stop(graceMs);
  }

  #declaration(handler: HandlerDefinition): DeclaredHandler {
    const { group, typesByName } = this.#options;
    const { topic } = typesByName.get(handler.type)!;
    return { ...declaration(handler), consumes: { group, topic, dedup: handler.dedup ?? 'inbox' } };
  }

  #directory(find: (name: string) => KnownHandler, nobody: KnownHandler): HandlerDirectory {
    const { handlers, typesByName, unhandled, foreignTopics = {} } = this.#options;
    const byType = new Map<string, RegisteredHandler[]>();
    for (const definition of handlers) {
      const descriptor = definition.descriptor ?? typesByName.get(definition.type) ?? null;
      const registered = this.#inLanes(
        registerHandler(definition, find(definition.name), descriptor, this.#options),
      );
      byType.set(definition.type, [...(byType.get(definition.type) ?? []), registered]);
    }
    return { byType, nobody, unhandled, mappings: foreignTopics };
  }

  /** Lanes need statements that do not wait for each other: where the storage has none, one is used. */
  #inLanes(handler: RegisteredHandler): RegisteredHandler {
    const { storage, logger } = this.#options;
    const { concurrentStatements, concurrentStatementsRemedy: remedy } = storage.features;
    if (handler.concurrency === 1 || concurrentStatements) return handler;
    const what = `runs one event at a time instead of ${handler.concurrency}`;
    logger.warn(`${handler.known.name} ${what}: the storage sends one statement at a time (${remedy})`);
    return { ...handler, concurrency: 1 };
  }

  #foreignUnit(request: ForeignRequest, { foreign, directory }: Registered): HandlerUnit {
    const registered = foreign.get(request.handler);
    if (registered === undefined) {
      throw new ExactlyOnceError('EO_INTERNAL', `handler ${request.handler} is not registered`);
    }
    const handler = { ...registered, invoke: request.invoke, decoded: { data: request.data } };
    try {
      return handlerUnit(0, request.delivery, request.read(), handler);
    } catch (error) {
      return unreadableUnit(0, request.delivery, directory.nobody, error);
    }
  }
}

function declaration(definition: { name: string; renamedFrom?: string; new?: boolean }): DeclaredHandler {
  const { name, renamedFrom, new: isNew } = definition;
  return {
    name,
    ...(renamedFrom === undefined ? {} : { renamedFrom }),
    ...(isNew === undefined ? {} : { isNew }),
  };
}

function missing(name: string): never {
  throw new ExactlyOnceError('EO_INTERNAL', `the storage did not register handler ${name}`);
}
