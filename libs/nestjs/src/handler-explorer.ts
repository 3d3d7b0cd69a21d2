/**
 * Finds the handlers of an application and which instance each belongs to: that which its module imports.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type ClassMethod, methodsOf } from './class-methods.js';
import { type HandlerMark, labelOf, markMetadata } from './handler-mark.js';
import { defaultInstance, featureToken } from './tokens.js';

export interface FoundHandler {
  readonly mark: HandlerMark;
  readonly controller: Type;
  /** Name of its instance. */
  readonly instance: string;
}

type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;
type Wrapper = NestModule['providers'] extends Map<unknown, infer W> ? W : never;

/**
 * Throws EO_HANDLER_DUPLICATE where one method serves two controllers: their identities would be one; and
 * EO_OPTION_INVALID for a handler that no server would find.
 */
export function exploreHandlers(modules: ModulesContainer): FoundHandler[] {
  const found: FoundHandler[] = [];
  const owners = new Map<HandlerMark, Type>();
  for (const module of modules.values()) {
    for (const { metatype } of module.controllers.values()) {
      const controller = metatype as Type;
      for (const mark of marksOf(controller.prototype)) {
        const owner = owners.get(mark);
        if (owner !== undefined && owner !== controller) throw sharedMethod(mark, owner, controller);
        owners.set(mark, controller);
        found.push({ mark, controller, instance: instanceOf(module) });
      }
    }
  }
  for (const module of modules.values()) {
    for (const mark of marksOfProviders(module)) if (!owners.has(mark)) throw noController(mark);
  }
  return found;
}

export interface MarkedMethod {
  readonly controller: Type;
  readonly method: ClassMethod;
  readonly mark: HandlerMark;
}

/** The methods that carry a mark, for what must happen before a server registers them. */
export function markedMethods(modules: ModulesContainer): MarkedMethod[] {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    const controller = metatype as Type;
    return methodsOf(controller.prototype).flatMap((method): MarkedMethod[] => {
      const mark: HandlerMark | undefined = Reflect.getMetadata(markMetadata, method);
      return mark === undefined ? [] : [{ controller, method, mark }];
    });
  });
}

/** Whether its controller is made once, and not for each event. */
export function isStatic(modules: ModulesContainer, mark: HandlerMark): boolean {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  const own = controllers.find(({ metatype }) => marksOf((metatype as Type).prototype).includes(mark));
  return own?.isDependencyTreeStatic() ?? true;
}

function marksOf(prototype: unknown): HandlerMark[] {
  return methodsOf(prototype).flatMap((method): HandlerMark[] => {
    const mark: HandlerMark | undefined = Reflect.getMetadata(markMetadata, method);
    return mark === undefined ? [] : [mark];
  });
}

function marksOfProviders(module: NestModule): HandlerMark[] {
  return [...module.providers.values()].flatMap((provider) => marksOf(prototypeOf(provider)));
}

/** A provider's class, or what its factory made. */
function prototypeOf({ metatype, inject, isNotMetatype, instance }: Wrapper): unknown {
  if (typeof metatype === 'function' && !inject && !isNotMetatype) return metatype.prototype;
  return typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance) : null;
}

function instanceOf(module: NestModule): string {
  const chosen = new Set<string>();
  for (const imported of module.imports) {
    const feature = imported.providers.get(featureToken)?.instance as string | undefined;
    if (feature !== undefined) chosen.add(feature);
  }
  const [first = defaultInstance, ...others] = chosen;
  if (others.length === 0) return first;
  const names = [...chosen].map((name) => `"${name}"`).join(' and ');
  const what = `${module.metatype.name} imports ExactlyOnceModule.forFeature() of ${names}; its handlers can belong to one instance only`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function sharedMethod({ method }: HandlerMark, one: Type, other: Type): ExactlyOnceError {
  const what = `${one.name} and ${other.name} share the handler method "${method}" by inheritance; override it in each`;
  return new ExactlyOnceError('EO_HANDLER_DUPLICATE', what);
}

function noController(mark: HandlerMark): ExactlyOnceError {
  const what = `${labelOf(mark)} carries @IdempotentHandler, but ${mark.owner} is a provider: list it under \`controllers\``;
  return new ExactlyOnceError('EO_OPTION_INVALID', what);
}
