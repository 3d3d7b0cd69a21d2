/**
 * An object with some of its methods surrounded or its properties replaced, as a proxy: the object itself is not
 * changed and does not know.
 */
type Method = (...parameters: never[]) => unknown;

export type Surround<T> = {
  readonly [K in keyof T]?: T[K] extends Method ? (original: T[K]) => T[K] : never;
};

/** Each function gets the original, bound, and returns what stands in its place. */
export function around<T extends object>(target: T, surrounded: Surround<T>): T {
  const table = surrounded as Record<string | symbol, ((original: unknown) => unknown) | undefined>;
  return proxied(target, (property, value) => table[property]?.(value) ?? value);
}

/** Some of the properties replaced. */
export function withParts<T extends object>(target: T, parts: Partial<T>): T {
  const table = parts as Record<string | symbol, unknown>;
  return proxied(target, (property, value) => (property in table ? table[property] : value));
}

function proxied<T extends object>(
  target: T,
  change: (property: string | symbol, value: unknown) => unknown,
): T {
  return new Proxy(target, {
    get(of, property) {
      const value: unknown = Reflect.get(of, property, of);
      return change(property, typeof value === 'function' ? (value as Method).bind(of) : value);
    },
    set: (of, property, value) => Reflect.set(of, property, value, of),
  });
}
