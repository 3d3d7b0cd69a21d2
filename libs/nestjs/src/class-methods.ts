/**
 * Reads the methods of a class as they stand, own and inherited. For the explorer; accessors are never called.
 * The nearest of one name is the one that counts, as at a call.
 */

export type ClassMethod = (...parameters: unknown[]) => unknown;

export function methodsOf(prototype: unknown): ClassMethod[] {
  const methods = new Map<string, unknown>();
  for (let at = prototype; isObject(at) && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const value = Object.getOwnPropertyDescriptor(at, name)?.value;
      if (!methods.has(name)) methods.set(name, value);
    }
  }
  return [...methods.values()].filter((value): value is ClassMethod => typeof value === 'function');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
