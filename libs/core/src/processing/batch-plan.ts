/**
 * Lays out a batch of deliveries as units in order, and says which of them share the next transaction.
 */
import type { Delivery } from '../broker/delivery.js';
import { ExactlyOnceError, errorChain, toError } from '../errors/exactly-once-error.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import { bodyFingerprint, inboxKey } from '../event/event-id.js';
import { positionId, readEvent, type TopicMappings } from '../event/event-reader.js';
import type { KnownHandler } from '../inbox/handler-store.js';
import type { HandlerUnit } from './handler-unit.js';
import type { RegisteredHandler } from './registered-handler.js';

export interface HandlerDirectory {
  /** By CloudEvents type. */
  readonly byType: ReadonlyMap<string, readonly RegisteredHandler[]>;
  /** Stands in the inbox for events that no handler has. */
  readonly nobody: KnownHandler;
  readonly unhandled: 'skip' | 'dead-letter' | 'stop';
  readonly mappings: TopicMappings;
}

export interface GroupBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

export class BatchPlan {
  readonly units: readonly HandlerUnit[];

  constructor(
    readonly deliveries: readonly Delivery[],
    units: readonly HandlerUnit[],
  ) {
    this.units = units;
  }

  /** How many deliveries, from the first, are done once `unitCount` units are. */
  deliveriesDone(unitCount: number): number {
    return this.units[unitCount]?.index ?? this.deliveries.length;
  }

  /**
   * Index after the last unit that shares a transaction with the one at `from`. `mostWith`: most units of a group that
   * has this one.
   */
  groupEnd(from: number, maxBytes: number, mostWith: (unit: HandlerUnit) => number): number {
    const first = this.units[from];
    if (first === undefined) return from;
    if (!shares(first)) return from + 1;
    let bytes = size(first);
    let most = mostWith(first);
    const halves = new Map([[first.handler, first.half]]);
    let to = from + 1;
    for (; to < this.units.length; to++) {
      const unit = this.units[to]!;
      bytes += size(unit);
      most = Math.min(most, mostWith(unit));
      if (to - from >= most || !shares(unit) || unit.forbidden !== null || bytes > maxBytes) break;
      if (halves.has(unit.handler) && halves.get(unit.handler) !== unit.half) break;
      halves.set(unit.handler, unit.half);
    }
    return to;
  }
}

/** Reads each delivery and makes a unit for each of its handlers. */
export function planBatch(deliveries: readonly Delivery[], directory: HandlerDirectory): BatchPlan {
  const units = deliveries.flatMap((delivery, index) => unitsOf(delivery, index, directory));
  return new BatchPlan(deliveries, units);
}

/** The first unit of the second half. Each half is tried alone from now on. */
export function halve(units: readonly HandlerUnit[]): HandlerUnit {
  const middle = Math.ceil(units.length / 2);
  const halves = [{}, {}] as const;
  for (const [index, unit] of units.entries()) unit.half = halves[index < middle ? 0 : 1];
  return units[middle]!;
}

/** A unit of an event for one handler. */
export function handlerUnit(
  index: number,
  delivery: Delivery,
  event: EventEnvelope,
  handler: RegisteredHandler,
): HandlerUnit {
  const { known } = handler;
  const key = inboxKey(known.identity, known.generation, event.source, event.id);
  return freshUnit(index, delivery, event, known, key, handler);
}

/** A unit of a delivery that cannot be read: dead-lettered under its position. */
export function unreadableUnit(
  index: number,
  delivery: Delivery,
  nobody: KnownHandler,
  why: unknown,
): HandlerUnit {
  const key = inboxKey(nobody.identity, nobody.generation, 'position', positionId(delivery));
  return { ...freshUnit(index, delivery, null, nobody, key), hopeless: toError(why) };
}

function unitsOf(delivery: Delivery, index: number, directory: HandlerDirectory): HandlerUnit[] {
  let event: EventEnvelope;
  try {
    event = readEvent(delivery, directory.mappings);
  } catch (error) {
    return [unreadableUnit(index, delivery, directory.nobody, error)];
  }
  const handlers = directory.byType.get(event.type) ?? [];
  if (handlers.length > 0) return handlers.map((handler) => handlerUnit(index, delivery, event, handler));
  return directory.unhandled === 'skip' ? [] : [unhandledUnit(index, delivery, event, directory)];
}

function unhandledUnit(
  index: number,
  delivery: Delivery,
  event: EventEnvelope,
  { nobody, unhandled }: HandlerDirectory,
): HandlerUnit {
  const where = `${delivery.topic}/${delivery.partition}@${delivery.offset}`;
  const error = new ExactlyOnceError('EO_TYPE_UNHANDLED', `no handler for type "${event.type}" (${where})`, {
    details: { type: event.type, where },
  });
  const key = inboxKey(nobody.identity, nobody.generation, event.source, event.id);
  const unit = freshUnit(index, delivery, event, nobody, key);
  return unhandled === 'stop' ? { ...unit, forbidden: error } : { ...unit, hopeless: error };
}

function freshUnit(
  index: number,
  delivery: Delivery,
  event: EventEnvelope | null,
  known: KnownHandler,
  key: Uint8Array,
  handler: RegisteredHandler | null = null,
): HandlerUnit {
  return {
    index,
    delivery,
    event,
    handler,
    known,
    key,
    fingerprint: bodyFingerprint(delivery.body),
    attempts: 0,
    alone: false,
    half: null,
    firstAttemptAtMs: 0,
    dueAtMs: 0,
    hopeless: null,
    parks: false,
    nextAttemptAtMs: null,
    deaths: 0,
    forbidden: null,
  };
}

/** A unit that failed before, or whose handler asked for it, has its transaction to itself. */
function shares(unit: HandlerUnit): boolean {
  return !unit.alone && unit.handler?.commit !== 'event';
}

function size(unit: HandlerUnit): number {
  return unit.delivery.body?.length ?? 0;
}

/** For logs: which unit, without its payload. */
export function unitLabel(unit: HandlerUnit): string {
  const { topic, partition, offset } = unit.delivery;
  const id =
    unit.event === null ? 'unreadable event' : `event ${unit.event.type} ${JSON.stringify(unit.event.id)}`;
  return `${id} at ${topic}/${partition}@${offset} for ${unit.known.name}`;
}

/** For logs: an error and its causes in one line. */
export function errorLine(error: unknown): string {
  return errorChain(error).join(' <- ');
}
