/**
 * Checks that every bare `@IdempotentHandler()` is served by a transport that can acknowledge after the commit:
 * Kafka, or RabbitMQ with `noAck: false`; and that it alone acknowledges its messages.
 */
import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { methodsOf } from './class-methods.js';
import { unsupported } from './foreign-message.js';
import { type HandlerMark, labelOf, markMetadata } from './handler-mark.js';

/** Nest's own metadata keys and values (@nestjs/microservices, `constants` and `PatternHandler`). */
const patternKey = 'microservices:pattern';
const patternKind = 'microservices:handler_type';
const transportKey = 'microservices:transport';
const eventKind = 2;

export interface NestServer {
  readonly transportId?: Transport | symbol;
  readonly options?: { readonly noAck?: boolean };
}

interface Listener {
  readonly label: string;
  /** The bare handler's; `null` where it is not ours. */
  readonly mark: HandlerMark | null;
  readonly kind: number | undefined;
  readonly patterns: readonly string[];
  /** `undefined`: offered to every server. */
  readonly transport: Transport | symbol | undefined;
}

/** What the decorators alone show. Throws EO_TRANSPORT_UNSUPPORTED. */
export function checkBareHandlers(modules: ModulesContainer): void {
  const listeners = listenersOf(modules);
  const bare = listeners.filter(({ mark }) => mark !== null);
  for (const { label, kind, transport } of bare) {
    if (kind === undefined)
      throw unsupported(`bare @IdempotentHandler() on ${label} stands above no @EventPattern`);
    if (kind !== eventKind)
      throw unsupported(`${label} is a @MessagePattern: a reply cannot be part of a transaction`);
    if (transport !== undefined) checkTransport(label, transport);
  }
  for (const one of bare) {
    const other = listeners.find((listener) => listener !== one && share(one, listener));
    if (other === undefined) continue;
    const what = `${one.label} and ${other.label} have the same pattern: Nest calls both for one message, which can be acknowledged only once`;
    throw unsupported(what);
  }
}

/** Throws EO_TRANSPORT_UNSUPPORTED. RabbitMQ's own default is to forget. */
export function checkServer(label: string, { transportId, options }: NestServer): void {
  checkTransport(label, transportId);
  if (transportId === Transport.RMQ && options?.noAck !== false) {
    throw unsupported(`${label} is served by RabbitMQ without \`noAck: false\``);
  }
}

function checkTransport(label: string, transport: Transport | symbol | undefined): void {
  if (transport === Transport.KAFKA || transport === Transport.RMQ) return;
  const name = typeof transport === 'number' ? Transport[transport] : String(transport);
  throw unsupported(
    `${label} is served by transport ${name}, which forgets a message before its handler has run`,
  );
}

function listenersOf(modules: ModulesContainer): Listener[] {
  const found = new Map<(...parameters: unknown[]) => unknown, Listener>();
  for (const module of modules.values()) {
    for (const { metatype } of module.controllers.values()) {
      for (const callback of methodsOf((metatype as Type).prototype)) {
        const mark: HandlerMark | undefined = Reflect.getMetadata(markMetadata, callback);
        const kind: number | undefined = Reflect.getMetadata(patternKind, callback);
        const isBare = mark?.type === null;
        if (!isBare && (kind !== eventKind || mark !== undefined)) continue;
        const patterns: unknown[] = Reflect.getMetadata(patternKey, callback) ?? [];
        found.set(callback, {
          label: mark === undefined ? `${metatype?.name}.${callback.name}` : labelOf(mark),
          mark: isBare ? mark : null,
          kind,
          patterns: patterns.map((pattern) => (pattern instanceof RegExp ? String(pattern) : route(pattern))),
          transport: Reflect.getMetadata(transportKey, callback),
        });
      }
    }
  }
  return [...found.values()];
}

function share(one: Listener, other: Listener): boolean {
  const apart =
    one.transport !== undefined && other.transport !== undefined && one.transport !== other.transport;
  return !apart && one.patterns.some((pattern) => other.patterns.includes(pattern));
}

/** As Nest's transformPatternToRoute, with the keys of an object in order. */
function route(pattern: unknown): string {
  if (typeof pattern !== 'object' || pattern === null) return String(pattern);
  const entries = Object.entries(pattern).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(entries.map(([key, value]) => [key, route(value)]));
}
