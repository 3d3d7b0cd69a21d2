/**
 * Takes a user's module apart: its `forRoot`s, which a test replaces, and all the rest, which it keeps.
 *
 * Reads decorators only; nothing of the module is made.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { refuseConnectingRoots } from './connecting-roots.js';
import {
  type Dynamic,
  dataSourceNameOf,
  exactlyOnceOptions,
  importsOf,
  metadata,
  nameOf,
  typeOrmCore,
  unwrapped,
  type ValueProvider,
} from './module-tree.js';
import type { ExactlyOnceOptions, NestPeers, TypeOrmModuleOptions } from './peers.js';
import type { TestOptions } from './test-options.js';

export interface ReadModule {
  /** What a module of the test's own takes over. */
  readonly imports: unknown[];
  readonly controllers: unknown[];
  readonly providers: unknown[];
  /** Of its `ExactlyOnceModule.forRoot()`; `null` where it has none. */
  readonly exactlyOnce: ExactlyOnceOptions | null;
  /** Of its unnamed `TypeOrmModule.forRoot()`; `null` where it has none, or what it computes hangs on other providers. */
  readonly typeOrm: TypeOrmModuleOptions | null;
  readonly usesTypeOrm: boolean;
}

/** `given`: a module class or a dynamic module. Throws EO_OPTION_INVALID. */
export async function readModule(
  given: unknown,
  { exactlyOnce }: NestPeers,
  { imports: further = [], otherDataSources = 'refuse', typeOrm }: TestOptions,
): Promise<ReadModule> {
  checkModule(given);
  const exactlyOnceModule = exactlyOnce.ExactlyOnceModule;
  const imports = await Promise.all(importsOf(given).map((one) => one));
  const roots = imports.flatMap((one) => {
    const options = exactlyOnceOptions(one, exactlyOnceModule);
    return options === undefined ? [] : [{ one, options }];
  });
  if (roots.length > 1) {
    throw invalid('has several ExactlyOnceModule.forRoot(): give one of its domain modules instead');
  }
  const orm = imports.filter((one) => dataSourceNameOf(one) === 'default');
  const kept = imports.filter((one) => one !== roots[0]?.one && !orm.includes(one));
  const search = { exactlyOnceModule, namedAllowed: otherDataSources === 'connect' };
  await refuseConnectingRoots(kept, { ...search, path: [nameOf(given)] });
  await refuseConnectingRoots(further, { ...search, path: ['options.imports'] });
  const own = orm[0] === undefined ? null : await typeOrmOptions(orm[0]);
  if (orm.length > 0 && own === null && typeOrm === undefined) throw invalid(unreadable);
  const isWhole = roots.length > 0 || orm.length > 0;
  return {
    imports: isWhole ? kept : [given],
    controllers: isWhole ? metadata(given, 'controllers') : [],
    providers: isWhole ? metadata(given, 'providers') : [],
    exactlyOnce: roots[0] === undefined ? null : optionsOf(roots[0].options),
    typeOrm: own,
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

function optionsOf({ useValue }: ValueProvider): ExactlyOnceOptions {
  if (useValue !== undefined) return useValue as ExactlyOnceOptions;
  throw invalid(
    'computes its options with ExactlyOnceModule.forRootAsync(): give one of its domain modules instead',
  );
}

const unreadable =
  'computes the options of its TypeOrmModule with what is injected, which a test cannot: say in `typeOrm` which entities, subscribers, namingStrategy and entityPrefix it has, `{}` for none but the entities of forFeature()';

async function typeOrmOptions(root: unknown): Promise<TypeOrmModuleOptions | null> {
  const providers = (typeOrmCore(root)?.providers ?? []) as ValueProvider[];
  const found = providers.find(({ provide }) => provide === 'TypeOrmModuleOptions');
  const { useValue, useFactory, inject = [] } = found ?? {};
  const computed = useFactory !== undefined && inject.length === 0 ? await useFactory() : undefined;
  return ((useValue ?? computed) as TypeOrmModuleOptions | undefined) ?? null;
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

function invalid(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', `testExactlyOnce(): the module ${what}`);
}
