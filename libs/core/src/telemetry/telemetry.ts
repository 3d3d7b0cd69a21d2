/**
 * Spans and metrics, without a vendor. Bound to `@opentelemetry/api` where that is installed.
 *
 * Names are fixed: dashboards depend on them. An implementation must never throw.
 */
export type CounterName =
  | 'exactly_once.deliveries'
  | 'exactly_once.duplicates'
  | 'exactly_once.commits'
  | 'exactly_once.retries'
  | 'exactly_once.parked'
  | 'exactly_once.dead_letters'
  | 'exactly_once.fence_losses'
  /** Events older than the deduplication window: a duplicate among them ran again. */
  | 'exactly_once.past_window';

export type HistogramName =
  /** Events in one transaction. */
  | 'exactly_once.batch_size'
  /** Events in one call of a batch handler. */
  | 'exactly_once.handler_batch_size'
  /** Milliseconds. */
  | 'exactly_once.handler_time'
  /** Milliseconds from the claim of a batch to its settlement. */
  | 'exactly_once.relay_time';

export type GaugeName =
  /** Records. */
  | 'exactly_once.lag'
  /** Rows. */
  | 'exactly_once.outbox_depth'
  /** Milliseconds. */
  | 'exactly_once.outbox_age'
  /** Milliseconds for which published events wait for a transaction that published before them and is still open. */
  | 'exactly_once.outbox_held_back'
  /** Shards that this relay publishes. */
  | 'exactly_once.relay_shards'
  /** Events that are parked, of all services of the database. */
  | 'exactly_once.parked_events'
  /** Rows that the broker refused for good. */
  | 'exactly_once.outbox_dead';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface TraceContext {
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

export interface SpanOptions {
  readonly attributes: Attributes;
  /** Trace contexts of the events that the span is about; linked, not made parents. */
  readonly links: readonly TraceContext[];
}

export interface Telemetry {
  count(name: CounterName, value: number, attributes?: Attributes): void;
  record(name: HistogramName, value: number, attributes?: Attributes): void;
  gauge(name: GaugeName, value: number, attributes?: Attributes): void;
  /** Runs `work` in a span; an error that it throws is recorded on the span and thrown on. */
  span<T>(name: 'publish' | 'relay' | 'process', options: SpanOptions, work: () => Promise<T>): Promise<T>;
  /** The trace context of the running code, to be carried by an event that is published now. */
  traceContext(): TraceContext;
}

const noTrace: TraceContext = { traceparent: null, tracestate: null };

export const noTelemetry: Telemetry = {
  count() {},
  record() {},
  gauge() {},
  span: (_name, _options, work) => work(),
  traceContext: () => noTrace,
};
