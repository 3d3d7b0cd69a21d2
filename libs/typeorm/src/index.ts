/**
 * Storage on TypeORM.
 *
 * ```ts
 * ExactlyOnceModule.forRoot({ service: 'payments', unhandled: 'skip', storage: typeOrmStorage({ migrate: true }) })
 * ```
 */
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  embeddedPostgres,
} from './embedded/embedded-postgres.js';
export { type MigrationOptions, migrationSql, runMigrations } from './migrations.js';
export { schemaVersion } from './postgres/migrator.js';
export { storageOn, type TypeOrmStorageOptions, typeOrmStorage } from './typeorm-storage.js';
