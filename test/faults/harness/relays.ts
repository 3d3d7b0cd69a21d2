/**
 * Relays as processes of their own, as several share the shards of an outbox, and what they leave on the topic.
 */
import type { Isolation } from '../broker/broker-ground.js';
import { judgeTopic, type TopicVerdict } from '../oracles/judge-topic.js';
import type { WorkerPlan } from '../worker/worker-plan.js';
import { effectCountSql, outboxDepthSql } from './observe.sql.js';
import { recordedAttempts } from './recorded-attempts.js';
import { splitSql } from './relays.sql.js';
import { inputType, type Stage } from './stage.js';
import type { WorkerProcess } from './worker-process.js';

/** Splits the outbox before any relay runs. */
export async function split(stage: Stage, shards: number): Promise<void> {
  await stage.database.query(splitSql, [shards]);
  Object.assign(stage.schedule, { shards });
}

/** Milliseconds: long enough that a busy machine does not look like a dead relay. */
export const leaseMs = 3_000;

export function relay(stage: Stage, changes: Partial<WorkerPlan> = {}): WorkerProcess {
  return stage.start({ role: 'relay', ...changes, relayOptions: { leaseMs, ...changes.relayOptions } });
}

/** How often a shard went from one relay to another. */
export function takeOvers(stage: Stage): number {
  const shards = stage.evidence().flatMap((line) => (line.kind === 'took' ? [line.shard] : []));
  return shards.length - new Set(shards).size;
}

/** Shards that it has taken so far. */
export function taken(stage: Stage, { name }: WorkerProcess): Set<number> {
  return new Set(
    stage.evidence().flatMap((line) => (line.kind === 'took' && line.worker === name ? [line.shard] : [])),
  );
}

/** The database has told it that a shard is another's. */
export function leaseRefused(stage: Stage, { name }: WorkerProcess): boolean {
  return stage
    .evidence()
    .some((line) => line.kind === 'refused' && line.worker === name && line.code === 'EO_LEASE_LOST');
}

/** The outbox is empty, and each event of it handled. On a topic with transactions positions do not tell. */
export async function allHandled(stage: Stage, patienceMs?: number): Promise<boolean> {
  const isSo = async () => {
    const [depth] = await stage.database.query(outboxDepthSql);
    const [handled] = await stage.database.query(effectCountSql);
    const committed = recordedAttempts(stage.folder).filter(({ outcome }) => outcome === 'ok');
    return depth.count === 0 && handled.count >= committed.length;
  };
  return stage.eventually('all is published and handled', isSo, patienceMs);
}

/** All that was published stands on the topic, in order; how many records came again. */
export async function checkTopic(stage: Stage, isolation: Isolation = 'read_committed'): Promise<number> {
  const records = await stage.broker.dump(stage.topics[inputType]!, isolation);
  const verdict = judgeTopic(
    recordedAttempts(stage.folder),
    records.map(({ headers, partition, offset }) => ({ id: headers['ce_id'] ?? '', partition, offset })),
  );
  for (const what of ['lost', 'phantom', 'reordered'] as const) say(stage, isolation, what, verdict);
  return verdict.again;
}

function say(
  stage: Stage,
  isolation: Isolation,
  what: 'lost' | 'phantom' | 'reordered',
  verdict: TopicVerdict,
): void {
  const [first] = verdict[what];
  const found = first === undefined ? '' : `: ${verdict[what].length}, the first ${first}`;
  stage.check(`none is ${what} on the topic (${isolation})${found}`, first === undefined);
}
