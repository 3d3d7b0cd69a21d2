/**
 * The server strategy: receives our handlers from Nest, and starts and stops the engines with the application.
 * Step 5 of an event's life. It calls no handler itself; the processor does.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import type { NestCallback } from './handler-call.js';
import { type HandlerMark, markExtra } from './handler-mark.js';
import { Runtime } from './runtime.js';
import { exactlyOnceTransport } from './tokens.js';

class ExactlyOnceServer extends Server implements CustomTransportStrategy {
  override transportId = exactlyOnceTransport;
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    super();
    this.#runtime = runtime;
    runtime.connect();
    // Nest reads it once more before it makes each handler.
    const get = () => {
      runtime.handlerComes();
      return exactlyOnceTransport;
    };
    Object.defineProperty(this, 'transportId', { get });
  }

  /** Nest would chain handlers of one pattern; ours are admitted and fail each on its own. */
  override addHandler(
    pattern: unknown,
    callback: NestCallback,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const mark = extras[markExtra] as HandlerMark | undefined;
    if (mark !== undefined && mark.type !== null) {
      this.#runtime.addCallback(mark, callback);
      return;
    }
    // A handler without a transport of its own is offered to every server; it is not ours.
    this.logger.debug?.(`${JSON.stringify(pattern)} (${isEventHandler ? 'event' : 'message'}) is not ours`);
  }

  listen(callback: (error?: unknown) => void): void {
    this.#runtime.start().then(
      () => callback(),
      (error: unknown) => callback(error),
    );
  }

  async close(): Promise<void> {
    await this.#runtime.stop();
  }

  on(event: string): never {
    throw new ExactlyOnceError('EO_OPTION_INVALID', `the exactly-once server has no event "${event}"`);
  }

  unwrap<T>(): T {
    return this.#runtime as T;
  }
}

/** What Nest takes as asynchronous options of a microservice. */
export interface ExactlyOnceMicroservice {
  readonly inject: (typeof Runtime)[];
  readonly useFactory: (runtime: Runtime) => { strategy: CustomTransportStrategy };
}

/**
 * Options for `app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true })` or
 * `NestFactory.createMicroservice(AppModule, exactlyOnce())`. One server serves all instances. Without
 * `inheritAppConfig` the application's global pipes, guards, interceptors and filters do not apply.
 */
export function exactlyOnce(): ExactlyOnceMicroservice {
  return { inject: [Runtime], useFactory: (runtime) => ({ strategy: new ExactlyOnceServer(runtime) }) };
}
