/**
 * Binds telemetry to `@opentelemetry/api`, where that is installed; costs nothing where it is not.
 */
import { createRequire } from 'node:module';
import {
  type Attributes,
  noTelemetry,
  type SpanOptions,
  type Telemetry,
  type TraceContext,
} from '@exactly-once/core';
import type * as OpenTelemetryApi from '@opentelemetry/api';

type Api = typeof OpenTelemetryApi;
/** What the API's own provider has: it passes on to the SDK's, once there is one. */
type Delegating = Pick<OpenTelemetryApi.ProxyTracerProvider, 'getDelegateTracer'>;

const scope = '@exactly-once/nestjs';

export function openTelemetry(service: string): Telemetry {
  const api = load();
  return api === null ? noTelemetry : new OpenTelemetry(api, service);
}

/** `null` where the package is not installed; any other failure is a failure. */
function load(): Api | null {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as Api;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

class OpenTelemetry implements Telemetry {
  readonly #api: Api;
  readonly #meter: OpenTelemetryApi.Meter;
  readonly #counters = new Map<string, OpenTelemetryApi.Counter>();
  readonly #histograms = new Map<string, OpenTelemetryApi.Histogram>();
  readonly #gauges = new Map<string, OpenTelemetryApi.Gauge>();
  /** What the API gives for every histogram as long as no SDK is there: nobody would see the value. */
  readonly #nowhere: OpenTelemetryApi.Histogram;
  readonly #base: Attributes;

  constructor(api: Api, service: string) {
    this.#api = api;
    this.#meter = api.metrics.getMeter(scope);
    this.#nowhere = api.createNoopMeter().createHistogram('');
    this.#base = { 'service.name': service };
  }

  count(name: string, value: number, attributes: Attributes = {}): void {
    const counter = cached(this.#counters, name, () => this.#meter.createCounter(name));
    counter.add(value, { ...this.#base, ...attributes });
  }

  record(name: string, value: number, attributes: Attributes = {}): void {
    const histogram = cached(this.#histograms, name, () => this.#meter.createHistogram(name));
    if (histogram !== this.#nowhere) histogram.record(value, { ...this.#base, ...attributes });
  }

  gauge(name: string, value: number, attributes: Attributes = {}): void {
    const gauge = cached(this.#gauges, name, () => this.#meter.createGauge(name));
    gauge.record(value, { ...this.#base, ...attributes });
  }

  span<T>(name: string, { attributes, links }: SpanOptions, work: () => Promise<T>): Promise<T> {
    const tracer = this.#tracer();
    if (tracer === null) return work();
    const { SpanStatusCode } = this.#api;
    const options = {
      attributes: { ...this.#base, ...attributes },
      links: links.flatMap((one) => this.#link(one)),
    };
    return tracer.startActiveSpan(`exactly_once.${name}`, options, async (span) => {
      try {
        return await work();
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  /** `null` as long as no SDK is registered: nobody would see a span. An SDK may hold another copy of the package. */
  #tracer(): OpenTelemetryApi.Tracer | null {
    const provider: OpenTelemetryApi.TracerProvider & Partial<Delegating> =
      this.#api.trace.getTracerProvider();
    if (provider.getDelegateTracer === undefined) return provider.getTracer(scope);
    return provider.getDelegateTracer(scope) ?? null;
  }

  traceContext(): TraceContext {
    const span = this.#api.trace.getActiveSpan()?.spanContext();
    if (span === undefined || !this.#api.isSpanContextValid(span))
      return { traceparent: null, tracestate: null };
    const flags = span.traceFlags.toString(16).padStart(2, '0');
    const traceparent = `00-${span.traceId}-${span.spanId}-${flags}`;
    return { traceparent, tracestate: span.traceState?.serialize() ?? null };
  }

  #link({ traceparent }: TraceContext): OpenTelemetryApi.Link[] {
    const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent ?? '');
    if (match === null) return [];
    const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
    return [{ context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true } }];
  }
}

function cached<T>(made: Map<string, T>, name: string, make: () => T): T {
  const present = made.get(name);
  if (present !== undefined) return present;
  const fresh = make();
  made.set(name, fresh);
  return fresh;
}
