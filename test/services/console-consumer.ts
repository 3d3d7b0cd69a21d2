/**
 * Kafka's own console consumer: a reader that shares nothing with what it is to check. Markers of transactions and
 * aborted records are offsets without a record, so that it cannot count to the end: the position that it commits for a
 * group of its own tells when it has passed the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaClasspath } from './kafka-broker.js';

export interface DumpedRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
}

export interface DumpOptions {
  readonly isolation: 'read_committed' | 'read_uncommitted';
}

interface Reading extends DumpOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  /** Records after which it ends. */
  readonly count: number;
  /** Whether the group's position has passed the end. */
  readonly passed: () => Promise<boolean>;
}

const formatting = [
  ...['partition', 'offset', 'key', 'headers'].map((name) => `print.${name}=true`),
  'print.timestamp=false',
  'key.separator=\u0001',
  'headers.separator=\u0002',
  'null.literal=\u0003',
  'line.separator=\u0004',
];

const java = 'java';

/** Milliseconds that it may take: to start, and for each record; and without a record, where a transaction stays open. */
const patienceMs = { start: 120_000, record: 0.2, silence: 20_000 };

/** Gives each record to `take`, in the order of each partition. Rejects where the reader does not end well, or in time. */
export async function readRecords(reading: Reading, take: (record: DumpedRecord) => void): Promise<void> {
  const { brokers, topic, group, count, isolation } = reading;
  const reader = spawn(
    java,
    [
      ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', await kafkaClasspath()],
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
      ...['--isolation-level', isolation, '--timeout-ms', String(patienceMs.silence)],
      ...['--max-messages', String(count), '--group', group],
      ...['enable.auto.commit=true', 'auto.commit.interval.ms=100'].flatMap((property) => [
        '--command-property',
        property,
      ]),
      ...formatting.flatMap((property) => ['--formatter-property', property]),
    ],
    { timeout: Math.ceil(patienceMs.start + count * patienceMs.record) },
  );
  let said = '';
  reader.stderr.setEncoding('utf8').on('data', (text) => {
    said = `${said}${text}`.slice(-2_000);
  });
  const ended = once(reader, 'close');
  ended.catch(() => undefined); // awaited below, after what it has written
  const watch = watchFor(reading.passed, () => reader.kill());
  let rest = '';
  for await (const text of reader.stdout.setEncoding('utf8')) {
    const lines = `${rest}${text}`.split('\u0004');
    rest = lines.pop()!;
    for (const line of lines) if (line.includes('\u0001')) take(parseLine(line));
  }
  const [code, signal] = await ended;
  const passed = await watch.end();
  if (code !== 0 && !passed) throw new Error(`the console consumer ended with ${signal ?? code}: ${said}`);
}

/** Asks time and again, until told to end or until it is so. */
function watchFor(condition: () => Promise<boolean>, met: () => void): { end(): Promise<boolean> } {
  let open = true;
  const watching = (async () => {
    while (open) {
      await sleep(100);
      if (!(await condition())) continue;
      met();
      return true;
    }
    return false;
  })();
  watching.catch(met);
  return {
    end: () => {
      open = false;
      return watching;
    },
  };
}

/** `Partition:0<sep>Offset:3<sep>headers<sep>key<sep>value`, in the order in which the formatter prints. */
function parseLine(line: string): DumpedRecord {
  const fields = line.split('\u0001');
  const partition = Number(fields[0]!.replace('Partition:', ''));
  const offset = BigInt(fields[1]!.replace('Offset:', ''));
  const [, , headers, key, ...value] = fields;
  return {
    partition,
    offset,
    key: orNull(key!),
    headers: parseHeaders(headers!),
    value: orNull(value.join('\u0001')),
  };
}

function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  if (text === 'NO_HEADERS') return headers;
  for (const pair of text.split('\u0002')) {
    const colon = pair.indexOf(':');
    headers[pair.slice(0, colon)] = pair.slice(colon + 1);
  }
  return headers;
}

function orNull(text: string): string | null {
  return text === '\u0003' ? null : text;
}
