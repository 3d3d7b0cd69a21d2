/**
 * `exactly-once status`: how much waits, where, and for whom. Reads only: what each service has in hand is not seen
 * before it commits.
 */
import type { DeadLetterCount, FencePosition, OutboxDepth, ParkedCount, Storage } from '@exactly-once/core';
import { withPositions } from './broker-positions.js';
import { type KafkaPlaceOptions, kafkaClientOptions, kafkaPlace } from './kafka-client-options.js';
import { databaseCommand, onStorage, type PlaceOptions } from './on-storage.js';
import { counted, jsonText, print } from './output.js';
import { table } from './plain-table.js';

type StatusOptions = PlaceOptions & KafkaPlaceOptions;

interface Position extends FencePosition {
  /** `null` where the end of the log is not known. */
  readonly lag: bigint | null;
}

interface Status {
  readonly outbox: OutboxDepth;
  readonly parked: readonly ParkedCount[];
  readonly deadLetters: readonly DeadLetterCount[];
  readonly positions: readonly Position[];
}

const examples = `
Examples:
  exactly-once status --url postgres://app@db.example/payments
  exactly-once status --brokers kafka-1:9092,kafka-2:9092
  exactly-once status --json | jq '.outbox.pending'

The lag of a partition is what is behind its position in the log: known where the database is the broker, and where
--brokers or --client say how to ask Kafka. "-" is not known. Records that nobody sees (markers of Kafka's transactions)
count.

Exit codes:
  0  done, whatever waits
  1  it failed; the message says why
  2  the command line is wrong; nothing was begun`;

export function statusCommand() {
  return kafkaPlace(databaseCommand('status'))
    .summary('show what waits, where, and for whom')
    .description(
      'Shows the depth of the outbox, what is parked and dead for each handler, and where each group stands.',
    )
    .addHelpText('after', examples)
    .action((options: StatusOptions) =>
      onStorage('status', options, async (storage) => {
        const status = await statusOf(storage, options);
        print(options.json ? jsonText(status) : textOf(status));
      }),
    );
}

async function statusOf(storage: Storage, options: StatusOptions): Promise<Status> {
  const { outbox, overview } = storage;
  const positions = await overview.positions();
  const ends = await endsOf(storage, positions, options);
  return {
    outbox: await outbox.depth(),
    parked: await overview.parked(),
    deadLetters: await overview.deadLetters(),
    positions: positions.map((one) => {
      const end = ends.get(`${one.topic}/${one.partition}`);
      return { ...one, lag: end === undefined ? null : end - one.nextOffset };
    }),
  };
}

/** A topic that stands in the database is the database broker's. */
async function endsOf(
  storage: Storage,
  positions: readonly FencePosition[],
  options: StatusOptions,
): Promise<ReadonlyMap<string, bigint>> {
  const client = await kafkaClientOptions('exactly-once-status', options);
  const topics = [...new Set(positions.map(({ topic }) => topic))];
  const own = await storage.log.ends(topics);
  const others = topics.filter((topic) => !own.some((end) => end.topic === topic));
  const ends = new Map(own.map(({ topic, partition, next }) => [`${topic}/${partition}`, next]));
  if (client === null || others.length === 0) return ends;
  const groupOf = new Map(positions.map(({ topic, group }) => [topic, group]));
  return withPositions(client, storage, 'exactly-once-status', async (kafka) => {
    for (const topic of others) {
      const standing = await kafka.standing(groupOf.get(topic)!, topic);
      for (const [partition, { high }] of standing) ends.set(`${topic}/${partition}`, high);
    }
    return ends;
  });
}

function textOf({ outbox, parked, deadLetters, positions }: Status): string {
  const oldest = outbox.pending === 0 ? '' : `, the oldest for ${Math.ceil(outbox.oldestAgeMs / 1_000)} s`;
  const parts = [
    `Outbox: ${counted(outbox.pending, 'event')} pending${oldest}, ${outbox.dead} dead`,
    section(
      'Parked',
      ['HANDLER', 'KEYS', 'EVENTS'],
      parked.map(({ handler, keys, events }) => [handler, keys, events]),
    ),
    section(
      'Dead letters',
      ['HANDLER', 'CODE', 'LETTERS'],
      deadLetters.map(({ handler, code, letters }) => [handler ?? '-', code, letters]),
    ),
    section(
      'Positions',
      ['GROUP', 'TOPIC', 'PARTITION', 'NEXT', 'LAG', 'OWNER'],
      positions.map((one) => [
        ...[one.group, one.topic, one.partition, one.nextOffset],
        ...[one.lag ?? '-', one.clean ? '-' : one.owner],
      ]),
    ),
  ];
  return parts.join('\n');
}

function section(title: string, heads: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return rows.length === 0 ? `${title}: none` : `${title}:\n${table(heads, rows)}`;
}
