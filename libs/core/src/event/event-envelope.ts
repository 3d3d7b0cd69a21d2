/**
 * One event as it travels: attributes and a body of bytes. The body is opaque here; see `event-codec.ts`.
 *
 * Follows CloudEvents 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). An envelope
 * is never changed after it was read or made.
 */
export interface EventEnvelope {
  /** CloudEvents `id`: unique within `source`. Compared by its bytes, never folded or trimmed. */
  readonly id: string;
  /** CloudEvents `source`: who produced it, by default the service's name. */
  readonly source: string;
  /** CloudEvents `type`. */
  readonly type: string;
  /** Version of the body's shape (extension attribute `dataversion`), from 1. */
  readonly version: number;
  readonly topic: string;
  /** Ordering key; `null` when the order of this event does not matter. */
  readonly key: string | null;
  /** When it happened, milliseconds since the epoch (CloudEvents `time`); `null` where the producer gave none. */
  readonly timeMs: number | null;
  /** MIME type of the body (CloudEvents `datacontenttype`). */
  readonly contentType: string;
  /**
   * The user's own headers, names verbatim, and CloudEvents extension attributes (`ce_…`) that no field here stands
   * for; what a field stands for never. They can be published again as they are.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** W3C trace context (CloudEvents distributed tracing extension); `null` where there is none. */
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  /** The encoded body; `null` for a tombstone. */
  readonly body: Uint8Array | null;
}
