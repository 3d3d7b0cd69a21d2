/**
 * Puts our filter and interceptor where they see what they must, whatever the order of the decorators: Nest asks
 * the filter that stands last first, and runs the interceptor that stands last next to the pipes.
 */
import { ErrorProbeFilter } from './error-capture.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';

/** Nest's own metadata keys (@nestjs/common, `constants`). */
const filtersKey = '__exceptionFilters__';
const interceptorsKey = '__interceptors__';

/** To be called before a server registers the handler. May be called again. */
export function orderEnhancers(handler: object): void {
  moveLast(filtersKey, ErrorProbeFilter, handler);
  moveLast(interceptorsKey, IdempotencyInterceptor, handler);
}

function moveLast(key: string, ours: unknown, handler: object): void {
  const present: unknown[] = Reflect.getMetadata(key, handler) ?? [];
  Reflect.defineMetadata(key, [...present.filter((one) => one !== ours), ours], handler);
}
