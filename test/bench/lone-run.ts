/**
 * One run of lone events: one is produced every 100 ms or so, and the time from before it is sent until its effect is
 * committed is taken. The database says so by a notification, which it sends at the commit.
 */
import pg from 'pg';
import { until } from '../services/ports.js';
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { type Ground, onGround } from './harness/ground.js';
import { auditLedger, countEffects, notifyEffects, readLedger } from './harness/ledger.js';
import { percentiles, warmUps } from './harness/percentiles.js';
import { orderMessage } from './harness/produce-events.js';

export function loneRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return onGround(contestant, stage, async (ground) => {
    const { database } = ground;
    await notifyEffects(database);
    const listener = new pg.Client({ connectionString: database.url });
    await listener.connect();
    try {
      const tookMs = await timed(ground, listener);
      const figures = percentiles(tookMs);
      const findings = auditLedger(await readLedger(database), warmUps + stage.events);
      return { rate: figures.p50Ms, findings, figures };
    } finally {
      await listener.end();
    }
  });
}

/** Milliseconds from sending to commit, of each event that was committed, in the order of the commits. */
async function timed({ stage, database, topic, running, counted }: Ground, listener: pg.Client) {
  const sentAtMs = new Map<string, number>();
  const tookMs: number[] = [];
  listener.on('notification', ({ payload }) => tookMs.push(performance.now() - sentAtMs.get(payload!)!));
  await listener.query('LISTEN effect');
  const producer = stage.kafka.client.producer();
  await producer.connect();
  const send = async (number: number) => {
    const message = orderMessage(number);
    sentAtMs.set(message.key, performance.now());
    await producer.send({ topic, messages: [message], acks: -1 });
  };
  try {
    await running(async (process) => {
      await send(1);
      await until('the first event has its effect', async () => tookMs.length > 0 || process.ended !== null);
      for (let number = 2; number <= warmUps + stage.events; number++) {
        stage.interrupted.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 75 + 50 * Math.random()));
        await send(number);
      }
      await counted(process, warmUps + stage.events, () => countEffects(database));
    });
  } finally {
    await producer.disconnect();
  }
  return tookMs;
}
