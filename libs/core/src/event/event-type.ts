/**
 * What the code says about a kind of event: its type, topic, key and version.
 *
 * Step 0 of an event's life: everything that is published or handled refers to one of these. It never
 * holds an event's data.
 */
export interface EventTypeDescriptor<T = unknown> {
  /** CloudEvents `type`, for example `order.placed`. */
  readonly type: string;
  /** Topic that events of this type are published to and consumed from. */
  readonly topic: string;
  /** Ordering key of an event; `null` means that its order does not matter. Default: no key. */
  key?(data: T): string | null;
  /** Version of the body's shape. A whole number from 1. Default 1. */
  readonly version: number;
  /** `upcasters[n]` turns a body of version n into one of version n + 1; applied in turn up to `version`. */
  readonly upcasters?: Readonly<Record<number, (data: unknown) => unknown>>;
}
