/**
 * What a test can say about the application that `testExactlyOnce` makes of its module.
 *
 * Checked before anything starts; opens nothing itself.
 */
import { checkChoice, checkOptions, type EngineOptions, ExactlyOnceError } from '@exactly-once/core';

import type { Override } from './overrides.js';

/** What of the module's options a test may set, over those of a `forRoot` that it has. */
export type TestedEngineOptions = Partial<
  Pick<
    EngineOptions,
    | 'service'
    | 'unhandled'
    | 'retry'
    | 'order'
    | 'batch'
    | 'codec'
    | 'foreignTopics'
    | 'processKillers'
    | 'deadLetters'
    | 'dedupCacheSize'
    | 'logger'
  >
> & { readonly validate?: boolean };

export interface TestOptions {
  /**
   * Where the module's rows are. `embedded`: an embedded PostgreSQL (needs @electric-sql/pglite), empty, with tables for
   * all entities. `own`: the database of the module's own `TypeOrmModule.forRoot`. Or the options of a DataSource, for
   * example `{ type: 'postgres', url }`: tables are then made where these options say `synchronize` or `migrations`
   * only. Default `embedded`; without effect where the module uses no TypeORM.
   */
  readonly database?: 'embedded' | 'own' | Readonly<Record<string, unknown>>;
  /** Migrations that make the tables of an embedded database, instead of the entities. */
  readonly migrations?: readonly (new () => unknown)[];
  /**
   * What of the DataSource's options the tables hang on, over those of the module's `TypeOrmModule.forRoot`. Needed where
   * `forRootAsync` injects what it computes them of. Default: as the module has them, and all entities of `forFeature`.
   */
  readonly typeOrm?: {
    readonly entities?: readonly unknown[];
    readonly subscribers?: readonly unknown[];
    readonly namingStrategy?: unknown;
    readonly entityPrefix?: string;
  };
  /**
   * What stands in the place of providers: `[[PaymentGateway, { charge: async () => 'ok' }]]`, each a token and a value,
   * wherever the module or one that it imports declares it. A check calls handlers dozens of times, and with them
   * whatever they call.
   */
  readonly override?: readonly Override[];
  /** Further modules, as the application has them beside this one: configuration, a logger. */
  readonly imports?: readonly unknown[];
  /**
   * What becomes of DataSources with a name, which no test replaces. `refuse`: the application does not start. `connect`:
   * they connect as in production, and are neither emptied nor compared. Default `refuse`.
   */
  readonly otherDataSources?: 'refuse' | 'connect';
  /** Options of `ExactlyOnceModule.forRoot`. */
  readonly exactlyOnce?: TestedEngineOptions;
  /**
   * What happens to a handler's write outside of its event's transaction. `refuse`: it fails, with the place in your
   * code. `allow`: nothing. Default `refuse`.
   */
  readonly escapes?: 'refuse' | 'allow';
  /** Called with the Nest application before it starts: global pipes, filters, interceptors. */
  // biome-ignore lint/suspicious/noExplicitAny: Nest's INestMicroservice, which this package does not make its users install
  readonly configure?: (application: any) => void;
}

const known = [
  'database',
  'migrations',
  'typeOrm',
  'imports',
  'override',
  'otherDataSources',
  'exactlyOnce',
  'escapes',
  'configure',
];

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID. */
export function checkTestOptions(options: TestOptions): void {
  checkOptions('testExactlyOnce()', options, known);
  checkChoice('escapes', options.escapes, ['refuse', 'allow']);
  checkChoice('otherDataSources', options.otherDataSources, ['refuse', 'connect']);
  const { database = 'embedded' } = options;
  if (typeof database === 'string') checkChoice('database', database, ['embedded', 'own']);
  else if (database['type'] !== 'postgres') {
    const what = `testExactlyOnce(): \`database\` is of type "${String(database['type'])}"; "postgres" is supported`;
    throw new ExactlyOnceError('EO_OPTION_INVALID', what);
  }
}
