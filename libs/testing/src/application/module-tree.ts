/**
 * How a Nest module is put together: what it imports, and which of that opens a connection.
 *
 * Reads decorators only; nothing of the module is made.
 */

/** What a `forRoot` or a `forFeature` gives. */
export interface Dynamic {
  readonly module: { readonly name: string };
  readonly imports?: readonly unknown[];
  readonly providers?: readonly unknown[];
}

export interface ValueProvider {
  readonly provide: unknown;
  readonly useValue?: unknown;
  readonly useFactory?: () => unknown;
  readonly inject?: readonly unknown[];
}

const optionsName = /^ExactlyOnceOptions\((.*)\)$/;

export function nameOf(given: unknown): string {
  const { module, name } = given as { module?: { name: string }; name?: string };
  return module?.name ?? name ?? typeof given;
}

export function importsOf(given: unknown): unknown[] {
  return metadata(given, 'imports');
}

/** Of the class, and of the dynamic module that was made with it. */
export function metadata(given: unknown, key: 'imports' | 'controllers' | 'providers'): unknown[] {
  const dynamic = given as Partial<Record<string, unknown[]>> & { module?: object };
  const module = dynamic.module ?? (given as object);
  const own = typeof module === 'function' ? (Reflect.getMetadata(key, module) as unknown[] | undefined) : [];
  return [...(own ?? []), ...(dynamic.module === undefined ? [] : (dynamic[key] ?? []))];
}

/** `forwardRef(() => Module)`. */
export function unwrapped(one: unknown): unknown {
  const { forwardRef } = (one ?? {}) as { forwardRef?: () => unknown };
  return typeof forwardRef === 'function' ? forwardRef() : one;
}

/** Provides the options of an ExactlyOnceModule; `undefined` where it is none, or has none. */
export function exactlyOnceOptions(one: unknown, module: unknown): ValueProvider | undefined {
  const dynamic = one as Dynamic | null;
  if (dynamic?.module !== module) return undefined;
  const providers = (dynamic?.providers ?? []) as ValueProvider[];
  return providers.find(({ provide }) => optionsName.test(String(provide)));
}

/** Name of the DataSource that a `TypeOrmModule.forRoot()` makes; `null` where it is none. */
export function dataSourceNameOf(one: unknown): string | null {
  const core = typeOrmCore(one);
  if (core === null) return null;
  const valueFor = (name: string) =>
    ((core.providers ?? []) as ValueProvider[]).find(({ provide }) => provide === name)?.useValue;
  const { name } = (valueFor('TypeOrmModuleOptions') ?? {}) as { name?: string };
  return String(valueFor('TypeOrmDataSourceName') ?? name ?? 'default');
}

/** The part of a `TypeOrmModule.forRoot()` that has its options. */
export function typeOrmCore(one: unknown): Dynamic | null {
  const { module, imports = [] } = (one ?? {}) as Partial<Dynamic>;
  const [core] = imports as Dynamic[];
  return module?.name === 'TypeOrmModule' && core?.module?.name === 'TypeOrmCoreModule' ? core : null;
}
