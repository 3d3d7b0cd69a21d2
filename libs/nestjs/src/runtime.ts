/**
 * All instances of an application together: gives each its handlers, starts them, and stops them before their
 * DataSources go.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { Injectable, Logger, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { AppConfigWatch } from './app-config-watch.js';
import { orderEnhancers, trimEnhancers } from './enhancer-order.js';
import { ForeignIntake } from './foreign-intake.js';
import { unsupported } from './foreign-message.js';
import { adoptServers } from './foreign-servers.js';
import { checkBareHandlers } from './foreign-transports.js';
import type { NestCallback } from './handler-call.js';
import { defineHandlers } from './handler-definitions.js';
import {
  exploreHandlers,
  type FoundHandler,
  isStatic,
  type MarkedMethod,
  markedMethods,
} from './handler-explorer.js';
import { type HandlerMark, labelOf } from './handler-mark.js';
import type { Instance, InstanceHandlers } from './instance.js';

@Injectable()
export class Runtime implements OnApplicationBootstrap {
  readonly #instances = new Map<string, Instance>();
  readonly #callbacks = new Map<HandlerMark, NestCallback>();
  readonly #logger = new Logger('ExactlyOnce');
  readonly #intake = new ForeignIntake();
  /** Bare handlers are taken over from Nest's servers, which show themselves. */
  readonly #adopts: boolean;
  readonly #marked: readonly MarkedMethod[];
  #connected = false;
  #ending = false;
  #watch: AppConfigWatch | null = null;
  #starting: Promise<void> | null = null;

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
  ) {
    this.#marked = markedMethods(modules);
    for (const marked of this.#marked) orderEnhancers(marked);
    this.#adopts = adoptServers(modules, (mark, callback) => this.#intake.callbackFor(mark, callback));
  }

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

  /** Called for the server strategy: it starts us from now on. Throws EO_OPTION_INVALID where that is too late. */
  connect(): void {
    if (this.#starting !== null) {
      const what =
        'app.connectMicroservice(exactlyOnce()) came after app.init() or app.listen(): call it before';
      throw new ExactlyOnceError('EO_OPTION_INVALID', what);
    }
    this.#connected = true;
    this.#watch ??= new AppConfigWatch(this.moduleRef, (config) => {
      if (!this.#adopts) return; // nothing but the interceptor would refuse what comes by other servers
      for (const marked of this.#marked) trimEnhancers(marked, config);
    });
  }

  /** Our server is asked about a handler that Nest is going to make. */
  handlerComes(): void {
    this.#watch?.handlerComes();
  }

  /** A handler of request scope is made anew for each event, and asks for its interceptors only then. */
  addCallback(mark: HandlerMark, callback: NestCallback): void {
    for (const marked of this.#marked) orderEnhancers(marked); // the next application reads them, too
    if (isStatic(this.modules, mark)) this.#watch?.handlerCame();
    this.#callbacks.set(mark, callback);
  }

  /** Throws what a wrong configuration gives; nothing is consumed then. */
  start(): Promise<void> {
    if (this.#starting === null) {
      this.#starting = this.#start();
      this.#intake.begin(this.#starting);
    }
    return this.#starting;
  }

  /** No handler runs any more when it resolves; transactions and the relay go on. */
  async drain(): Promise<void> {
    this.#ending = true;
    if (this.#starting === null) this.#intake.begin(Promise.reject(endedBeforeStart()));
    await allOf(this.instances.map((instance) => instance.drain()));
  }

  async stop(): Promise<void> {
    this.#ending = true;
    await allOf(this.instances.map((instance) => instance.stop()));
  }

  /** An application without our server: outbox, relay and bare handlers still need their engines. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.#connected) await this.start();
  }

  /** All are made and checked before the first consumes; where one fails, none goes on. */
  async #start(): Promise<void> {
    this.#watch?.end();
    const found = exploreHandlers(this.modules);
    this.#checkBare(found);
    this.#checkInstances(found);
    this.#warnOfMissingConfig();
    const resolve = (token: unknown) => this.moduleRef.get(token as Type, { strict: false });
    try {
      for (const instance of this.instances) await instance.prepare(this.#define(instance, found), resolve);
      for (const instance of this.instances) if (!this.#ending) await instance.start();
    } catch (error) {
      await this.stop().catch((cause: unknown) => this.#logger.error(cause));
      throw error;
    }
  }

  #checkBare(found: readonly FoundHandler[]): void {
    checkBareHandlers(this.modules);
    const bare = found.find(({ mark }) => mark.type === null);
    if (bare === undefined || this.#adopts) return;
    throw unsupported(
      `bare @IdempotentHandler() on ${labelOf(bare.mark)} needs @nestjs/core 11.1.6 or later`,
    );
  }

  #checkInstances(found: readonly FoundHandler[]): void {
    for (const { instance, controller } of found) {
      if (this.#instances.has(instance)) continue;
      const what = `${controller.name} belongs to instance "${instance}", which no ExactlyOnceModule.forRoot() makes`;
      throw new ExactlyOnceError('EO_OPTION_MISSING', what);
    }
  }

  #warnOfMissingConfig(): void {
    const missing = this.#watch?.missing() ?? [];
    if (missing.length === 0) return;
    const remedy = 'app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true })';
    this.#logger.warn(`global ${missing.join(', ')} do not apply to event handlers: use ${remedy}`);
  }

  #define(instance: Instance, found: readonly FoundHandler[]): InstanceHandlers {
    const own = found.filter((one) => one.instance === instance.name);
    const { registered, bare, notices } = defineHandlers(instance, own, this.#callbacks);
    for (const notice of notices) this.#logger.warn(notice);
    for (const [mark, name] of bare) this.#intake.know(mark, { instance, name });
    return registered;
  }
}

function endedBeforeStart(): ExactlyOnceError {
  return new ExactlyOnceError('EO_SHUTTING_DOWN', 'the application ended before its engines were started');
}

/** Waits for all, also where one fails; then rejects as that did. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}
