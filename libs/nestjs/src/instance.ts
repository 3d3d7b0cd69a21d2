/**
 * One configured instance: its options, its adapters, and the engine that is made of them once all handlers are known.
 */
import {
  type AdapterDescription,
  checkOptions,
  databaseBroker,
  Engine,
  type EngineHealth,
  type EngineOptions,
  type EventTypeDescriptor,
  ExactlyOnceError,
  type ForeignHandlerDefinition,
  type HandlerDefinition,
  hasCode,
  type Outbox,
  type Storage,
} from '@exactly-once/core';
import type { ExactlyOnceOptions } from './exactly-once.options.js';
import { nestLogger } from './nest-logger.js';
import { openTelemetry } from './open-telemetry.js';

export interface InstanceHandlers {
  readonly handlers: readonly HandlerDefinition[];
  readonly foreignHandlers: readonly ForeignHandlerDefinition[];
  readonly types: readonly EventTypeDescriptor[];
  readonly startFrom: Readonly<Record<string, 'earliest' | 'latest'>>;
  /** Names of the handlers that no server would call. */
  readonly unconnected: readonly string[];
}

export class Instance {
  #engine: Engine | null = null;
  #storage: Storage | null = null;
  #begun = false;
  #unconnected: readonly string[] = [];

  constructor(
    readonly name: string,
    readonly options: ExactlyOnceOptions,
    /** Consumes and relays nothing, whatever the options say. */
    readonly idle = false,
  ) {}

  get service(): string {
    return this.options.service;
  }

  get engine(): Engine {
    if (this.#engine !== null && this.#begun) return this.#engine;
    throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', `instance "${this.name}" is not started yet`);
  }

  /** Down also where a handler is connected to nothing: its events are not consumed. */
  health(): EngineHealth {
    if (this.#engine === null || !this.#begun) return downBy('engine', 'not started');
    const health = this.#engine.health();
    if (this.#unconnected.length === 0) return health;
    const { parts } = downBy('handlers', `not connected: ${this.#unconnected.join(', ')}`);
    return { status: 'down', parts: { ...health.parts, ...parts } };
  }

  get outbox(): Outbox {
    return this.engine.outbox;
  }

  /** Makes the engine, which checks all options. Throws what a wrong configuration gives; nothing runs then. */
  async prepare(
    { unconnected, ...found }: InstanceHandlers,
    resolve: (token: unknown) => unknown,
  ): Promise<void> {
    const {
      validate: _,
      name: __,
      storage: describedStorage,
      broker: describedBroker = databaseBroker(),
      startFrom,
      ...rest
    } = this.options;
    const topics = found.types.map(({ topic }) => topic);
    checkOptions(
      `\`startFrom\` of instance "${this.name}", by topics of its handlers,`,
      startFrom ?? {},
      topics,
    );
    const storage = describedStorage && { storage: await createAdapter(describedStorage, resolve) };
    if (storage === undefined && unconnected.length > 0) throw notConnected(unconnected);
    const broker = describedBroker === false ? null : await createAdapter(describedBroker, resolve);
    const options: EngineOptions = {
      logger: nestLogger(this.service),
      telemetry: openTelemetry(this.service),
      ...rest,
      ...(this.idle && { idle: true }),
      ...found,
      startFrom: { ...found.startFrom, ...onlyOf(found.handlers, found.types, startFrom) },
      ...storage,
      broker,
    };
    if (broker === null && found.handlers.length > 0) {
      const names = found.handlers.map((handler) => handler.name).join(', ');
      throw new ExactlyOnceError(
        'EO_OPTION_MISSING',
        `instance "${this.name}" has handlers (${names}) and \`broker: false\``,
      );
    }
    this.#engine = new Engine(options);
    this.#storage = storage?.storage ?? null;
    this.#unconnected = unconnected;
  }

  /** True for an error of a statement that met a transaction which an earlier error had aborted. */
  isConsequence(error: unknown): boolean {
    try {
      return hasCode(this.#storage?.translate(error), 'EO_TRANSACTION_ABORTED');
    } catch {
      return false; // it cannot be examined: no error of a database
    }
  }

  async start(): Promise<void> {
    this.#begun = true;
    await this.#engine?.start();
  }

  /** Ends consuming; transactions and the relay go on. */
  async drain(): Promise<void> {
    await this.#engine?.drain();
  }

  async stop(): Promise<void> {
    await this.#engine?.stop();
  }
}

/** Handlers that are not connected read no topic, and the engine would refuse to start there. */
function onlyOf(
  handlers: readonly HandlerDefinition[],
  types: readonly EventTypeDescriptor[],
  startFrom: EngineOptions['startFrom'] = {},
): NonNullable<EngineOptions['startFrom']> {
  const consumed = new Set(handlers.map(({ type }) => type));
  const topics = new Set(types.filter(({ type }) => consumed.has(type)).map(({ topic }) => topic));
  return Object.fromEntries(Object.entries(startFrom).filter(([topic]) => topics.has(topic)));
}

/** Without a database there is nothing else that such an instance could do. */
function notConnected(handlers: readonly string[]): ExactlyOnceError {
  const what = `${handlers.join(', ')} would never run: call app.connectMicroservice(exactlyOnce())`;
  return new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function downBy(part: string, reason: string): EngineHealth {
  return { status: 'down', parts: { [part]: { status: 'down', reason } } };
}

/** Adapters are described, not injected, so that they know no Nest; what they need is looked up here. */
async function createAdapter<T>(
  { inject, create }: AdapterDescription<T>,
  resolve: (token: unknown) => unknown,
): Promise<T> {
  const dependencies = inject.map(resolve);
  return create(...dependencies);
}
