/**
 * Refuses what a test would leave as it is and what would connect to somebody's real servers: a `forRoot` in a module
 * that the tested one imports.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { dataSourceNameOf, exactlyOnceOptions, importsOf, nameOf, unwrapped } from './module-tree.js';

interface RootSearch {
  readonly exactlyOnceModule: unknown;
  /** Whether further DataSources, which have a name, are the test's own affair. */
  readonly namedAllowed: boolean;
  /** Names of the modules down to here. */
  readonly path: readonly string[];
}

/** Looks through all that `imports` import, too. Throws EO_OPTION_INVALID. */
export async function refuseConnectingRoots(
  imports: readonly unknown[],
  search: RootSearch,
  seen: Set<unknown> = new Set(),
): Promise<void> {
  for (const given of imports) {
    const one = unwrapped(await given);
    if (one === undefined || one === null || seen.has(one)) continue;
    seen.add(one);
    refuseConnecting(one, search);
    await refuseConnectingRoots(importsOf(one), { ...search, path: [...search.path, nameOf(one)] }, seen);
  }
}

function refuseConnecting(one: unknown, { exactlyOnceModule, namedAllowed, path }: RootSearch): void {
  const refuse = (root: string, why: string): never => {
    const place = [...path, root].join(' → ');
    throw new ExactlyOnceError('EO_OPTION_INVALID', `testExactlyOnce(): ${place} ${why}`);
  };
  const remedy =
    'give a domain module instead, or import it in the tested module itself, where the test replaces it';
  if (exactlyOnceOptions(one, exactlyOnceModule) !== undefined)
    refuse('ExactlyOnceModule.forRoot()', `would connect to the real database and broker: ${remedy}`);
  const name = dataSourceNameOf(one);
  if (name === 'default') refuse('TypeOrmModule.forRoot()', `would connect to the real database: ${remedy}`);
  if (name !== null && !namedAllowed)
    refuse(
      `TypeOrmModule.forRoot({ name: "${name}" })`,
      "would connect to its real database, which no test replaces: say `otherDataSources: 'connect'` where that is a database for tests",
    );
}
