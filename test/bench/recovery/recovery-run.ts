/**
 * One run of `recovery`: a steady load over all partitions before, during and after the death. The fault must have
 * fired: the victim had partitions of its own, and what counts was written by the other. Then the books, of everything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../services/ports.js';
import type { Contestant, Measured, Stage } from '../harness/benchmark.js';
import type { ContestantProcess } from '../harness/contestant-process.js';
import { type Ground, onGround, partitions } from '../harness/ground.js';
import { auditLedger, countEffects, readLedger } from '../harness/ledger.js';
import { orderMessage } from '../harness/produce-events.js';

/** What the contestants have by default: Kafka takes a member for dead after so long. */
export const sessionTimeoutS: Readonly<Record<string, number>> = { 'per-event': 10, 'hand-written': 30 };
const everyMs = 10;
const patienceMs = 120_000;
/** Orders in a row that both must have shared before one dies. */
const settledOrders = 60;

export function recoveryRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return onGround(contestant, stage, async (ground) => {
    const load = await Load.start(ground);
    try {
      const { seconds, sent } = await ground.running(
        (survivor) =>
          ground.running((victim) => recovered(ground, load, victim, survivor), { name: 'victim' }),
        { name: 'survivor' },
      );
      const findings = auditLedger(await readLedger(ground.database), sent);
      const timeoutS = sessionTimeoutS[contestant.name] ?? Number.NaN;
      return { rate: seconds, findings, figures: { sessionTimeoutS: timeoutS } };
    } finally {
      await load.stop();
    }
  });
}

async function recovered(
  ground: Ground,
  load: Load,
  victim: ContestantProcess,
  survivor: ContestantProcess,
): Promise<{ seconds: number; sent: number }> {
  const { stage, database } = ground;
  let lost: number[] = [];
  const shared = async () => {
    for (const { ended } of [victim, survivor]) if (ended !== null) throw new Error(ended);
    stage.interrupted.throwIfAborted();
    lost = await partitionsOf(ground, 'victim');
    const kept = await partitionsOf(ground, 'survivor');
    return lost.length > 0 && lost.length + kept.length === partitions;
  };
  await until('two consumers share the partitions', shared, patienceMs);
  const killedAtMs = Date.now();
  await victim.kill();
  const giveUpAtMs = killedAtMs + patienceMs;
  while (!(await takenOver(ground, lost, killedAtMs))) {
    stage.interrupted.throwIfAborted();
    if (Date.now() > giveUpAtMs) throw new Error(`not taken over within ${patienceMs} ms`);
    await sleep(everyMs);
  }
  const seconds = (Date.now() - killedAtMs) / 1_000;
  await until('there is load after the recovery', async () => load.sent >= load.atRecovery(stage.events));
  const sent = await load.stop();
  await ground.counted(survivor, sent, () => countEffects(database), { stallMs: patienceMs });
  return { seconds, sent };
}

/** Partitions of the last orders that were handled by one of them. Order n is on partition n modulo four. */
async function partitionsOf({ database }: Ground, by: string): Promise<number[]> {
  const rows = await database.query(
    `SELECT DISTINCT cents % ${partitions} AS partition
     FROM (SELECT cents, by FROM effect ORDER BY id DESC LIMIT ${settledOrders}) AS late WHERE by = $1`,
    [by],
  );
  return rows.map(({ partition }) => partition);
}

async function takenOver({ database }: Ground, lost: readonly number[], sinceMs: number): Promise<boolean> {
  const [{ found }] = await database.query(
    `SELECT EXISTS (SELECT FROM effect WHERE by = 'survivor' AND cents % ${partitions} = ANY($1)
       AND at > to_timestamp($2::float8 / 1000)) AS found`,
    [lost, sinceMs],
  );
  return found;
}

/** Orders in turn onto each partition, one every 10 ms, until it is stopped. */
class Load {
  #sent = 0;
  #recovery: number | null = null;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  static async start({ stage, topic }: Ground): Promise<Load> {
    const load = new Load();
    const producer = stage.kafka.client.producer();
    await producer.connect();
    load.#running = (async () => {
      while (!load.#stopped) {
        const number = load.#sent + 1;
        const message = { ...orderMessage(number), partition: number % partitions };
        await producer.send({ topic, messages: [message], acks: -1 });
        load.#sent = number;
        await sleep(everyMs);
      }
    })().finally(() => producer.disconnect());
    load.#running.catch(() => undefined); // `stop` tells
    return load;
  }

  get sent(): number {
    return this.#sent;
  }

  /** How many will have been sent when `more` have been since it was asked first. */
  atRecovery(more: number): number {
    this.#recovery ??= this.#sent;
    return this.#recovery + more;
  }

  /** Resolves with how many were sent. */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#running;
    return this.#sent;
  }
}
