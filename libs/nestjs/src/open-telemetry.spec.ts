import { afterEach, describe, expect, it } from '@jest/globals';
import * as api from '@opentelemetry/api';
import { openTelemetry } from './open-telemetry.js';

const options = { attributes: { handler: 'payments/Capture' }, links: [] };

/** A tracer that notes the names of its spans, as an SDK would hand out. */
function recordingProvider(names: string[]): api.TracerProvider {
  const noop = new api.ProxyTracerProvider().getTracer('none');
  return {
    getTracer: () => ({
      startSpan: (name) => noop.startSpan(name),
      startActiveSpan: ((name: string, _options: unknown, work: (span: api.Span) => unknown) => {
        names.push(name);
        return work(noop.startSpan(name));
      }) as api.Tracer['startActiveSpan'],
    }),
  };
}

describe('openTelemetry', () => {
  afterEach(() => api.trace.disable());

  it('runs the work where no SDK is registered', async () => {
    const telemetry = openTelemetry('payments');

    await expect(telemetry.span('process', options, async () => 'done')).resolves.toBe('done');
  });

  it('makes spans as soon as an SDK is registered, also after it was made itself', async () => {
    const telemetry = openTelemetry('payments');
    const names: string[] = [];
    await telemetry.span('process', options, async () => undefined);

    api.trace.setGlobalTracerProvider(recordingProvider(names));
    await telemetry.span('process', options, async () => undefined);

    expect(names).toEqual(['exactly_once.process']);
  });
});
