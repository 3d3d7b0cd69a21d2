/**
 * Cases 21, 23 and 46: what is the same event, and what is not.
 */
import { bodyFingerprint } from '@exactly-once/core';
import type { FaultCase } from '../harness/fault-case.js';
import { deadLettersSql } from '../harness/observe.sql.js';
import {
  consume,
  layOut,
  layOutInAnyForm,
  ledgerMessage,
  ledgerMessages,
  produce,
} from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import type { Message } from '../record/message.js';

/** As an operator does it: by number, or with the broker's own word for the beginning. */
async function resetToEarliest(stage: Stage): Promise<void> {
  const { broker, group } = stage;
  const topic = stage.topics[inputType]!;
  const before = [...(await broker.committed(group, topic)).values()].reduce((sum, one) => sum + one, 0n);
  const byNumber = stage.random.chance(0.5);
  Object.assign(stage.schedule, { reset: byNumber ? 'offset 0' : 'earliest' });
  await broker.rewind(group, topic, byNumber);
  const after = [...(await broker.committed(group, topic)).values()];
  stage.fault(
    `offsets reset from ${before} to the beginning`,
    before > 0n && after.every((one) => one <= 0n),
  );
}

const replay: FaultCase = {
  number: 21,
  fault: 'Offsets reset to earliest, full replay',
  looksFor: 'D',
  run: async (stage) => {
    const ground = await layOutInAnyForm(stage);
    const consumer = consume(stage, ground);
    await produce(stage, ledgerMessages(stage, ground, stage.random.between(60, 150)));
    await stage.drained();
    const complaint = await consumer.terminate();
    if (complaint !== null) stage.stuck.push(complaint);
    await stage.eventually('the group is empty', () => stage.broker.isAbandoned(stage.group));
    await resetToEarliest(stage);
    const more = ledgerMessages(stage, ground, stage.random.between(0, 20));
    consume(stage, ground, { maxEvents: stage.random.pick([1, 20, 500]) });
    await produce(stage, more);
    await stage.drained();
  },
};

const [first, second, third] = [
  'ledger/First.record',
  'ledger/Second.record',
  'ledger/Third.record',
] as const;
const otherType = 'ledger.other';

const sameIdElsewhere: FaultCase = {
  number: 23,
  fault: 'Same id from another source, of another topic, for another handler',
  looksFor: 'L: all run',
  run: async (stage) => {
    const { random } = stage;
    const commit = random.pick(['batch', 'event'] as const);
    const handlers = [
      { name: first, type: inputType, commit },
      { name: second, type: inputType, commit },
      { name: third, type: otherType, commit },
    ];
    const ground = await layOut(stage, { handlers, extraTypes: [otherType] });
    const sources = ['shop', 'shop ', 'Shop', 'shop/ledger'];
    const ids = Array.from({ length: random.between(5, 15) }, (_, index) => `order-${index}`);
    const messages = ids.flatMap((id) =>
      sources.flatMap((source) => {
        const key = random.pick(ground.keys);
        const [topic, other] = [stage.topics[inputType]!, stage.topics[otherType]!];
        return [
          stage.mint.make({
            ...{ type: inputType, topic, id, source, key },
            fates: { [first]: 'effect', [second]: 'effect' },
          }),
          stage.mint.make({ type: otherType, topic: other, id, source, key, fates: { [third]: 'effect' } }),
        ];
      }),
    );
    consume(stage, ground);
    await produce(stage, messages);
    await stage.drained();
    const distinct = new Set(messages.map(({ attempt }) => attempt.id)).size;
    const records = (await stage.recordsIn(inputType)) + (await stage.recordsIn(otherType));
    stage.fault(
      `${records} events share ${distinct} ids`,
      records === messages.length && distinct === ids.length,
    );
  },
};

const otherBody: FaultCase = {
  number: 46,
  fault: 'Same id, other body',
  looksFor: 'dead-lettered with both fingerprints',
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage);
    const originals = ledgerMessages(stage, ground, random.between(15, 30));
    const reused = random.shuffled(originals).slice(0, random.between(3, 8));
    const changed = reused.map((one) =>
      ledgerMessage(stage, { id: one.id!, key: one.key, fate: 'dead-letter' }),
    );
    const late = random.chance(0.5);
    const consumer = consume(stage, ground);
    await produce(stage, late ? originals : [...originals, ...changed]);
    if (late) {
      await stage.drained();
      await consumer.terminate();
      consume(stage, ground);
      await produce(stage, [...changed, ...random.shuffled(changed).slice(0, 2)]);
    }
    await stage.drained();
    const letters = await stage.database.query(deadLettersSql);
    stage.fault(
      `${changed.length} ids were reused`,
      letters.some(({ code }) => code === 'EO_ID_REUSED'),
    );
    for (const [index, one] of changed.entries()) {
      const told = letters.some(
        ({ code, error_chain: chain }) => code === 'EO_ID_REUSED' && hasPrints(chain, [one, reused[index]!]),
      );
      stage.check(`the letter of ${one.id} names both fingerprints`, told);
    }
  },
};

function hasPrints(chain: readonly string[], messages: readonly Message[]): boolean {
  const text = chain.join('\n');
  return messages.every(({ body }) =>
    text.includes(Buffer.from(bodyFingerprint(Buffer.from(body))).toString('hex')),
  );
}

export const identityCases: readonly FaultCase[] = [replay, sameIdElsewhere, otherBody];
