/**
 * Stand-ins for a module's providers, such as the client of another system: set where the module declares them, while the
 * application is made, and taken back then.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { importsOf, nameOf, unwrapped } from './module-tree.js';

/** A token, and what stands in its place. */
export type Override = readonly [token: unknown, value: unknown];

type Provider = { readonly provide?: unknown };
type Declaring = { providers?: readonly unknown[] };

/**
 * Overrides in all that `imports` import, too; the function takes it back. `own`: providers that are overridden by
 * `withOverrides`. Throws EO_OPTION_INVALID for a token that nothing provides.
 */
export async function overrideProviders(
  imports: readonly unknown[],
  own: readonly unknown[],
  overrides: readonly Override[],
): Promise<() => void> {
  const takeBack: (() => void)[] = [];
  const found = new Set(own.map(tokenOf));
  if (overrides.length > 0) {
    for (const module of await modulesOf(imports, new Set())) {
      for (const [providers, set] of declarations(module)) {
        for (const one of providers) found.add(tokenOf(one));
        set(withOverrides(providers, overrides));
        takeBack.push(() => set(providers));
      }
    }
  }
  const restore = () => {
    for (const one of takeBack) one();
  };
  const [missing] = overrides.find(([token]) => !found.has(token)) ?? [];
  if (missing === undefined) return restore;
  restore();
  const what = `testExactlyOnce(): \`override\` names ${nameOfToken(missing)}, which no module provides`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

export function withOverrides(providers: readonly unknown[], overrides: readonly Override[]): unknown[] {
  return providers.map((one) => {
    const override = overrides.find(([token]) => token === tokenOf(one));
    return override === undefined ? one : { provide: override[0], useValue: override[1] };
  });
}

function tokenOf(provider: unknown): unknown {
  return typeof provider === 'function' ? provider : (provider as Provider).provide;
}

type SetProviders = (providers: readonly unknown[]) => void;

/** Lists of providers of a module, each with what puts another one in its place. */
function declarations(module: unknown): [readonly unknown[], SetProviders][] {
  const dynamic = module as Declaring & { module?: object };
  const target = dynamic.module ?? (module as object);
  const ofClass = Reflect.getMetadata('providers', target) as readonly unknown[] | undefined;
  const setOfClass: SetProviders = (providers) => Reflect.defineMetadata('providers', providers, target);
  const setOfDynamic: SetProviders = (providers) => {
    dynamic.providers = providers;
  };
  const lists: [readonly unknown[], SetProviders][] = [];
  if (ofClass !== undefined) lists.push([ofClass, setOfClass]);
  if (dynamic.module !== undefined && dynamic.providers !== undefined)
    lists.push([dynamic.providers, setOfDynamic]);
  return lists;
}

async function modulesOf(imports: readonly unknown[], seen: Set<unknown>): Promise<Set<unknown>> {
  for (const given of imports) {
    const one = unwrapped(await given);
    if (one === undefined || one === null || seen.has(one)) continue;
    seen.add(one);
    await modulesOf(importsOf(one), seen);
  }
  return seen;
}

function nameOfToken(token: unknown): string {
  return typeof token === 'function' ? nameOf(token) : String(token);
}
