/**
 * Cases 40 and 41: what an event does to its neighbours in one transaction, or on one connection.
 */
import { callsOf } from '../harness/calls.js';
import type { FaultCase } from '../harness/fault-case.js';
import { advisoryLocksSql } from '../harness/observe.sql.js';
import { consume, layOut, ledgerMessage, produce } from '../harness/ordinary-run.js';
import { inputType } from '../harness/stage.js';
import type { Mark, Message } from '../record/message.js';

const [apart, together] = ['ledger/Apart.record', 'ledger/Together.record'] as const;
const sharedType = 'ledger.shared';

/** Events of a type of their own go to a handler that shares its transactions: there neighbours are called again. */
const outsideCalls: FaultCase = {
  number: 40,
  fault: 'A neighbour in the batch fails: calls to an outside provider are counted',
  looksFor: "`commit: 'event'`: once per event",
  run: async (stage) => {
    const { random } = stage;
    const handlers = [
      { name: apart, type: inputType, commit: 'event' as const },
      { name: together, type: sharedType, commit: 'batch' as const },
    ];
    const ground = await layOut(stage, { handlers, extraTypes: [sharedType], partitions: 1 });
    const maxEvents = random.pick([50, 500]);
    Object.assign(stage.schedule, { commit: 'both', maxEvents });
    const callers: Message[] = [];
    const messages = Array.from({ length: random.between(120, 240) }, (_, index) => {
      const { name, type } = handlers[index % 2]!;
      const fails = index % 30 > 27 || random.chance(0.05);
      const message = ledgerMessage(stage, {
        ...{ type, topic: stage.topics[type]!, key: random.pick(ground.keys) },
        act: { kind: fails ? 'fail' : 'call' },
        fates: { [name]: fails ? 'dead-letter' : 'effect' },
      });
      if (!fails) callers.push(message);
      return message;
    });
    await produce(stage, messages);
    consume(stage, ground, { maxEvents, maxOpenMs: 5_000 });
    await stage.drained();
    const failed = callsOf(stage, 'fail').size;
    stage.fault(`${failed} events failed`, failed === messages.length - callers.length);
    const again = [...callsOf(stage, `call ${together}`).values()].filter((count) => count > 1).length;
    stage.fault(`${again} neighbours were called again in a shared transaction`, again > 0);
    Object.assign(stage.measured, { 'called again': again });
    const calls = callsOf(stage, `call ${apart}`);
    const mine = callers.filter(({ type }) => type === inputType);
    const wrong = mine.filter(({ attempt }) => calls.get(attempt.message) !== 1).length;
    stage.check(`each event calls the provider once (${wrong} do not)`, mine.length > 0 && wrong === 0);
  },
};

const inSession: readonly Mark[] = ['set-session', 'config-session', 'session-lock', 'temporary-left'];

/** Where neighbours share the transaction, a mark that would reach them is refused. */
const refused: Readonly<Record<'batch' | 'event', readonly Mark[]>> = {
  batch: [...inSession, 'set-local', 'temporary-table'],
  event: inSession,
};

const marks: readonly Mark[] = [...refused.batch, 'transaction-lock'];

const sessionMarks: FaultCase = {
  number: 41,
  fault: '`SET LOCAL`, an advisory lock, a temporary table of one handler',
  looksFor: 'does not reach the neighbour',
  run: async (stage) => {
    const { random } = stage;
    const commit = (['batch', 'event'] as const)[stage.options.seed % 2]!;
    const ground = await layOut(stage, {
      handlers: [{ name: 'ledger/Ledger.record', type: inputType, commit }],
    });
    Object.assign(stage.schedule, { commit });
    const messages = Array.from({ length: random.between(60, 120) }, (_, index) => {
      const key = random.pick(ground.keys);
      const how = marks[index] ?? random.pick(marks);
      if (index >= marks.length && !random.chance(0.3))
        return ledgerMessage(stage, { key, act: { kind: 'look' } });
      const fate = refused[commit].includes(how) ? 'dead-letter' : 'effect';
      return ledgerMessage(stage, { key, act: { kind: 'mark', how }, fate });
    });
    await produce(stage, messages);
    consume(stage, ground);
    consume(stage, ground);
    await stage.drained();
    for (const mark of marks) stage.fault(mark, callsOf(stage, mark).size > 0);
    // A lock of the transaction is held until its end, whoever shares it.
    const own = commit === 'batch' ? 'saw lock' : 'saw nothing';
    const seen = stage
      .evidence()
      .flatMap((line) => (line.kind === 'act' && line.act.startsWith('saw') ? [line.act] : []));
    const reached = seen.filter((one) => one !== 'saw nothing' && one !== own);
    stage.fault(`${seen.length} looks`, seen.length >= messages.length);
    stage.check(`nothing reaches a neighbour (${[...new Set(reached)]})`, reached.length === 0);
    const [row] = await stage.database.query(advisoryLocksSql);
    stage.check(`no lock outlives its transaction (${row.count} do)`, row.count === 0);
  },
};

export const sharedSessionCases: readonly FaultCase[] = [outsideCalls, sessionMarks];
