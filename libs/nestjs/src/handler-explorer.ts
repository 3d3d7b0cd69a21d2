/**
 * Finds the handlers of an application and which instance each belongs to: that which its module imports.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type HandlerMark, markMetadata } from './handler-mark.js';
import { defaultInstance, featureToken } from './tokens.js';

export interface FoundHandler {
  readonly mark: HandlerMark;
  readonly controller: Type;
  readonly callback: (...parameters: unknown[]) => unknown;
  /** Name of its instance. */
  readonly instance: string;
}

type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;

/** Throws EO_HANDLER_DUPLICATE where one method serves two controllers: their identities would be one. */
export function exploreHandlers(modules: ModulesContainer): FoundHandler[] {
  const found: FoundHandler[] = [];
  const owners = new Map<HandlerMark, Type>();
  for (const module of modules.values()) {
    for (const { metatype } of module.controllers.values()) {
      const controller = metatype as Type;
      for (const callback of methodsOf(controller)) {
        const mark: HandlerMark | undefined = Reflect.getMetadata(markMetadata, callback);
        if (mark === undefined) continue;
        const owner = owners.get(mark);
        if (owner !== undefined && owner !== controller) throw sharedMethod(mark, owner, controller);
        owners.set(mark, controller);
        found.push({ mark, controller, callback, instance: instanceOf(module) });
      }
    }
  }
  return found;
}

function instanceOf(module: NestModule): string {
  for (const imported of module.imports) {
    const feature = imported.providers.get(featureToken)?.instance as string | undefined;
    if (feature !== undefined) return feature;
  }
  return defaultInstance;
}

function methodsOf(controller: Type): ((...parameters: unknown[]) => unknown)[] {
  const methods = new Map<string, (...parameters: unknown[]) => unknown>();
  for (
    let at = controller.prototype;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const value = Object.getOwnPropertyDescriptor(at, name)?.value;
      if (typeof value === 'function' && !methods.has(name)) methods.set(name, value);
    }
  }
  return [...methods.values()];
}

function sharedMethod({ method }: HandlerMark, one: Type, other: Type): ExactlyOnceError {
  const what = `${one.name} and ${other.name} share the handler method "${method}" by inheritance; override it in each`;
  return new ExactlyOnceError('EO_HANDLER_DUPLICATE', what);
}
