/**
 * A message of Nest's own Kafka or RabbitMQ transport, as a delivery, with the way to acknowledge it.
 *
 * Every other transport has forgotten the message by the time a handler runs, and is refused.
 */
import {
  type Delivery,
  type EventEnvelope,
  ExactlyOnceError,
  readEvent,
  type TopicMappings,
} from '@exactly-once/core';
import { KafkaContext, KafkaRetriableException, RmqContext } from '@nestjs/microservices';

export interface ForeignMessage {
  readonly delivery: Delivery;
  readonly read: () => EventEnvelope;
  acknowledge(): void;
  /** Gives the message back to its broker; resolves with the error that Nest is to see. */
  refuse(error: unknown): Promise<unknown>;
}

/** Milliseconds before a refused message may come again, so that it does not spin. */
const refusalPauseMs = 1_000;

/** Throws EO_TRANSPORT_UNSUPPORTED for a context of another transport. */
export function foreignMessage(context: unknown): ForeignMessage {
  if (context instanceof KafkaContext) return kafkaMessage(context);
  if (context instanceof RmqContext) return rabbitMessage(context);
  throw unsupported(
    `a message came over ${(context as object)?.constructor?.name ?? 'an unknown transport'}`,
  );
}

export function unsupported(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_TRANSPORT_UNSUPPORTED', what);
}

function kafkaMessage(context: KafkaContext): ForeignMessage {
  const message = context.getMessage();
  const delivery: Delivery = {
    topic: context.getTopic(),
    partition: context.getPartition(),
    offset: BigInt(message.offset),
    key: bytesOf(message.key),
    headers: headersOf(message.headers),
    body: bytesOf(message.value),
    timestampMs: Number(message.timestamp),
  };
  return {
    delivery,
    read: () => readEvent(delivery, standIn(delivery)),
    acknowledge: () => undefined, // Nest commits the offset once the handler's stream has ended
    refuse: async (error) => new KafkaRetriableException(String(error)),
  };
}

function rabbitMessage(context: RmqContext): ForeignMessage {
  const message = context.getMessage() as RabbitMessage;
  const channel = context.getChannelRef() as RabbitChannel;
  const { properties, fields, content } = message;
  const headers = cloudEventHeaders(properties.headers);
  const id = headers['ce_id'] ?? bytesOf(properties.messageId);
  const delivery: Delivery = {
    topic: context.getPattern(),
    partition: 0,
    offset: BigInt(fields.deliveryTag),
    key: null,
    headers,
    body: content,
    timestampMs: Number(properties.timestamp ?? 0) * 1_000,
  };
  const mapping = { type: delivery.topic, id: () => (id === null ? null : Buffer.from(id).toString('utf8')) };
  return {
    delivery,
    read: () => readEvent(delivery, { [delivery.topic]: mapping }),
    acknowledge: () => channel.ack(message),
    refuse: async (error) => {
      await new Promise((resolve) => setTimeout(resolve, refusalPauseMs));
      try {
        channel.nack(message, false, true);
      } catch {
        // Its channel is closed, and RabbitMQ has the message back already.
      }
      return error;
    },
  };
}

interface RabbitMessage {
  readonly content: Buffer;
  readonly fields: { readonly deliveryTag: number };
  readonly properties: {
    readonly messageId?: string;
    readonly timestamp?: number;
    readonly headers?: Readonly<Record<string, unknown>>;
  };
}

interface RabbitChannel {
  ack(message: RabbitMessage): void;
  nack(message: RabbitMessage, allUpTo: boolean, requeue: boolean): void;
}

/** Without an id of its own, a Kafka record's position stands in for one. */
function standIn({ topic }: Delivery): TopicMappings {
  return { [topic]: { type: topic } };
}

/** The AMQP binding's names (`cloudEvents:id`, `cloudEvents_id`), as Kafka's. */
function cloudEventHeaders(given: Readonly<Record<string, unknown>> | undefined): Record<string, Uint8Array> {
  const headers = headersOf(given);
  for (const name of Object.keys(headers)) {
    const attribute = /^cloudEvents[:_]([a-z0-9]+)$/.exec(name)?.[1];
    if (attribute !== undefined) headers[`ce_${attribute}`] ??= headers[name]!;
  }
  return headers;
}

function headersOf(given: Readonly<Record<string, unknown>> | undefined): Record<string, Uint8Array> {
  const headers: Record<string, Uint8Array> = Object.create(null);
  for (const [name, value] of Object.entries(given ?? {})) {
    const bytes = bytesOf(Array.isArray(value) ? value.at(-1) : value);
    if (bytes !== null) headers[name] = bytes;
  }
  return headers;
}

/** The transport may have decoded it: the same content gives the same bytes. */
function bytesOf(value: unknown): Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return value;
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}
