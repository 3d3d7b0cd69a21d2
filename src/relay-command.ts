/**
 * `exactly-once relay`: publishes an outbox to Kafka from a process of its own, beside applications that say `relay: false`.
 * Several may run: they share the work by leases in the database. Handles no event, and forgets none.
 */
import { Engine, ExactlyOnceError, type Logger } from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { storageOn } from '@exactly-once/typeorm';
import { Command, InvalidArgumentError, Option } from 'commander';
import { connect } from './connect.js';
import { type KafkaPlaceOptions, kafkaClientOptions, kafkaPlace } from './kafka-client-options.js';

interface RelayCommandOptions extends KafkaPlaceOptions {
  readonly url?: string;
  readonly schema?: string;
  readonly batch?: number;
  readonly lease?: number;
  readonly poll?: number;
  readonly bytes?: number;
  readonly holdBack?: number;
  readonly archive?: number;
  readonly transactional?: boolean;
  readonly outboxPrefix?: string;
}

const examples = `
Examples:
  exactly-once relay --url postgres://app@db.example/payments --brokers kafka-1:9092,kafka-2:9092
  DATABASE_URL=… KAFKA_BROKERS=… exactly-once relay --client kafka-client.json

--client names a JSON file of kafkajs's own client options, for TLS and SASL:
  { "ssl": true, "sasl": { "mechanism": "scram-sha-512", "username": "relay", "password": "…" } }

With --transactional a reader of read_committed sees each event once, from when on every relay of this outbox, in
applications too, is transactional. What it names at Kafka begins with --outbox-prefix.

It runs until SIGTERM or Ctrl-C, then gives its leases up; what it was sending is settled first. A database or a
broker out of reach is tried again. The application's own role is enough.`;

/** Its queries, its leases, and what the engine asks beside them. */
const poolSize = 4;

export function relayCommand(): Command {
  return kafkaPlace(new Command('relay'))
    .summary('publish the outbox to Kafka')
    .description('Publishes the outbox of a database to Kafka until it is ended. Several share the work.')
    .addOption(
      new Option('--url <url>', 'the database, as postgres://user:password@host:port/name').env(
        'DATABASE_URL',
      ),
    )
    .option('--schema <name>', "schema of the tables (default: the role's search path)")
    .option('--batch <rows>', 'most rows in one round, 1 to 10,000', whole, 500)
    .option('--bytes <bytes>', 'most bytes in one round, but for one larger event', whole, 1_000_000)
    .option('--hold-back <ms>', 'longest wait for an open transaction that has published', whole, 1_000)
    .option('--lease <ms>', 'how long a dead relay holds its shards up, from 1,000', whole, 10_000)
    .option('--poll <ms>', 'longest wait between two looks at an idle outbox, from 10', whole, 2_000)
    .option('--archive <ms>', 'how long sent events are kept in eo_outbox_archive', whole, 0)
    .option('--transactional', 'put each event onto its topic exactly once, in Kafka transactions')
    .option('--outbox-prefix <name>', 'with what its names at Kafka begin (default: exactly-once.outbox)')
    .addHelpText('after', examples)
    .showHelpAfterError('Run "exactly-once help relay" for help.')
    .allowExcessArguments(false)
    .exitOverride()
    .action(relay);
}

async function relay(given: RelayCommandOptions): Promise<void> {
  const { url, schema, batch: batchSize, lease: leaseMs, poll: maxPollMs, archive: archiveMs } = given;
  if (url === undefined) throw missing('--url or DATABASE_URL');
  const { transactional = false, outboxPrefix, bytes, holdBack } = given;
  const client = await kafkaClientOptions('exactly-once-relay', given);
  if (client === null) throw missing('--brokers or KAFKA_BROKERS');
  const broker = await kafkaBroker({ client, ...(outboxPrefix && { outboxPrefix }) }).create();
  const dataSource = await connect(url, poolSize);
  try {
    const engine = new Engine({
      service: 'exactly-once-relay',
      storage: storageOn(dataSource, schema === undefined ? {} : { schema }),
      broker,
      handlers: [],
      types: [],
      unhandled: 'skip',
      relay: {
        ...{ batchSize: batchSize!, leaseMs: leaseMs!, maxPollMs: maxPollMs!, archiveMs: archiveMs! },
        ...{ maxBytes: bytes!, holdBackMs: holdBack! },
        transactional,
      },
      retention: false,
      logger: toStderr,
    });
    try {
      const told = toldToEnd();
      await engine.start();
      toStderr.info('relaying until SIGTERM or Ctrl-C');
      toStderr.info(`told to end by ${await told}`);
    } finally {
      await engine.stop();
    }
  } finally {
    await dataSource.destroy();
  }
}

function toldToEnd(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

function missing(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_MISSING', `relay needs ${what}`);
}

function whole(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new InvalidArgumentError('It is no whole number.');
  return Number(text);
}

const line = (level: string) => (message: string) => {
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}\n`);
};

const toStderr: Logger = { error: line('error'), warn: line('warn'), info: line('info'), debug: () => {} };
