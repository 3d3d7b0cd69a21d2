/**
 * Turns an instance's handlers into what its engine registers, with the names that the database knows them by.
 * Between explorer and engine, at start; nothing of it runs yet.
 */
import { ExactlyOnceError, type ForeignHandlerDefinition, type HandlerDefinition } from '@exactly-once/core';
import { callThroughNest, type NestCallback } from './handler-call.js';
import type { FoundHandler } from './handler-explorer.js';
import type { HandlerMark } from './handler-mark.js';
import type { Instance, InstanceHandlers } from './instance.js';
import { validatePayload } from './payload-validation.js';

export interface DefinedHandlers {
  readonly registered: InstanceHandlers;
  /** Names of the bare handlers. */
  readonly bare: ReadonlyMap<HandlerMark, string>;
  /** For the log. */
  readonly notices: readonly string[];
}

/** `callbacks`: what Nest registered with our server. Throws EO_OPTION_INVALID. */
export function defineHandlers(
  instance: Instance,
  found: readonly FoundHandler[],
  callbacks: ReadonlyMap<HandlerMark, NestCallback>,
): DefinedHandlers {
  const handlers: HandlerDefinition[] = [];
  const foreignHandlers: ForeignHandlerDefinition[] = [];
  const startFrom: Record<string, 'earliest' | 'latest'> = {};
  const bare = new Map<HandlerMark, string>();
  const unconnected: string[] = [];
  const notices: string[] = [];
  for (const { mark, controller } of found) {
    const { name: given, topic: _, startFrom: from, ...options } = mark.options;
    const name = given ?? `${instance.service}/${controller.name}.${mark.method}`;
    const callback = callbacks.get(mark);
    if (mark.type === null) {
      bare.set(mark, name);
      foreignHandlers.push({ name, ...options });
      continue;
    }
    if (callback === undefined) {
      unconnected.push(name);
      notices.push(`${name} is not connected: call app.connectMicroservice(exactlyOnce())`);
      const { batch: _batch, dedup: _dedup, transaction, ...recorded } = options;
      if (transaction !== 'kafka') foreignHandlers.push({ name, ...recorded }); // its name stays recorded
      continue;
    }
    if (from !== undefined) agree(startFrom, mark.type.topic, from, name);
    const calls = callsOf(instance, mark, callback);
    handlers.push({ name, type: mark.type.type, descriptor: mark.type, ...options, ...calls });
  }
  const types = found.flatMap(({ mark }) => (mark.type === null ? [] : [mark.type]));
  return { registered: { handlers, foreignHandlers, types, startFrom, unconnected }, bare, notices };
}

/** A batch is validated event by event, before it is one: an invalid event is dead-lettered alone. */
function callsOf(
  instance: Instance,
  mark: HandlerMark,
  callback: NestCallback,
): Pick<HandlerDefinition, 'invoke' | 'invokeBatch' | 'prepare'> {
  const eventClass = instance.options.validate === false ? null : mark.eventClass;
  const prepare = (data: unknown) => validatePayload(data, eventClass);
  // Without lanes nobody else has aborted the transaction: the error is the handler's own.
  const inLanes = (mark.options.concurrency ?? 1) > 1;
  const isConsequence = (error: unknown) => inLanes && instance.isConsequence(error);
  const parts = { callback, mark, isConsequence };
  if (mark.options.batch !== undefined) {
    const invokeBatch: HandlerDefinition['invokeBatch'] = (payload, context) =>
      callThroughNest({ ...parts, payload, context }, context[0]!);
    return { prepare, invokeBatch };
  }
  const invoke: HandlerDefinition['invoke'] = async (data, context) =>
    callThroughNest({ ...parts, payload: await prepare(data), context }, context);
  return { invoke };
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
