/**
 * Case 25: the broker cannot be reached for a while, dead or deaf, and the business goes on.
 */
import type { FaultCase } from '../../harness/fault-case.js';
import { outboxDepthSql } from '../../harness/observe.sql.js';
import { consume, type Ground, layOut, ledgerMessage, startPublisher } from '../../harness/ordinary-run.js';
import { ownBroker } from '../../harness/own-broker.js';
import { checkTopic, relay } from '../../harness/relays.js';
import type { Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';
import type { Message } from '../../record/message.js';

/** Of a body: the backlog (200 MB) is far larger than a relay may grow, of which most is garbage not collected yet. */
const bodyBytes = 100_000;
const backlog = 2_000;
const mayGrow = 140_000_000;

function large(stage: Stage, ground: Ground, count: number): Message[] {
  const rest = JSON.stringify('x'.repeat(bodyBytes));
  return Array.from({ length: count }, () =>
    ledgerMessage(stage, { key: stage.random.pick(ground.keys), source: 'publish', rest }),
  );
}

async function depth(stage: Stage): Promise<number> {
  return (await stage.database.query(outboxDepthSql))[0].count;
}

async function memoryIsBounded(stage: Stage, worker: WorkerProcess): Promise<void> {
  const trouble = await worker.terminate();
  if (trouble !== null) stage.stuck.push(trouble);
  const found = stage.evidence().find((line) => line.kind === 'memory' && line.worker === worker.name);
  const grown = found?.kind === 'memory' ? Math.round((found.most - found.atStart) / 1_000_000) : Number.NaN;
  Object.assign(stage.measured, { 'relay: MB more at most': grown });
  stage.check(`the relay grew by ${mayGrow / 1_000_000} MB at most (${grown})`, grown * 1_000_000 <= mayGrow);
}

export const brokerAwayCase: FaultCase = {
  number: 25,
  fault: 'Broker unreachable for a while: dead, or deaf',
  looksFor: 'outbox grows, memory does not; V on return',
  brokers: ['kafka'],
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const broker = await ownBroker(stage);
    const ground = await layOut(stage);
    const how = random.pick(['dead', 'deaf'] as const);
    const awayMs = random.between(20_000, 40_000);
    Object.assign(stage.schedule, { how, awayMs });
    const moving = relay(stage);
    consume(stage, ground, { relay: false });
    const few = await startPublisher(stage, large(stage, ground, 20));
    stage.go(few);
    await stage.finished(few);
    await stage.drained();
    const publisher = await startPublisher(stage, large(stage, ground, backlog));
    const sinceMs = Date.now();
    if (how === 'dead') await broker.kill();
    else broker.pause();
    stage.go(publisher);
    await stage.finished(publisher);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, sinceMs + awayMs - Date.now())));
    const waiting = await depth(stage);
    stage.fault(`${waiting} of ${backlog} events waited while the broker was ${how}`, waiting === backlog);
    if (how === 'dead') await broker.start();
    else broker.resume();
    const backMs = Date.now();
    await stage.eventually('the outbox is empty again', async () => (await depth(stage)) === 0);
    Object.assign(stage.measured, {
      'away ms': backMs - sinceMs,
      'empty again after ms': Date.now() - backMs,
    });
    await stage.drained();
    await checkTopic(stage);
    await memoryIsBounded(stage, moving);
  },
};
