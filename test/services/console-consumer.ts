/**
 * Kafka's own console consumer: a reader that shares nothing with what it is to check.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
  /** Milliseconds without a record after which it ends. Default 20,000. */
  readonly quietMs?: number;
}

interface Reading extends DumpOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Records after which it ends. */
  readonly count: number;
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

/** Milliseconds that it may take: to start, and for each record. */
const patienceMs = { start: 120_000, record: 0.2 };

/** Gives each record to `take`, in the order of each partition. Rejects where the reader does not end well, or in time. */
export async function readRecords(reading: Reading, take: (record: DumpedRecord) => void): Promise<void> {
  const { brokers, topic, count, isolation, quietMs = 20_000 } = reading;
  const reader = spawn(
    java,
    [
      ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', await kafkaClasspath()],
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
      ...['--isolation-level', isolation, '--timeout-ms', String(quietMs)],
      ...['--max-messages', String(count)],
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
  let rest = '';
  for await (const text of reader.stdout.setEncoding('utf8')) {
    const lines = `${rest}${text}`.split('\u0004');
    rest = lines.pop()!;
    for (const line of lines) if (line.includes('\u0001')) take(parseLine(line));
  }
  const [code, signal] = await ended;
  if (code !== 0) throw new Error(`the console consumer ended with ${signal ?? code}: ${said}`);
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
