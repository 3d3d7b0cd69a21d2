/**
 * Ports seen from outside: an object with some members replaced, or with every call of it passed through a function.
 *
 * A proxy: the object itself is not changed and does not know.
 */
type Method = (...parameters: unknown[]) => unknown;

/** `replace` gets each member, methods bound to `target`, and gives what stands in its place. */
export function surrounded<T extends object>(
  target: T,
  replace: (name: string | symbol, member: unknown) => unknown,
): T {
  return new Proxy(target, {
    get(of, name) {
      const member: unknown = Reflect.get(of, name, of);
      return replace(name, typeof member === 'function' ? (member as Method).bind(of) : member);
    },
    set: (of, name, value) => Reflect.set(of, name, value, of),
  });
}

/** Some members replaced, each by what is made of the original, bound. */
export function replacing<T extends object>(
  target: T,
  made: { readonly [K in keyof T]?: (original: T[K]) => T[K] },
): T {
  const table = made as Record<string | symbol, ((original: unknown) => unknown) | undefined>;
  return surrounded(target, (name, member) => (Object.hasOwn(table, name) ? table[name]?.(member) : member));
}

/** Every method call passes through `pass`. */
export function eachCall<T extends object>(target: T, pass: (call: () => unknown) => unknown): T {
  return surrounded(target, (_, member) =>
    typeof member === 'function'
      ? (...parameters: unknown[]) => pass(() => (member as Method)(...parameters))
      : member,
  );
}
