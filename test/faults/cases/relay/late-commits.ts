/**
 * Case 28: transactions that write to the outbox in one order and commit in another, and one that outstays the time for
 * which it is waited.
 */
import type { FaultCase } from '../../harness/fault-case.js';
import { businessRowsSql } from '../../harness/observe.sql.js';
import { consume, type Ground, layOut, ledgerMessage, startPublisher } from '../../harness/ordinary-run.js';
import { checkTopic, relay, split } from '../../harness/relays.js';
import { inputType, type Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';
import type { Message } from '../../record/message.js';

/** Longer than any slow transaction is open, on a busy machine too. */
const holdBackMs = 4_000;

/** Slow ones among fast ones, on few keys: each writes its event before the next transaction begins. */
function mixed(stage: Stage, ground: Ground, source: string, count: number): Message[] {
  const { random } = stage;
  return Array.from({ length: count }, () => {
    const key = random.pick(ground.keys);
    if (random.chance(0.8)) return ledgerMessage(stage, { key, source });
    return ledgerMessage(stage, { key, source, act: { kind: 'linger', ms: random.between(60, 400) } });
  });
}

/** Events that were committed while one stood before them, of their key or of any, that was not yet. */
function overtaking(stage: Stage, messages: readonly Message[]): { ofKey: number; all: number } {
  const [writtenMs, committedMs] = [new Map<string, number>(), new Map<string, number>()];
  for (const line of stage.evidence()) {
    if (line.kind === 'act' && line.act === 'linger') writtenMs.set(line.message, line.atMs);
    if (line.kind === 'transaction') committedMs.set(line.message, line.atMs);
  }
  const slow = messages.flatMap(({ key, attempt: { message } }, place) =>
    writtenMs.has(message)
      ? [{ key, place, untilMs: committedMs.get(message) ?? Number.POSITIVE_INFINITY }]
      : [],
  );
  const before = messages.map(({ attempt: { message } }, place) =>
    slow.filter((one) => one.place < place && committedMs.get(message)! < one.untilMs),
  );
  return {
    all: before.filter((some) => some.length > 0).length,
    ofKey: before.filter((some, place) => some.some(({ key }) => key === messages[place]!.key)).length,
  };
}

export const lateCommitsCase: FaultCase = {
  number: 28,
  fault: 'Outbox rows that commit out of order (slow and fast transactions)',
  looksFor: 'L R; one that never ends holds the others up only so long',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = { ...(await layOut(stage)), keys: ['key-0', 'key-1', 'key-2'] };
    await split(stage, random.pick([1, 1, 4]));
    const relayOptions = { holdBackMs };
    for (let count = random.between(1, 2); count > 0; count--) {
      relay(stage, { relayOptions, sendAtOnce: random.pick([1, 10, 100]) });
    }
    consume(stage, ground, { relay: false });
    const lists = ['one', 'two'].map((source) => mixed(stage, ground, source, random.between(40, 80)));
    const publishers = [];
    for (const list of lists) publishers.push(await start(stage, list));
    for (const publisher of publishers) stage.go(publisher);
    for (const publisher of publishers) await stage.finished(publisher);
    const found = lists.map((list) => overtaking(stage, list));
    const [ofKey, all] = [
      found.reduce((sum, one) => sum + one.ofKey, 0),
      found.reduce((sum, one) => sum + one.all, 0),
    ];
    Object.assign(stage.measured, { 'committed before one written earlier': all, 'of the same key': ofKey });
    stage.fault('events of a key committed out of order', ofKey > 0);
    await passedBy(stage, ground);
    await stage.drained();
    await checkTopic(stage);
  },
};

function start(stage: Stage, messages: readonly Message[]): Promise<WorkerProcess> {
  return startPublisher(stage, messages, { service: messages[0]!.attempt.source });
}

/** One transaction stays open until the runner has seen all others of its publisher on the topic. */
async function passedBy(stage: Stage, ground: Ground): Promise<void> {
  const source = 'three';
  const endless = ledgerMessage(stage, { key: 'endless', source, act: { kind: 'linger', ms: null } });
  const others = mixed(stage, ground, source, 20);
  const publisher = await start(stage, [endless, ...others]);
  const before = await stage.recordsIn(inputType);
  stage.go(publisher);
  const startedAtMs = Date.now();
  const passed = await stage.eventually('it is passed by', async () => {
    return (await stage.recordsIn(inputType)) >= before + others.length;
  });
  Object.assign(stage.measured, { 'passed by after ms': Date.now() - startedAtMs });
  const rows = await stage.database.query(businessRowsSql);
  const open = !rows.some(({ message }) => message === endless.attempt.message);
  stage.fault('a transaction was open when all later ones were on the topic', passed && open);
  stage.release();
  await stage.finished(publisher);
}
