/**
 * All instances of an application together: gives each its handlers, starts them, and stops them before their
 * DataSources go.
 */
import {
  type Engine,
  ExactlyOnceError,
  type ForeignHandlerDefinition,
  type HandlerDefinition,
} from '@exactly-once/core';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type Type,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { AppConfigWatch } from './app-config-watch.js';
import { checkForeignTransports } from './foreign-transports.js';
import { callThroughNest, type NestCallback } from './handler-call.js';
import { exploreHandlers, type FoundHandler } from './handler-explorer.js';
import type { HandlerMark } from './handler-mark.js';
import type { Instance, InstanceHandlers } from './instance.js';

@Injectable()
export class Runtime implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #instances = new Map<string, Instance>();
  readonly #callbacks = new Map<HandlerMark, NestCallback>();
  readonly #logger = new Logger('ExactlyOnce');
  #connected = false;
  #watch: AppConfigWatch | null = null;
  #starting: Promise<void> | null = null;
  #begun: () => void = () => {};
  /** Resolves when the start has begun; whether it succeeds, `#starting` says. */
  readonly #beginning = new Promise<void>((resolve) => {
    this.#begun = resolve;
  });
  #foreign = new Map<HandlerMark, { readonly instance: Instance; readonly name: string }>();

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
  ) {}

  get instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  /** Throws EO_OPTION_INVALID where the name is taken. */
  add(instance: Instance): Instance {
    const present = this.#instances.get(instance.name);
    if (present !== undefined) {
      const what = `two ExactlyOnceModule.forRoot() are named "${instance.name}"; give further ones a \`name\``;
      throw new ExactlyOnceError('EO_OPTION_INVALID', what);
    }
    this.#instances.set(instance.name, instance);
    return instance;
  }

  /** Called for the server strategy: it starts and stops us from now on. */
  connect(): void {
    this.#connected = true;
    this.#watch ??= new AppConfigWatch(this.moduleRef);
  }

  addCallback(mark: HandlerMark, callback: NestCallback): void {
    this.#watch?.handlerCame();
    this.#callbacks.set(mark, callback);
  }

  /** Throws what a wrong configuration gives; nothing is consumed then. */
  start(): Promise<void> {
    if (this.#starting === null) {
      this.#starting = this.#start();
      this.#starting.catch(() => undefined); // whoever called \`start\` gets it
      this.#begun();
    }
    return this.#starting;
  }

  async stop(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.stop()));
  }

  /** An application without our server: outbox, relay and bare handlers still need their engines. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.#connected) await this.start();
  }

  /** With our server Nest closes that after HTTP, and before the DataSources. */
  async beforeApplicationShutdown(): Promise<void> {
    if (!this.#connected) await this.stop();
  }

  /** Waits for the start. Throws where the handler is unknown. */
  async foreignHandler(controller: Type, mark: HandlerMark): Promise<{ engine: Engine; name: string }> {
    await this.#beginning;
    await this.#starting;
    const found = this.#foreign.get(mark);
    if (found !== undefined) return { engine: found.instance.engine, name: found.name };
    throw new ExactlyOnceError('EO_INTERNAL', `${controller.name}.${mark.method} was not found at start`);
  }

  async #start(): Promise<void> {
    const found = exploreHandlers(this.modules);
    checkForeignTransports(
      found.filter(({ mark }) => mark.type === null),
      this.modules,
    );
    for (const { instance, controller } of found) {
      if (this.#instances.has(instance)) continue;
      const what = `${controller.name} belongs to instance "${instance}", which no ExactlyOnceModule.forRoot() makes`;
      throw new ExactlyOnceError('EO_OPTION_MISSING', what);
    }
    const missing = this.#watch?.missing() ?? [];
    if (missing.length > 0) {
      const remedy = 'app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true })';
      this.#logger.warn(`global ${missing.join(', ')} do not apply to event handlers: use ${remedy}`);
    }
    const resolve = (token: unknown) => this.moduleRef.get(token as Type, { strict: false });
    for (const instance of this.instances) {
      const handlers = found.filter((one) => one.instance === instance.name);
      await instance.start(this.#handlersOf(instance, handlers), resolve);
    }
  }

  #handlersOf(instance: Instance, found: readonly FoundHandler[]): InstanceHandlers {
    const handlers: HandlerDefinition[] = [];
    const foreignHandlers: ForeignHandlerDefinition[] = [];
    const startFrom: Record<string, 'earliest' | 'latest'> = {};
    for (const one of found) {
      const { mark, controller } = one;
      const { name: given, topic: _, startFrom: from, concurrency = 1, ...options } = mark.options;
      const name = given ?? `${instance.service}/${controller.name}.${mark.method}`;
      if (concurrency > 1) this.#logger.warn(`${name}: lanes are not part of this release; concurrency is 1`);
      const callback = this.#callbacks.get(mark);
      if (mark.type === null || callback === undefined) {
        foreignHandlers.push({ name, ...options });
        this.#foreign.set(mark, { instance, name });
        if (mark.type !== null)
          this.#logger.warn(`${name} is not connected: call app.connectMicroservice(exactlyOnce())`);
        continue;
      }
      const validate = instance.options.validate !== false;
      handlers.push({
        name,
        type: mark.type.type,
        descriptor: mark.type,
        ...options,
        invoke: (data, context) => callThroughNest(callback, mark, validate, data, context),
      });
      if (from !== undefined) agree(startFrom, mark.type.topic, from, name);
    }
    const types = found.flatMap(({ mark }) => (mark.type === null ? [] : [mark.type]));
    return { handlers, foreignHandlers, types, startFrom };
  }
}

/** A group reads a topic once: its handlers cannot begin at different places. */
function agree(
  startFrom: Record<string, 'earliest' | 'latest'>,
  topic: string,
  from: 'earliest' | 'latest',
  name: string,
): void {
  const other = startFrom[topic];
  if (other !== undefined && other !== from) {
    const what = `${name} starts topic "${topic}" from ${from}, another handler from ${other}`;
    throw new ExactlyOnceError('EO_OPTION_INVALID', what);
  }
  startFrom[topic] = from;
}
