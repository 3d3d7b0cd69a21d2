/**
 * One message as a broker handed it over, before anything about it is believed. Step 3 of an event's life.
 */
export interface Delivery {
  readonly topic: string;
  readonly partition: number;
  /** Position in the partition; for brokers without positions a count of the adapter's own. */
  readonly offset: bigint;
  readonly key: Uint8Array | null;
  /** Names verbatim; a name that came several times holds its last value. No prototype. */
  readonly headers: Readonly<Record<string, Uint8Array>>;
  readonly body: Uint8Array | null;
  /** The broker's time of the record, milliseconds since the epoch. */
  readonly timestampMs: number;
}
