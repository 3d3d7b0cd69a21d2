/**
 * Cases 12, 13 and 48: mistakes in a user's code that would lose or tear an event if the framework believed it.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { lateWritesSql } from '../harness/observe.sql.js';
import { consume, layOut, ledgerMessage, produce } from '../harness/ordinary-run.js';
import type { Stage } from '../harness/stage.js';
import type { Message } from '../record/message.js';

/** The act was carried out at least as often as messages ask for it. */
function actsFired(stage: Stage, act: string, messages: readonly Message[]): void {
  const asked = messages.filter(({ body }) => JSON.parse(body).act?.kind === act.split(' ')[0]);
  const done = new Set(
    stage.evidence().flatMap((line) => (line.kind === 'act' && line.act === act ? [line.message] : [])),
  );
  const missing = asked.filter(({ attempt }) => !done.has(attempt.message)).length;
  stage.fault(`${act} in ${asked.length} events (${missing} not)`, asked.length > 0 && missing === 0);
}

/** Neighbours and mistakes, mixed; the last event of each key is a mistake, so that nothing comes after it. */
async function mixed(stage: Stage, mistakes: (key: string) => Message): Promise<Message[]> {
  const ground = await layOut(stage);
  const messages = [];
  for (let count = stage.random.between(20, 40); count > 0; count--) {
    const key = stage.random.pick(ground.keys);
    messages.push(stage.random.chance(0.2) ? mistakes(key) : ledgerMessage(stage, { key }));
  }
  messages.push(...ground.keys.map(mistakes));
  consume(stage, ground);
  await produce(stage, messages);
  await stage.drained();
  return messages;
}

const swallowedSql: FaultCase = {
  number: 12,
  fault: 'Handler swallows an SQL error (PostgreSQL)',
  looksFor: 'L T',
  run: async (stage) => {
    const messages = await mixed(stage, (key) => {
      const once = stage.random.chance(0.5);
      return ledgerMessage(stage, {
        key,
        act: { kind: 'swallow', once },
        fate: once ? 'effect' : 'dead-letter',
      });
    });
    actsFired(stage, 'swallow', messages);
  },
};

const unawaitedWrite: FaultCase = {
  number: 13,
  fault: 'A write not awaited, finishing after COMMIT',
  looksFor: 'loud error; T',
  run: async (stage) => {
    stage.loudErrorsExpected = true;
    const messages = await mixed(stage, (key) =>
      stage.random.chance(0.5)
        ? ledgerMessage(stage, { key, act: { kind: 'unawaited' }, fate: 'dead-letter' })
        : ledgerMessage(stage, { key, act: { kind: 'late' } }),
    );
    actsFired(stage, 'unawaited', messages);
    const late = messages.filter(({ body }) => JSON.parse(body).act?.kind === 'late');
    await stage.eventually('every late write has met a loud error', async () => {
      const loud = stage
        .evidence()
        .filter((line) => line.kind === 'loud' && line.error.includes('EO_TRANSACTION_ENDED'));
      return loud.length >= late.length;
    });
    actsFired(stage, 'late', messages);
    const rows = await stage.database.query(lateWritesSql);
    stage.check(`no late write is kept (${rows.length} are)`, rows.length === 0);
  },
};

const swallowingFilter: FaultCase = {
  number: 48,
  fault: 'An exception filter that swallows',
  looksFor: 'not committed; L',
  run: async (stage) => {
    const ground = await layOut(stage);
    const messages: Message[] = [];
    for (const key of stage.random.shuffled([...ground.keys, ...ground.keys, ...ground.keys])) {
      messages.push(ledgerMessage(stage, { key, act: { kind: 'fail', once: true } }));
      messages.push(ledgerMessage(stage, { key }));
      messages.push(ledgerMessage(stage, { key, act: { kind: 'fail' }, fate: 'dead-letter' }));
    }
    consume(stage, ground, { swallowingFilter: true });
    await produce(stage, messages);
    await stage.drained();
    actsFired(stage, 'fail', messages);
    const swallowed = stage.evidence().filter((line) => line.kind === 'act' && line.act === 'filter').length;
    stage.fault(`the filter swallowed ${swallowed} errors`, swallowed >= ground.keys.length * 2);
  },
};

export const handlerMistakeCases: readonly FaultCase[] = [swallowedSql, unawaitedWrite, swallowingFilter];
