/**
 * Cases 34 and 35: ids and texts that databases merge, refuse, or obey.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { effectsSql } from '../harness/observe.sql.js';
import { consume, type Ground, layOut, ledgerMessage, produce } from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import { nobody } from '../oracles/observation.js';
import type { Message } from '../record/message.js';

/** Each is an identity of its own. */
const distinctIds: readonly string[] = [
  'abc',
  'Abc',
  'ABC',
  'aBC',
  '\u00e9',
  'e\u0301',
  'e',
  'x',
  'x ',
  ' x',
  'x\t',
  'x\u00a0',
  'a\0b',
  'a\0c',
  'ß',
  'ss',
  'ﬀ',
  'ff',
  '𝒳',
  '0',
  '00',
  '0.0',
  'null',
  'undefined',
  'NaN',
  '__proto__',
  'constructor',
  'i',
  'ı',
  'İ',
  'I',
  '１',
  '1',
  '\ufeff1',
  `${'y'.repeat(10_239)}1`,
  `${'y'.repeat(10_239)}2`,
  `${'é'.repeat(5_119)}12`,
];

/** Cannot serve as an identity. */
const badIds: readonly (string | Uint8Array | null)[] = [
  null,
  '',
  'z'.repeat(10_241),
  `${'é'.repeat(5_120)}1`,
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0x61, 0xff, 0x62]),
  Buffer.from([0xc0, 0xaf]),
];

const hostileTexts: readonly string[] = [
  "'; DROP TABLE effect_one; --",
  '"; DROP TABLE eo_inbox; --',
  "x'); DELETE FROM eo_outbox; --",
  '$1',
  '$$',
  "\\'; COMMIT; --",
  '%s%n',
  '#{jndi:ldap://x}',
  '{{7*7}}',
  '<script>',
  '\\u0000',
  '/* */',
  "E'\\\\'",
  "'; ROLLBACK; --",
  ';COMMIT',
  'COPY eo_inbox TO PROGRAM',
  '../../etc/passwd',
  "' OR '1'='1",
];

/** Produces and handles them; true where all of them really stood on the topic. */
async function handled(stage: Stage, ground: Ground, messages: readonly Message[]): Promise<boolean> {
  const ordered = stage.random.shuffled(messages);
  consume(stage, ground);
  await produce(stage, ordered);
  await stage.drained();
  return (await stage.recordsIn(inputType)) === messages.length;
}

const hostileIds: FaultCase = {
  number: 34,
  fault: 'Ids: missing, empty, 10 KB, NUL, lone surrogate, e/é, trailing blank, case variants',
  looksFor: 'distinct ones never merge',
  run: async (stage) => {
    const ground = await layOut(stage);
    const good = distinctIds.map((id, index) => ledgerMessage(stage, { id, key: `key-${index}` }));
    const bad = badIds.map((id, index) => refused(ledgerMessage(stage, { id, key: `bad-${index}` })));
    const stood = await handled(stage, ground, [...good, ...bad]);
    stage.fault(`${good.length} look-alikes and ${bad.length} ids that are none`, stood);
  },
};

/** Nobody's handler can be given it. */
function refused(message: Message): Message {
  return { ...message, attempt: { ...message.attempt, id: null, fates: { [nobody]: 'dead-letter' } } };
}

const hostileSql: FaultCase = {
  number: 35,
  fault: 'SQL in ids, topics, headers, sources, keys and types',
  looksFor: 'stored verbatim, tables intact',
  run: async (stage) => {
    const ground = await layOut(stage, { prefix: 'faults--drop.table_x' });
    const messages = hostileTexts.flatMap((text, index) => [
      ledgerMessage(stage, { id: text, key: `id-${index}`, headers: { note: text } }),
      ledgerMessage(stage, { source: text, key: `source-${index}`, headers: { note: `${index}` } }),
      ledgerMessage(stage, { key: text, headers: { note: text, [text]: text } }),
      unhandledType(stage, text),
    ]);
    const stood = await handled(stage, ground, messages);
    const rows = await stage.database.query(effectsSql('effect_one'));
    const notes = new Map(rows.map(({ message, note }) => [message, note]));
    const asked = messages.filter(({ headers }) => headers['note'] !== undefined);
    const wrong = asked.filter(
      ({ attempt, headers }) =>
        notes.get(attempt.message) !== Buffer.from(headers['note']!, 'hex').toString(),
    );
    stage.check(`headers are stored verbatim (${wrong.length} are not)`, wrong.length === 0);
    stage.fault(`${hostileTexts.length} hostile texts in four places`, stood);
  },
};

function unhandledType(stage: Stage, type: string): Message {
  const topic = stage.topics[inputType]!;
  return stage.mint.make({ type, topic, key: 'type', fates: { [nobody]: 'dead-letter' } });
}

export const hostileInputCases: readonly FaultCase[] = [hostileIds, hostileSql];
