/**
 * Cases 26 and 29: between a business transaction and the topic.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { businessRowsSql } from '../harness/observe.sql.js';
import {
  consume,
  killsItself,
  layOut,
  ledgerMessage,
  ledgerMessages,
  startPublisher,
} from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import type { Act, Message } from '../record/message.js';
import type { FaultPlan } from '../worker/worker-plan.js';

const source = 'publish';

/** Rows and events of the same transactions: both or neither. */
async function businessMatches(stage: Stage, committed: readonly Message[]): Promise<void> {
  const rows = (await stage.database.query(businessRowsSql)).map(({ message }) => message);
  const wanted = new Set(committed.map(({ attempt }) => attempt.message));
  const wrong =
    rows.filter((row) => !wanted.has(row)).length + [...wanted].filter((one) => !rows.includes(one)).length;
  stage.check(`business rows are those of committed transactions (${wrong} wrong)`, wrong === 0);
  stage.check(`each once (${rows.length} rows)`, rows.length === new Set(rows).size);
}

const killedRelay: FaultCase = {
  number: 26,
  fault: 'Relay killed between the produce acknowledgement and settling',
  looksFor: 'same id again; consumer D',
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage);
    const messages = ledgerMessages(stage, ground, random.between(40, 80), { source });
    const publisher = await startPublisher(stage, messages);
    consume(stage, ground, { relay: false });
    const fault: FaultPlan = {
      point: random.pick(['send:after', 'settle:before']),
      hit: random.between(1, 3),
      signal: 'SIGKILL',
    };
    Object.assign(stage.schedule, { fault });
    const relay = stage.start({ role: 'relay', fault, sendAtOnce: random.pick([1, 5, 10]) });
    stage.go(publisher);
    await killsItself(stage, relay, fault);
    stage.start({ role: 'relay' });
    await stage.finished(publisher);
    await stage.drained();
    await businessMatches(stage, messages);
    const records = await stage.broker.dump(stage.topics[inputType]!);
    const ids = new Set(records.map(({ headers }) => headers['ce_id']));
    const twice = records.length - ids.size;
    const outputs = await stage.outputsTwice();
    stage.check(`records were sent again with the same id (${twice} + ${outputs})`, twice + outputs > 0);
    stage.check(`no other id appeared (${ids.size} of ${messages.length})`, ids.size === messages.length);
  },
};

const rolledBack: FaultCase = {
  number: 29,
  fault: 'Business transaction rolled back',
  looksFor: 'P',
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage);
    const ways = ['throw', 'nested', 'swallow'] as const;
    const messages = Array.from({ length: random.between(30, 60) }, () => {
      const key = random.pick(ground.keys);
      if (random.chance(0.5)) return ledgerMessage(stage, { key, source });
      const act: Act = { kind: 'roll-back', how: random.pick(ways) };
      return ledgerMessage(stage, { key, source, act, fate: 'nothing' });
    });
    const committed = messages.filter(({ attempt }) => Object.values(attempt.fates).includes('effect'));
    const dying = Array.from({ length: 5 }, () =>
      ledgerMessage(stage, { key: 'dying', source, fate: 'either' }),
    );
    const fault: FaultPlan = { point: 'handler:end', hit: random.between(1, 5), signal: 'SIGKILL' };
    Object.assign(stage.schedule, { fault });
    consume(stage, ground);
    const victim = await startPublisher(stage, dying, { name: 'victim', fault });
    stage.go(victim);
    await killsItself(stage, victim, fault);
    const publisher = await startPublisher(stage, messages);
    stage.go(publisher);
    await stage.finished(publisher);
    await stage.drained();
    const undone = messages.length - committed.length;
    stage.fault(`${undone} transactions rolled back`, undone > 0 && reportedUndone(stage) > 0);
    await businessMatches(stage, [...committed, ...dying.slice(0, fault.hit - 1)]);
  },
};

function reportedUndone(stage: Stage): number {
  return stage.evidence().filter((line) => line.kind === 'transaction' && line.reported !== 'committed')
    .length;
}

export const publishingCases: readonly FaultCase[] = [killedRelay, rolledBack];
