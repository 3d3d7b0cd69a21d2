/**
 * Takes a user's module apart: its `forRoot`s, which a test replaces, and all the rest, which it keeps.
 *
 * Reads decorators only; nothing of the module is made.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { ExactlyOnceOptions, NestPeers, TypeOrmModuleOptions } from './peers.js';

interface Dynamic {
  readonly module: { readonly name: string };
  readonly imports?: readonly unknown[];
  readonly providers?: readonly unknown[];
}

interface ValueProvider {
  readonly provide: unknown;
  readonly useValue?: unknown;
}

export interface ReadModule {
  /** What a module of the test's own takes over. */
  readonly imports: unknown[];
  readonly controllers: unknown[];
  readonly providers: unknown[];
  /** Of its `ExactlyOnceModule.forRoot()`; `null` where it has none. */
  readonly exactlyOnce: ExactlyOnceOptions | null;
  /** Of its unnamed `TypeOrmModule.forRoot()`; `null` where it has none, or computes them. */
  readonly typeOrm: TypeOrmModuleOptions | null;
  readonly usesTypeOrm: boolean;
}

const optionsName = /^ExactlyOnceOptions\((.*)\)$/;

/** Throws EO_OPTION_INVALID. */
export async function readModule(given: unknown, { exactlyOnce }: NestPeers): Promise<ReadModule> {
  checkModule(given);
  const imports = await Promise.all(importsOf(given).map((one) => one));
  const ours = imports.filter((one) => isDynamicOf(one, exactlyOnce.ExactlyOnceModule)) as Dynamic[];
  const roots = ours.filter(hasOptions);
  if (roots.length > 1) {
    throw invalid('has several ExactlyOnceModule.forRoot(): give one of its domain modules instead');
  }
  const orm = imports.filter(isTypeOrmRoot);
  const kept = imports.filter((one) => !(roots as unknown[]).includes(one) && !orm.includes(one as Dynamic));
  const isWhole = roots.length > 0 || orm.length > 0;
  return {
    imports: isWhole ? kept : [given],
    controllers: isWhole ? metadata(given, 'controllers') : [],
    providers: isWhole ? metadata(given, 'providers') : [],
    exactlyOnce: roots[0] === undefined ? null : optionsOf(roots[0]),
    typeOrm: orm[0] === undefined ? null : typeOrmOptions(orm[0]),
    usesTypeOrm: orm.length > 0 || (await usesTypeOrm(kept, new Set())),
  };
}

function checkModule(given: unknown): void {
  const module = (given as Dynamic | null)?.module ?? given;
  if (typeof module === 'function' && ['imports', 'controllers', 'providers'].some((key) => has(module, key)))
    return;
  const name = typeof given === 'function' ? given.name : typeof given;
  const what = `testExactlyOnce() was given ${name}, which is no class with @Module and no dynamic module`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

function has(module: object, key: string): boolean {
  return Reflect.getMetadata(key, module) !== undefined;
}

function importsOf(given: unknown): unknown[] {
  return metadata(given, 'imports');
}

/** Of the class, and of the dynamic module that was made with it. */
function metadata(given: unknown, key: 'imports' | 'controllers' | 'providers'): unknown[] {
  const dynamic = given as Partial<Record<string, unknown[]>> & { module?: object };
  const module = dynamic.module ?? (given as object);
  const own = typeof module === 'function' ? (Reflect.getMetadata(key, module) as unknown[] | undefined) : [];
  return [...(own ?? []), ...(dynamic.module === undefined ? [] : (dynamic[key] ?? []))];
}

function isDynamicOf(one: unknown, module: unknown): one is Dynamic {
  return (one as Dynamic | null)?.module === module;
}

function hasOptions({ providers = [] }: Dynamic): boolean {
  return (providers as ValueProvider[]).some(({ provide }) => optionsName.test(String(provide)));
}

function optionsOf({ providers = [] }: Dynamic): ExactlyOnceOptions {
  const found = (providers as ValueProvider[]).find(({ provide }) => optionsName.test(String(provide)))!;
  if (found.useValue !== undefined) return found.useValue as ExactlyOnceOptions;
  throw invalid(
    'computes its options with ExactlyOnceModule.forRootAsync(): give one of its domain modules instead',
  );
}

/** The unnamed one; further DataSources stay as they are. */
function isTypeOrmRoot(one: unknown): one is Dynamic {
  const { module, imports = [] } = one as Dynamic;
  const [core] = imports as Dynamic[];
  if (module?.name !== 'TypeOrmModule' || core?.module?.name !== 'TypeOrmCoreModule') return false;
  const named = (core.providers as ValueProvider[]).find(
    ({ provide }) => provide === 'TypeOrmDataSourceName',
  );
  return named?.useValue === undefined || named.useValue === 'default';
}

function typeOrmOptions({ imports = [] }: Dynamic): TypeOrmModuleOptions | null {
  const [{ providers = [] }] = imports as [Dynamic];
  const found = (providers as ValueProvider[]).find(({ provide }) => provide === 'TypeOrmModuleOptions');
  return (found?.useValue as TypeOrmModuleOptions | undefined) ?? null;
}

async function usesTypeOrm(imports: readonly unknown[], seen: Set<unknown>): Promise<boolean> {
  for (const given of imports) {
    const one = unwrapped(await given);
    if (one === undefined || seen.has(one)) continue;
    seen.add(one);
    if ((one as Dynamic).module?.name === 'TypeOrmModule') return true;
    if (await usesTypeOrm(importsOf(one), seen)) return true;
  }
  return false;
}

/** `forwardRef(() => Module)`. */
function unwrapped(one: unknown): unknown {
  const { forwardRef } = (one ?? {}) as { forwardRef?: () => unknown };
  return typeof forwardRef === 'function' ? forwardRef() : one;
}

function invalid(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', `testExactlyOnce(): the module ${what}`);
}
