/**
 * `typeOrmStorage()`: describes a storage on a TypeORM DataSource for the module's options.
 *
 * Chooses the dialect. Knows nothing of Nest but how it names its DataSources.
 */
import { type AdapterDescription, checkOptions, ExactlyOnceError, type Storage } from '@exactly-once/core';
import { DataSource } from 'typeorm';
import { PostgresStorage } from './postgres/postgres-storage.js';
import { schemaOf, tablesIn } from './postgres/tables.js';

export interface TypeOrmStorageOptions {
  /**
   * The DataSource: an instance, an injection token, or the name given to `TypeOrmModule.forRoot({ name })`.
   * Default: the application's unnamed DataSource.
   */
  readonly dataSource?: DataSource | string | symbol | (abstract new (...parameters: never[]) => unknown);
  /** Runs missing migrations at start; needs DDL rights. Default false: run "npx exactly-once migrate". */
  readonly migrate?: boolean;
  /** Schema of the framework's tables; must exist. Default: the DataSource's `schema`, else its search path. */
  readonly schema?: string;
}

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID; the latter also when the storage is created. */
export function typeOrmStorage(options: TypeOrmStorageOptions = {}): AdapterDescription<Storage> {
  checkOptions('typeOrmStorage()', options, ['dataSource', 'migrate', 'schema']);
  checkValues(options);
  const { dataSource } = options;
  if (isDataSource(dataSource)) return { inject: [], create: () => storageOn(dataSource, options) };
  return { inject: [tokenOf(dataSource)], create: (injected: DataSource) => storageOn(injected, options) };
}

/** The storage on a DataSource that is at hand; for programs without injection. */
export function storageOn(dataSource: DataSource, options: TypeOrmStorageOptions = {}): Storage {
  const { type } = dataSource.options;
  if (type !== 'postgres') {
    throw new ExactlyOnceError(
      'EO_OPTION_INVALID',
      `a DataSource of type "${type}" is not supported; "postgres" is`,
    );
  }
  return new PostgresStorage(dataSource, {
    migrate: options.migrate ?? false,
    schema: schemaOf(dataSource, options.schema),
  });
}

function checkValues({ dataSource, migrate, schema }: TypeOrmStorageOptions): void {
  const invalid = (what: string) => new ExactlyOnceError('EO_OPTION_INVALID', `typeOrmStorage(): ${what}`);
  if (migrate !== undefined && typeof migrate !== 'boolean')
    throw invalid('migrate is neither true nor false');
  if (schema !== undefined) tablesIn(schema);
  const named = ['undefined', 'string', 'symbol', 'function'].includes(typeof dataSource);
  if (named || isDataSource(dataSource)) return;
  throw invalid('dataSource is neither a DataSource, nor an injection token, nor a name');
}

/** Also one of another copy of TypeORM. */
function isDataSource(value: unknown): value is DataSource {
  return typeof (value as DataSource | null)?.createQueryRunner === 'function';
}

/** As @nestjs/typeorm names them: the class for the unnamed one, `<name>DataSource` for the others. */
function tokenOf(dataSource: Exclude<TypeOrmStorageOptions['dataSource'], DataSource>): unknown {
  if (dataSource === undefined || dataSource === 'default') return DataSource;
  return typeof dataSource === 'string' ? `${dataSource}DataSource` : dataSource;
}
