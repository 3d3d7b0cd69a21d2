/**
 * Case 52, which issue 6 asks for: relays that share many shards are killed and stopped at random under load, for
 * `--duration` seconds.
 */
import type { FaultCase } from '../../harness/fault-case.js';
import { outboxDepthSql } from '../../harness/observe.sql.js';
import { consume, type Ground, layOut, ledgerMessages, startPublisher } from '../../harness/ordinary-run.js';
import { allHandled, checkTopic, leaseMs, leaseRefused, relay, split, taken } from '../../harness/relays.js';
import type { Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';
import type { WorkerPlan } from '../../worker/worker-plan.js';

const relays = 3;
const shards = 8;

interface Harm {
  kills: number;
  stops: number;
  /** Of the stops: past the lease. */
  long: number;
}

/** Three that live or are stopped; a killed one is replaced. */
class Relays {
  readonly all: WorkerProcess[];
  readonly harm: Harm = { kills: 0, stops: 0, long: 0 };
  /** When each that is stopped wakes up. */
  readonly #stopped = new Map<WorkerProcess, number>();

  constructor(
    readonly stage: Stage,
    readonly plan: Partial<WorkerPlan>,
  ) {
    this.all = Array.from({ length: relays }, () => this.#start());
  }

  /** Kills or stops one that has had a shard, while there is something to publish. */
  async step(): Promise<void> {
    const { random } = this.stage;
    this.#wake(Date.now());
    const victim = random.pick(this.all);
    const [kill, pauseMs] = [random.chance(0.4), random.pick([500, leaseMs / 2, leaseMs + 500, 2 * leaseMs])];
    const [depth] = await this.stage.database.query(outboxDepthSql);
    if (depth.count === 0 || taken(this.stage, victim).size === 0) return;
    if (kill) {
      this.harm.kills++;
      this.#stopped.delete(victim);
      await victim.kill();
      this.all[this.all.indexOf(victim)] = this.#start();
    } else if (!this.#stopped.has(victim)) {
      this.harm.stops++;
      if (pauseMs > leaseMs) this.harm.long++;
      victim.stop();
      this.#stopped.set(victim, Date.now() + pauseMs);
    }
  }

  heal(): void {
    this.#wake(Number.POSITIVE_INFINITY);
  }

  #start(): WorkerProcess {
    return relay(this.stage, this.plan);
  }

  #wake(nowMs: number): void {
    for (const [worker, untilMs] of this.#stopped) {
      if (nowMs < untilMs) continue;
      worker.resume();
      this.#stopped.delete(worker);
    }
  }
}

/** As much as can be published while the harm goes on. */
async function load(stage: Stage, ground: Ground): Promise<WorkerProcess[]> {
  const paceMs = 20;
  const count = Math.ceil(stage.options.durationMs / paceMs);
  const publishers = [];
  for (const source of ['one', 'two']) {
    const messages = ledgerMessages(stage, ground, count, { source });
    publishers.push(await startPublisher(stage, messages, { service: source, paceMs }));
  }
  return publishers;
}

async function chaos(stage: Stage, transactional: boolean): Promise<void> {
  const { random } = stage;
  const { durationMs } = stage.options;
  const ground = await layOut(stage);
  await split(stage, shards);
  const sendAtOnce = random.pick([5, 20, 100]);
  Object.assign(stage.schedule, { sendAtOnce, durationMs, transactional });
  consume(stage, ground, { relay: false });
  const publishers = await load(stage, ground);
  const some = new Relays(stage, {
    sendAtOnce,
    ...(transactional ? { relayOptions: { transactional } } : {}),
  });
  for (const one of some.all) await one.ready(stage.options.patienceMs);
  for (const publisher of publishers) stage.go(publisher);
  const endMs = Date.now() + durationMs;
  while (Date.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, random.between(50, 500)));
    await some.step();
  }
  stage.enough();
  some.heal();
  for (const publisher of publishers) await stage.finished(publisher);
  // The longer it went on, the more has piled up behind those that were killed and stopped.
  await allHandled(stage, stage.options.patienceMs + durationMs);
  if (!transactional) await stage.drained();
  const { kills, stops, long } = some.harm;
  stage.fault(`${kills} relays killed at work`, kills > 0);
  stage.fault(`${stops} relays stopped at work, ${long} past their lease`, long > 0);
  await judged(stage, some.harm, transactional);
}

/** As a reader of committed records sees the topic, and as one of all. */
async function judged(stage: Stage, harm: Harm, transactional: boolean): Promise<void> {
  const again = await checkTopic(stage);
  if (stage.broker.name === 'kafka') await checkTopic(stage, 'read_uncommitted');
  if (transactional) stage.check(`each is committed to the topic once (${again} again)`, again === 0);
  const moved = stage.evidence().filter(({ kind }) => kind === 'took').length;
  const refused = stage.workers.filter((worker) => leaseRefused(stage, worker)).length;
  Object.assign(stage.measured, { ...harm, 'shards taken': moved, refused, 'records again': again });
}

const fault = 'Three relays killed and stopped at random under load';

export const chaosCases: readonly FaultCase[] = [
  {
    number: 52,
    fault,
    looksFor: 'L D P R, on the topic and at the handler',
    heavy: true,
    run: (stage) => chaos(stage, false),
  },
  {
    number: 52,
    fault: `${fault}, transactional`,
    looksFor: 'D of committed records, L P R',
    brokers: ['kafka'],
    heavy: true,
    run: (stage) => chaos(stage, true),
  },
];
