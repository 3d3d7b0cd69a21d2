/**
 * Puts our filter and interceptor where they see what they must, whatever the order of the decorators: Nest asks
 * the filter that stands last first, and runs the interceptor that stands last next to the pipes.
 *
 * Where there are neither pipes nor interceptors of the user's, ours would see nothing, and Nest builds several streams
 * for each event around it: about a seventh of what an event costs. Our server's handlers go without it then.
 */
import type { Type } from '@nestjs/common';
import type { AppConfig } from './app-config-watch.js';
import { ErrorProbeFilter } from './error-capture.js';
import type { MarkedMethod } from './handler-explorer.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';

/** Nest's own metadata keys (@nestjs/common, `constants`). */
const filtersKey = '__exceptionFilters__';
const interceptorsKey = '__interceptors__';
const pipesKey = '__pipes__';
const parametersKey = '__routeArguments__';
const routeKey = 'path';

/** To be called before a server registers the handler. May be called again. */
export function orderEnhancers({ method }: MarkedMethod): void {
  moveLast(filtersKey, ErrorProbeFilter, method);
  moveLast(interceptorsKey, IdempotencyInterceptor, method);
}

/**
 * To be called while Nest makes a handler for our server with that configuration, before it has read what the method
 * says itself; `orderEnhancers` puts all back. May be called again.
 */
export function trimEnhancers(marked: MarkedMethod, config: AppConfig): void {
  const { controller, method, mark } = marked;
  const bare = mark.type === null;
  const others = [...listOf(interceptorsKey, method), ...listOf(interceptorsKey, controller)];
  const intercepted =
    hasGlobal(config, 'Interceptors') || others.some((one) => one !== IdempotencyInterceptor);
  if (bare || intercepted || hasPipes(marked, config) || Reflect.hasMetadata(routeKey, method)) return;
  Reflect.defineMetadata(interceptorsKey, [], method);
}

/** What a decorator of the user's makes of a parameter, Nest makes beside the pipes. */
function hasPipes({ controller, method, mark }: MarkedMethod, config: AppConfig): boolean {
  const parameters: Record<string, { pipes?: unknown[]; factory?: unknown }> =
    Reflect.getMetadata(parametersKey, controller, mark.method) ?? {};
  return (
    hasGlobal(config, 'Pipes') ||
    listOf(pipesKey, method).length > 0 ||
    listOf(pipesKey, controller).length > 0 ||
    Object.values(parameters).some(({ pipes = [], factory }) => pipes.length > 0 || factory !== undefined)
  );
}

function hasGlobal(config: AppConfig, kind: 'Pipes' | 'Interceptors'): boolean {
  return config[`getGlobal${kind}`]().length > 0 || config[`getGlobalRequest${kind}`]().length > 0;
}

function moveLast(key: string, ours: unknown, method: object): void {
  const present = listOf(key, method);
  Reflect.defineMetadata(key, [...present.filter((one) => one !== ours), ours], method);
}

function listOf(key: string, from: object | Type): unknown[] {
  return Reflect.getMetadata(key, from) ?? [];
}
