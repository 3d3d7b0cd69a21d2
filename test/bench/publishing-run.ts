/**
 * One run of lone events that are published in business transactions: the time from each commit until the broker has
 * the event, as the process tells it. Then its books: as many records on the topic, of as many events.
 */
import { until } from '../services/ports.js';
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { onGround } from './harness/ground.js';
import { percentiles, warmUps } from './harness/percentiles.js';

const patienceMs = 300_000;

export function publishingRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const events = warmUps + stage.events;
  return onGround(contestant, { ...stage, events }, async ({ topic, running }) => {
    const tookMs = await running(async (process) => {
      const isDone = async () => {
        stage.interrupted.throwIfAborted();
        if (process.ended !== null) throw new Error(`${contestant.name} ${process.ended}`);
        return process.told.length >= events;
      };
      await until(`${contestant.name} has published ${events} events`, isDone, patienceMs);
      return process.told.map(Number);
    });
    const records = await stage.kafka.dump(topic, { isolation: 'read_committed' });
    const ids = new Set(records.map(({ headers }) => headers['ce_id']));
    const findings = [
      ...(ids.size === events ? [] : [`${ids.size} events on the topic, not ${events}`]),
      ...(records.length === ids.size ? [] : [`${records.length - ids.size} records again`]),
    ];
    const figures = percentiles(tookMs);
    return { rate: figures.p50Ms, findings, figures };
  });
}
