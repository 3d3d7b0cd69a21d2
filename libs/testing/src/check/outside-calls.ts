/**
 * Calls that handlers make over HTTP, by `fetch` or by Node's `http`, as Node itself reports them. Changes none.
 *
 * The body is not looked at: an idempotency key that stands there alone is not seen. Calls that only ask (GET, HEAD,
 * OPTIONS) may be made again, and are left out.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { currentCall } from '../watching/handler-call.js';

export interface OutsideCall {
  readonly handler: string;
  /** Method, host and path. */
  readonly target: string;
  /** `context.idempotencyKey` stands in the path or in a header. */
  readonly keyed: boolean;
}

/** What `undici:request:create` and `http.client.request.start` tell of. */
interface Request {
  readonly method?: string;
  readonly origin?: unknown;
  readonly host?: string;
  readonly path?: string;
  readonly headers?: unknown;
  getHeaders?(): unknown;
}

const asking = ['GET', 'HEAD', 'OPTIONS'];
const channels = ['undici:request:create', 'http.client.request.start'];

/** Adds them to `calls` until the function it gives is called. */
export function watchOutsideCalls(calls: OutsideCall[]): () => void {
  const seen = (message: unknown) => {
    const running = currentCall();
    if (running === undefined) return;
    const { request } = message as { request: Request };
    const { method = 'GET', origin, host, path = '' } = request;
    if (asking.includes(method.toUpperCase())) return;
    const { handler, scope } = running.call;
    const keys = (scope.invocation?.contexts ?? []).map(({ idempotencyKey }) => idempotencyKey);
    const said = JSON.stringify([path, request.getHeaders?.() ?? request.headers ?? null]);
    const target = `${method} ${String(origin ?? host ?? '')}${path.split('?')[0]}`;
    calls.push({ handler, target, keyed: keys.some((key) => said.includes(key)) });
  };
  for (const channel of channels) subscribe(channel, seen);
  return () => {
    for (const channel of channels) unsubscribe(channel, seen);
  };
}
