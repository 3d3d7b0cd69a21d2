/**
 * Takes the messages of bare handlers as they leave Nest's own Kafka or RabbitMQ server: before guards,
 * interceptors and filters, so that none of them can answer a message that was not committed.
 *
 * A server shows itself before its handlers are registered with it; whichever cannot acknowledge after the commit
 * is refused there, also one that is connected late.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { ModulesContainer } from '@nestjs/core';
import { checkServer, type NestServer } from './foreign-transports.js';
import type { NestCallback } from './handler-call.js';
import { type HandlerMark, labelOf, markExtra } from './handler-mark.js';
import { exactlyOnceTransport } from './tokens.js';

type AddHandler = (
  pattern: unknown,
  callback: NestCallback,
  isEventHandler?: boolean,
  extras?: Record<string, unknown>,
) => unknown;

/** `take` gives what is registered instead of the callback. Without a registry (Nest before 11.1.6): `false`. */
export function adoptServers(
  modules: ModulesContainer,
  take: (mark: HandlerMark, callback: NestCallback) => NestCallback,
): boolean {
  const registry = modules.getRpcTargetRegistry?.<NestServer & { addHandler: AddHandler }>();
  registry?.subscribe((server) => {
    if (server.transportId === exactlyOnceTransport) return;
    const add = server.addHandler;
    server.addHandler = (pattern, callback, isEventHandler, extras) => {
      const mark = extras?.[markExtra] as HandlerMark | undefined;
      if (mark === undefined) return add.call(server, pattern, callback, isEventHandler, extras);
      if (mark.type !== null) throw twoPatterns(mark);
      checkServer(labelOf(mark), server);
      return add.call(server, pattern, take(mark, callback), isEventHandler, extras);
    };
  });
  return registry !== undefined;
}

function twoPatterns(mark: HandlerMark): ExactlyOnceError {
  const what = `${labelOf(mark)} has a type and a pattern: leave out one of them`;
  return new ExactlyOnceError('EO_OPTION_INVALID', what);
}
