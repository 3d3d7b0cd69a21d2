/**
 * Case 36: events that are too large, too deep, or have too many headers, and names that objects have already.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { deadLettersSql, refusedSql } from '../harness/observe.sql.js';
import { consume, layOut, ledgerMessage, ledgerMessages, startProducer } from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import type { WorkerProcess } from '../harness/worker-process.js';
import { nobody } from '../oracles/observation.js';
import type { Message } from '../record/message.js';
import { passedOnType } from '../worker/worker-plan.js';

const depth = 100_000;
const headerCount = 10_000;
/** Of a record in Kafka (1,048,588 with all that is around it), unless the topic says otherwise. */
const kafkaLimit = 1_048_588;
/** Of the body, so that all the rest of the record has room. */
const nearLimit = { kafka: kafkaLimit - 2_000, database: 5_000_000 };
/** Megabytes of heap that a consumer gets. */
const maxHeapMb = 128;
/** Of a megabyte each; as much as would show, if it were all in memory at once. */
const backlogCount = { kafka: 300, database: 500 };
/**
 * Bytes by which a consumer may grow: half of the backlog and less. PostgreSQL sends a body as text, two digits a byte, so that
 * an event of 5 MB stands in memory five times over while it is read.
 */
const mayGrow = { kafka: 150_000_000, database: 250_000_000 };

const hostileRest = '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}';
/** Own property: a literal would set the prototype. */
const hostileHeaders = JSON.parse('{"__proto__":"mine","constructor":"mine","toString":"mine"}');

/** A body of about so many bytes. */
function large(stage: Stage, bytes: number, changes: Parameters<typeof ledgerMessage>[1]): Message {
  return ledgerMessage(stage, { ...changes, rest: JSON.stringify('x'.repeat(bytes - 400)) });
}

/**
 * What a handler passes on is larger than Kafka takes (the database takes it); others of the key come behind it, to
 * another topic. Each has a key of its own: what is refused holds its topic's key back until somebody decides.
 */
function tooLarge(stage: Stage): Message[] {
  const { random } = stage;
  return Array.from({ length: random.between(1, 3) }, (_, index) => {
    const key = `passed-on ${index}`;
    const act = { kind: 'pass-on', bytes: random.between(kafkaLimit, 3 * kafkaLimit) } as const;
    return [ledgerMessage(stage, { key, act }), ledgerMessage(stage, { key })];
  }).flat();
}

function nearTheLimit(stage: Stage): Message[] {
  const bytes = nearLimit[stage.broker.name];
  const fail = { kind: 'fail', tellAll: true } as const;
  return [
    large(stage, bytes, { key: 'large' }),
    large(stage, bytes, { key: 'large', act: fail, fate: 'dead-letter' }),
    large(stage, bytes, { key: 'large' }),
  ];
}

/** Handled, passed on, given up. */
function manyHeaders(stage: Stage): Message[] {
  const names = Array.from({ length: headerCount }, (_, index) => `header-${index}`);
  const headers = Object.fromEntries(names.map((name) => [name, stage.random.pick(['', 'v', 'value'])]));
  return [
    ledgerMessage(stage, { key: 'headers', headers }),
    ledgerMessage(stage, { key: 'headers', headers, act: { kind: 'pass-on', bytes: 0 } }),
    ledgerMessage(stage, { key: 'headers', headers, act: { kind: 'fail' }, fate: 'dead-letter' }),
  ];
}

/** JSON.parse reads it to any depth; what recurses over it does not, and must not take the process with it. */
function deep(stage: Stage): Message[] {
  const nested = (inner: string) => '['.repeat(depth) + inner + ']'.repeat(depth);
  return [
    ledgerMessage(stage, { key: 'deep-1', rest: nested(''), fate: 'either' }),
    ledgerMessage(stage, {
      ...{ key: 'deep-2', rest: nested(''), fate: 'dead-letter' },
      act: { kind: 'pass-on', bytes: 0 },
    }),
    ledgerMessage(stage, { key: 'deep-3', rest: nested('"\\u0061"'), fate: 'dead-letter' }),
    ledgerMessage(stage, { key: 'deep-4', rest: '['.repeat(depth), fate: 'dead-letter' }),
    ledgerMessage(stage, { key: 'deep-5', rest: '{"a":'.repeat(depth), fate: 'dead-letter' }),
  ];
}

function prototypeNames(stage: Stage): Message[] {
  const act = { kind: 'merge' } as const;
  const [topic, fates] = [stage.topics[inputType]!, { [nobody]: 'dead-letter' as const }];
  return ['__proto__', 'constructor', 'toString'].flatMap((name) => [
    ledgerMessage(stage, { key: name, source: name, rest: hostileRest, headers: hostileHeaders, act }),
    stage.mint.make({ type: name, topic, key: 'type', fates }),
  ]);
}

function backlog(stage: Stage): Message[] {
  return Array.from({ length: backlogCount[stage.broker.name] }, (_, index) =>
    large(stage, 1_000_000, { key: `backlog-${index % 8}` }),
  );
}

async function overTheLimit(stage: Stage, messages: readonly Message[], copied: number): Promise<void> {
  const rows = await stage.database.query(refusedSql);
  const asked = messages.filter(({ body }) => body.includes('"pass-on"')).length;
  const refused = stage.broker.name === 'kafka' ? asked : 0;
  const [topic, standing] = [stage.topics[passedOnType], await stage.recordsIn(passedOnType)];
  stage.fault(
    `${asked} events of a handler are larger than Kafka takes`,
    standing + rows.length === asked + copied,
  );
  stage.check(`${refused} are refused with a reason (${JSON.stringify(rows)})`, rows.length === refused);
  for (const row of rows) {
    const known = row.topic === topic && row.reason === 'MESSAGE_TOO_LARGE' && row.bytes >= kafkaLimit;
    stage.check(`what was refused says why: ${JSON.stringify(row)}`, known);
  }
}

async function lettersAreWhole(stage: Stage, given: readonly Message[]): Promise<void> {
  const letters = await stage.database.query(deadLettersSql);
  for (const { body, headers } of given) {
    const letter = letters.find((one) => String(one.body) === body);
    const stored = new Map<string, string>(letter === undefined ? [] : JSON.parse(String(letter.headers)));
    const wrong = Object.entries(headers).filter(
      ([name, hex]) => stored.get(name) !== Buffer.from(hex, 'hex').toString(),
    );
    stage.check(
      `a dead letter of ${body.length} bytes and ${Object.keys(headers).length} headers is whole (${wrong.length} are not)`,
      letter !== undefined && wrong.length === 0,
    );
  }
}

function nothingIsPolluted(stage: Stage): void {
  const seen = stage.evidence().flatMap((line) => {
    return line.kind === 'act' && line.act.startsWith('merged') ? [line.act] : [];
  });
  stage.fault(`${seen.length} bodies with names of the prototype were merged`, seen.length >= 3);
  const wrong = seen.filter((act) => act !== 'merged ,,mine');
  stage.check(`none pollutes an object, each header is read (${wrong})`, wrong.length === 0);
}

async function memoryIsBounded(stage: Stage, consumer: WorkerProcess): Promise<void> {
  await stage.quiet();
  const found = stage.evidence().find((line) => line.kind === 'memory' && line.worker === consumer.name);
  if (found?.kind !== 'memory') {
    stage.check('the consumer told its memory at its end', false);
    return;
  }
  const grown = found.most - found.atStart;
  Object.assign(stage.measured, { 'MB at start': mb(found.atStart), 'MB more at most': mb(grown) });
  const most = mayGrow[stage.broker.name];
  stage.check(`the consumer grew by ${mb(most)} MB at most (${mb(grown)})`, grown <= most);
}

function mb(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}

export const excessiveInputCase: FaultCase = {
  number: 36,
  fault: "Payload over the broker's limit, 10,000 headers, `__proto__` keys, deep JSON",
  looksFor: 'bounded memory, dead letter fits too',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage, { outputTypes: [passedOnType] });
    const [refused, near, headers] = [tooLarge(stage), nearTheLimit(stage), manyHeaders(stage)];
    const hostile = [refused, near, headers, deep(stage), prototypeNames(stage)];
    const neighbours = () => ledgerMessages(stage, ground, random.between(5, 10));
    const mixed = random.shuffled(hostile).flatMap((group) => [...neighbours(), ...group]);
    const messages = [...backlog(stage), ...mixed, ...neighbours()];
    await stage.finished(await startProducer(stage, messages, 1));
    const consumer = consume(stage, ground, { maxHeapMb });
    await stage.drained();
    const standing = await stage.recordsIn(inputType);
    stage.fault(`${standing} records, ${mb(bytesOf(messages))} MB`, standing === messages.length);
    await overTheLimit(stage, refused, 1);
    await lettersAreWhole(stage, [near[1]!, headers[2]!]);
    nothingIsPolluted(stage);
    await memoryIsBounded(stage, consumer);
  },
};

function bytesOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { body }) => sum + body.length, 0);
}
