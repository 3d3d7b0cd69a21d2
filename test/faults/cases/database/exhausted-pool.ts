/**
 * Case 11: a pool of very few connections, which handlers also use outside of their transaction, and which the
 * application's own slow queries take whole.
 */
import type { FaultCase } from '../../harness/fault-case.js';
import { consume, layOut, ledgerMessage, produce } from '../../harness/ordinary-run.js';
import type { Stage } from '../../harness/stage.js';
import type { Act } from '../../record/message.js';

async function exhaust(stage: Stage): Promise<void> {
  const { random } = stage;
  const ground = await layOut(stage, { partitions: 8 });
  const poolSize = random.pick([2, 3, 5, 10]);
  Object.assign(stage.schedule, { poolSize });
  const count = random.between(120, 180);
  const messages = Array.from({ length: count }, () =>
    ledgerMessage(stage, { key: random.pick(ground.keys), ...act(stage, poolSize) }),
  );
  await produce(stage, messages);
  const consumer = consume(stage, ground, { poolSize, paceMs: 2 });
  await consumer.ready(stage.options.patienceMs);
  await stage.drained();
  const waiting = stage.evidence().flatMap((line) => (line.kind === 'pool' ? [line.waiting] : []));
  const acts = stage.evidence().flatMap((line) => (line.kind === 'act' ? [line.act] : []));
  const beside = acts.filter((act) => act === 'aside').length;
  Object.assign(stage.measured, { 'most that waited': Math.max(0, ...waiting), beside });
  stage.fault(`${Math.max(0, ...waiting)} waited for one of ${poolSize} connections`, waiting.length > 0);
  stage.fault(`${beside} handlers took a second connection`, beside > 0);
}

/** Most ask for nothing more, some for a second connection, and a few keep the whole pool busy for a while. */
function act({ random }: Stage, poolSize: number): { readonly act?: Act } {
  if (random.chance(0.03)) {
    return { act: { kind: 'crowd', queries: poolSize * 2, ms: random.pick([100, 300, 600]) } };
  }
  return random.chance(0.3) ? { act: { kind: 'aside' } } : {};
}

export const exhaustedPoolCase: FaultCase = {
  number: 11,
  fault: 'Pool exhausted',
  looksFor: 'V; relay and handlers do not deadlock',
  run: exhaust,
};
