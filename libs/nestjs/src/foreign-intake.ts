/**
 * Runs the whole event of a bare handler, around Nest: admit, call through Nest, commit, and only then acknowledge.
 * Step 5 of an event's life, over a transport of Nest's own.
 *
 * A refusal goes to the transport itself; it passes no filter that could make it look like success.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { foreignMessage } from './foreign-message.js';
import { callThroughNest, type NestCallback } from './handler-call.js';
import { type HandlerMark, labelOf } from './handler-mark.js';
import type { Instance } from './instance.js';

export interface BareHandler {
  readonly instance: Instance;
  readonly name: string;
}

export class ForeignIntake {
  readonly #known = new Map<HandlerMark, BareHandler>();
  #begin: (started: Promise<void>) => void = () => {};
  /** Messages may come before the application has begun to start its engines. */
  readonly #started = new Promise<void>((resolve) => {
    this.#begin = resolve;
  });

  constructor() {
    this.#started.catch(() => undefined); // whoever starts gets it, and each message
  }

  know(mark: HandlerMark, handler: BareHandler): void {
    this.#known.set(mark, handler);
  }

  /** Messages wait for `started`, and are refused where it rejects. */
  begin(started: Promise<void>): void {
    this.#begin(started);
  }

  /** What a server gets instead of Nest's callback. Resolves when the message is acknowledged. */
  callbackFor(mark: HandlerMark, callback: NestCallback): NestCallback {
    return (payload, context) => this.#receive(mark, callback, payload, context);
  }

  async #receive(
    mark: HandlerMark,
    callback: NestCallback,
    payload: unknown,
    context: unknown,
  ): Promise<void> {
    const message = foreignMessage(context);
    const { delivery, read } = message;
    try {
      await this.#started;
      const { instance, name } = this.#handler(mark);
      await instance.engine.handleForeign({
        handler: name,
        delivery,
        read,
        data: payload,
        invoke: (data, event) => callThroughNest({ callback, mark, payload: data, context }, event),
      });
    } catch (error) {
      throw await message.refuse(error);
    }
    message.acknowledge();
  }

  #handler(mark: HandlerMark): BareHandler {
    const handler = this.#known.get(mark);
    if (handler !== undefined) return handler;
    throw new ExactlyOnceError('EO_INTERNAL', `${labelOf(mark)} was not found at start`);
  }
}
