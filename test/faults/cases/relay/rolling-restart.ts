/**
 * Case 45: a service is deployed anew under load, one process after the other, with other settings and another number of
 * shards. Each process migrates the database at its start, as a deploy does.
 */
import type { FaultCase } from '../../harness/fault-case.js';
import { handledBySql } from '../../harness/observe.sql.js';
import { consume, type Ground, layOut, ledgerMessages, startPublisher } from '../../harness/ordinary-run.js';
import { checkTopic, split, taken } from '../../harness/relays.js';
import { shardsSql, wantShardsSql } from '../../harness/relays.sql.js';
import type { Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';
import type { WorkerPlan } from '../../worker/worker-plan.js';

const instances = 2;

function versions(stage: Stage): readonly [Partial<WorkerPlan>, Partial<WorkerPlan>] {
  const { random } = stage;
  const one = () => ({
    maxEvents: random.pick([5, 50, 500]),
    dedupCacheSize: random.pick([0, 10_000]),
    sendAtOnce: random.pick([3, 20, 100]),
    relayOptions: { leaseMs: random.pick([3_000, 6_000]), maxPollMs: random.pick([50, 200]) },
  });
  return [one(), one()];
}

/** Each new process is up before an old one is told to end. */
async function roll(
  stage: Stage,
  old: readonly WorkerProcess[],
  start: () => WorkerProcess,
  between: (step: number) => Promise<void>,
): Promise<WorkerProcess[]> {
  const young: WorkerProcess[] = [];
  for (const [step, leaving] of old.entries()) {
    const coming = start();
    young.push(coming);
    await coming.ready(stage.options.patienceMs);
    await between(step);
    const complaint = await leaving.terminate();
    if (complaint !== null) stage.stuck.push(complaint);
  }
  return young;
}

async function workedBy(stage: Stage, workers: readonly WorkerProcess[]): Promise<boolean> {
  const handling = new Set((await stage.database.query(handledBySql)).map(({ worker }) => worker));
  return workers.some(({ name }) => handling.has(name)) && workers.some((one) => taken(stage, one).size > 0);
}

async function publish(stage: Stage, ground: Ground, count: number): Promise<WorkerProcess[]> {
  const some = (source: string) => ledgerMessages(stage, ground, count, { source });
  const publishers = [];
  for (const source of ['one', 'two']) {
    publishers.push(await startPublisher(stage, some(source), { service: source, paceMs: 30 }));
  }
  for (const publisher of publishers) stage.go(publisher);
  return publishers;
}

export const rollingRestartCase: FaultCase = {
  number: 45,
  fault: 'Two versions of a service side by side: a rolling deploy under load, with another number of shards',
  looksFor: 'L D R',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage, { partitions: random.pick([2, 4]) });
    const [old, young] = versions(stage);
    const [from, to] = random.pick([
      [1, 4],
      [4, 1],
      [3, 8],
      [8, 2],
    ] as const);
    const wantedAt = random.between(0, instances - 1);
    await split(stage, from);
    Object.assign(stage.schedule, { old, young, to, wantedAt });
    const first = Array.from({ length: instances }, () => consume(stage, ground, old));
    for (const worker of first) await worker.ready(stage.options.patienceMs);
    const publishers = await publish(stage, ground, 1_000);
    const second = await roll(
      stage,
      first,
      () => consume(stage, ground, young),
      async (step) => {
        if (step === wantedAt) await stage.database.query(wantShardsSql, [to]);
      },
    );
    const loaded = publishers.some(({ exit }) => exit === null);
    stage.fault('all of it under load', loaded);
    stage.enough();
    for (const publisher of publishers) await stage.finished(publisher);
    await stage.drained();
    stage.fault('the old version was at work', await workedBy(stage, first));
    stage.fault('the new version was at work', await workedBy(stage, second));
    const resharded = await stage.eventually(`the outbox is split in ${to}`, async () => {
      const [row] = await stage.database.query(shardsSql);
      return row.count === to && row.wanted === null;
    });
    stage.fault(`from ${from} shards to ${to}`, resharded);
    await checkTopic(stage);
  },
};
