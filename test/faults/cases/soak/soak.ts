/**
 * Case 70, the random soak: three consumers, two relays, two producers and a publisher, and whatever can happen to them, for
 * `--duration` seconds. `--minutes 10 --random` runs nothing else.
 */
import type { FaultCase } from '../../harness/fault-case.js';
import { effectCountSql } from '../../harness/observe.sql.js';
import { type Ground, layOut } from '../../harness/ordinary-run.js';
import { SeededRandom } from '../../harness/seeded-random.js';
import { inputType, type Stage } from '../../harness/stage.js';
import { PostgresProxy } from '../../network/postgres-proxy.js';
import { Crew } from './crew.js';
import { Harms } from './harms.js';
import { Load } from './load.js';

/** Time for one more harm, at the earliest and at the latest. */
const harmEveryMs = [1_500, 4_000] as const;
/** What is left in the end is worked off in so many milliseconds more than the patience of any run. */
const backlogMs = 60_000;
/** Of a run so long it is also asked how much was done, and that what was stopped was taken over. */
const longMs = 300_000;
const leastPerMinute = 50_000;

async function lay(stage: Stage): Promise<Ground> {
  const handlers = [{ name: 'ledger/Ledger.record', type: inputType, commit: 'batch', batch: 500 }] as const;
  const ground = await layOut(stage, { partitions: 12, handlers });
  const maxEvents = stage.random.pick([200, 500, 1_000]);
  const dedupCacheSize = stage.random.pick([0, 10_000, 100_000]);
  Object.assign(stage.schedule, { commit: 'batch', batch: 500, maxEvents, dedupCacheSize });
  return { ...ground, commit: 'batch', maxEvents, dedupCacheSize };
}

async function soak(stage: Stage): Promise<void> {
  const { durationMs, patienceMs } = stage.options;
  const ground = await lay(stage);
  const proxy = await PostgresProxy.start(stage.database.url);
  stage.atEnd(() => proxy.close());
  const crew = new Crew(stage, ground, proxy.through(stage.database.url));
  await crew.ready();
  const load = new Load(stage);
  const harms = new Harms(stage, { crew, load, proxy });
  await load.startPublisher();
  const startedAtMs = Date.now();
  const pauses = new SeededRandom(stage.options.seed, 'pauses');
  let nextMs = startedAtMs + harmEveryMs[1];
  while (Date.now() < startedAtMs + durationMs) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    crew.wake();
    const [{ count }] = await stage.database.query(effectCountSql);
    await load.topUp(count);
    if (Date.now() < nextMs) continue;
    await harms.next();
    nextMs = Date.now() + pauses.between(...harmEveryMs);
  }
  await harms.end();
  await load.end();
  const seconds = (Date.now() - startedAtMs) / 1_000;
  await stage.drained(patienceMs + backlogMs);
  const [{ count }] = await stage.database.query(effectCountSql);
  const perSecond = Math.round(count / ((Date.now() - startedAtMs) / 1_000));
  Object.assign(stage.measured, {
    ...harms.done,
    handled: count,
    'load for s': Math.round(seconds),
    perSecond,
    ...harms.takeOvers(),
  });
  const isLong = durationMs >= longMs;
  const least = isLong ? Math.round((leastPerMinute * durationMs) / 60_000) : 0;
  stage.check(`at least ${least} are handled (${count} were)`, count >= least);
  harms.prove(isLong);
}

export const soakCase: FaultCase = {
  number: 70,
  fault: 'Random soak: 3 consumers, 2 relays, 3 sources; kills, stops, cuts, black holes, rebalances, copies',
  looksFor: 'L D T P R V X',
  heavy: true,
  run: soak,
};
