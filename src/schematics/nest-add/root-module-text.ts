/**
 * What stands in the root module: the database, and the framework with the options that are asked for most, as comments.
 * A spec takes the comments off and compiles the rest, so no option is named that there is not.
 */
import type { Choices } from './packages.js';

/** Of development, unless DATABASE_URL says another. */
export const databaseUrl = (service: string) => `postgres://postgres@localhost:5432/${databaseName(service)}`;

export function databaseName(service: string): string {
  return service.replace(/\W/g, '_');
}

interface Place {
  /** Of an embedded database. */
  readonly folder?: string;
  /** The class of the migrations that make the tables where `synchronize` does not. */
  readonly migrations?: string;
}

export function typeOrmText(
  { database }: Choices,
  service: string,
  { folder = './data', migrations }: Place = {},
): string {
  if (database === 'embedded')
    return `TypeOrmModule.forRoot({
  ...embeddedPostgres({ folder: '${folder}' }), // a PostgreSQL inside the process
  autoLoadEntities: true,
  synchronize: true, // tables follow the entities: for trying things out only
})`;
  const migrated = `  migrations: [${migrations}],
  migrationsRun: process.env.NODE_ENV !== 'development',
`;
  return `TypeOrmModule.forRoot({
  type: 'postgres',
  url:
    process.env.DATABASE_URL ??
    '${databaseUrl(service)}',
  autoLoadEntities: true,
  // NODE_ENV=development: tables follow the entities, and may lose columns; else by migrations
  synchronize: process.env.NODE_ENV === 'development',
${migrations === undefined ? '' : migrated}})`;
}

export function exactlyOnceText({ broker, database }: Choices, service: string): string {
  const migrate =
    database === 'embedded'
      ? '  storage: typeOrmStorage({ migrate: true }), // with its tables'
      : `  // its tables; in production \`npx exactly-once migrate\` before a release
  storage: typeOrmStorage({ migrate: process.env.NODE_ENV !== 'production' }),`;
  const brokerText =
    broker === 'kafka'
      ? `  broker: kafkaBroker({
    client: {
      brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
    },
  }),`
      : '  // without a broker events go through the tables of the database';
  return `ExactlyOnceModule.forRoot({
  service: '${service}', // source of events, consumer group, names of handlers
  unhandled: 'skip', // a type without a handler; or 'dead-letter', 'stop'
${migrate}
${brokerText}
  // retry: { attempts: 5, backoffMs: 100 }, // then it is a dead letter
  // retention: { windowDays: 7 }, // how long a copy is known as one
  // batch: { maxEvents: 500 }, // most events that share a transaction
  // startFrom: { orders: 'latest' }, // topics of which a new group skips the past
  // relay: false, // another process publishes the outbox
  // shutdownMs: 10_000, // what running handlers get at shutdown
})`;
}

/** What the two need, by module. */
export function importsOfRootModule(
  { database, broker }: Choices,
  hasTypeOrm: boolean,
): [names: string[], from: string][] {
  return [
    ...(broker === 'kafka' ? [[['kafkaBroker'], '@exactly-once/kafka'] as [string[], string]] : []),
    [['ExactlyOnceModule'], '@exactly-once/nestjs'],
    [
      [...(database === 'embedded' && !hasTypeOrm ? ['embeddedPostgres'] : []), 'typeOrmStorage'],
      '@exactly-once/typeorm',
    ],
    ...(hasTypeOrm ? [] : [[['TypeOrmModule'], '@nestjs/typeorm'] as [string[], string]]),
  ];
}
