/**
 * How an application is made of a module under test: its `forRoot`s replaced, all else as it is. Can be made again, as
 * a process that is started anew.
 */
import { type Clock, ExactlyOnceError, type Storage } from '@exactly-once/core';
import type { InMemoryStorage } from '../in-memory-storage.js';
import { type StorageObserver, watchStorage } from '../watching/watched-storage.js';
import { type ReadModule, readModule } from './module-reading.js';
import { overrideProviders, withOverrides } from './overrides.js';
import {
  type ExactlyOnceOptions,
  type INestMicroservice,
  loadNest,
  loadTypeOrm,
  type NestPeers,
  type Type,
  type TypeOrmModuleOptions,
  type TypeOrmPeers,
} from './peers.js';
import type { TestBroker } from './test-broker.js';
import { TestDatabase } from './test-database.js';
import type { TestOptions } from './test-options.js';

export interface ApplicationParts {
  readonly broker: TestBroker;
  readonly clock: Clock;
  readonly observer: StorageObserver;
  /** Of the framework's tables; `null` without a database. */
  readonly schema: string | null;
  /** Where the module uses no TypeORM: what outlives one run of it. */
  readonly memory: InMemoryStorage;
  /** Consumer group: two of one group would take each other's events away. */
  readonly group: string;
}

export interface MadeApplication {
  readonly nest: INestMicroservice;
  readonly storage: Storage;
}

/** Milliseconds that a handler gets when its application ends. */
export const graceMs = 1_000;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export class Recipe {
  readonly #module: ReadModule;
  readonly #nest: NestPeers;
  readonly #typeOrm: TypeOrmPeers | null;
  #hasTables = false;

  private constructor(
    readonly options: TestOptions,
    module: ReadModule,
    nest: NestPeers,
    typeOrm: TypeOrmPeers | null,
    /** `null`: the module uses no TypeORM, and its storage is in memory. */
    readonly database: TestDatabase | null,
  ) {
    this.#module = module;
    this.#nest = nest;
    this.#typeOrm = typeOrm;
  }

  /** Throws EO_OPTION_INVALID, EO_PACKAGE_MISSING; what the database's connection gives passes through. */
  static async of(given: unknown, options: TestOptions): Promise<Recipe> {
    const nest = await loadNest();
    const module = await readModule(given, nest, options);
    const typeOrm = module.usesTypeOrm ? await loadTypeOrm() : null;
    const database = typeOrm && (await TestDatabase.open(typeOrm, ownDatabase(options, module)));
    return new Recipe(options, module, nest, typeOrm, database);
  }

  get engine(): Partial<ExactlyOnceOptions> {
    return { ...this.#module.exactlyOnce, ...this.options.exactlyOnce };
  }

  /** Throws what the module's start gives. */
  async make(parts: ApplicationParts): Promise<MadeApplication> {
    const { common, core, exactlyOnce } = this.#nest;
    const storage: { made: Storage | null } = { made: null };
    const { override = [] } = this.options;
    const imports = [...((this.options.imports ?? []) as Type[]), ...(this.#module.imports as Type[])];
    class TestedModule {}
    common.Module({
      imports: [
        ...this.#typeOrmRoot(),
        exactlyOnce.ExactlyOnceModule.forRoot(this.#exactlyOnceOptions(parts, storage)),
        ...imports,
      ],
      controllers: this.#module.controllers as Type[],
      providers: withOverrides(this.#module.providers, override) as Type[],
    })(TestedModule);
    const restore = await overrideProviders(imports, this.#module.providers, override);
    const nest = await core.NestFactory.createMicroservice(TestedModule, {
      ...exactlyOnce.exactlyOnce(),
      logger: false,
      abortOnError: false,
    }).finally(restore);
    try {
      this.options.configure?.(nest);
      await nest.listen();
    } catch (error) {
      await nest.close();
      throw error;
    }
    this.#hasTables = true;
    return { nest, storage: storage.made! };
  }

  #typeOrmRoot(): Type[] {
    if (this.#typeOrm === null || this.database === null) return [];
    const { migrations } = this.options;
    const { options } = this.database;
    const own = { ...this.#module.typeOrm, ...this.options.typeOrm };
    const { entities, subscribers, namingStrategy, entityPrefix } = own as Record<string, unknown>;
    const embedded =
      typeof (this.options.database ?? 'embedded') === 'string' && this.options.database !== 'own';
    const tables =
      migrations === undefined
        ? { synchronize: embedded && !this.#hasTables }
        : { migrations, migrationsRun: !this.#hasTables, synchronize: false };
    const root = {
      ...Object.fromEntries(
        Object.entries({ entities, subscribers, namingStrategy, entityPrefix }).filter(
          ([, one]) => one !== undefined,
        ),
      ),
      autoLoadEntities: true,
      retryAttempts: 0,
      ...options,
      ...(embedded || migrations !== undefined ? tables : {}),
      ...(this.#hasTables ? { dropSchema: false } : {}),
    } as TypeOrmModuleOptions;
    return [this.#typeOrm.nest.TypeOrmModule.forRoot(root) as unknown as Type];
  }

  #exactlyOnceOptions(
    { broker, clock, observer, schema, group, memory }: ApplicationParts,
    storage: { made: Storage | null },
  ): ExactlyOnceOptions {
    const keep = (made: Storage): Storage => {
      storage.made = watchStorage(made, observer);
      return storage.made;
    };
    const typeOrm = this.#typeOrm;
    return {
      service: 'test',
      unhandled: 'skip',
      logger: quiet,
      ...this.engine,
      group,
      clock: broker.clockOn(clock),
      random: () => 1 - Number.EPSILON,
      relay: false,
      retention: false,
      shutdownMs: graceMs,
      broker: { inject: [], create: () => broker },
      storage:
        typeOrm === null
          ? { inject: [], create: () => keep(memory) }
          : {
              inject: [typeOrm.nest.getDataSourceToken()],
              create: (dataSource) =>
                keep(
                  typeOrm.storage.storageOn(dataSource, {
                    migrate: true,
                    ...(schema === null ? {} : { schema }),
                  }),
                ),
            },
    };
  }
}

/** `null` is the embedded one. */
function ownDatabase(
  { database = 'embedded' }: TestOptions,
  { typeOrm }: ReadModule,
): TypeOrmModuleOptions | null {
  if (database === 'embedded') return null;
  if (database !== 'own') return database as TypeOrmModuleOptions;
  if (typeOrm !== null) return typeOrm;
  const what =
    "testExactlyOnce(): `database: 'own'`, and the module has no TypeOrmModule.forRoot() with plain options";
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}
