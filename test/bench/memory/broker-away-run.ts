/**
 * One run in which the broker, one of its own, is killed and comes back after a minute, while events are published at a
 * steady rate: they wait in the outbox, not in memory. As long before and after it. The figure is the most that is held
 * while it is away. Then the books.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaCluster } from '../../services/kafka.js';
import { KafkaBroker } from '../../services/kafka-broker.js';
import type { Contestant, Measured, Stage } from '../harness/benchmark.js';
import { onGround } from '../harness/ground.js';
import { auditLedger, countEffects, readLedger } from '../harness/ledger.js';
import { absence, flatness, sampled, thinned } from './sampling.js';

const perSecond = 200;
const awayS = 60;
const everyMs = 250;
/** Clients may wait long before they look for the broker again, and groups for members that are gone. */
const stallMs = 120_000;

export async function brokerAwayRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const seconds = stage.smoke ? 3 : awayS;
  const broker = await KafkaBroker.start();
  const kafka = new KafkaCluster([broker.address], () => broker.stop());
  try {
    const events = 3 * seconds * perSecond;
    return await onGround(contestant, { ...stage, kafka, events }, async (ground) => {
      const [away, startedAtMs] = [{ from: 0, to: 0 }, Date.now()];
      const second = () => (Date.now() - startedAtMs) / 1_000;
      const publisher = { program: 'latency/publisher.entry.js', setting: JSON.stringify({ perSecond }) };
      const series = await ground.running((consuming) =>
        ground.running(
          (publishing) =>
            sampled([consuming, publishing], everyMs, async () => {
              await sleep(seconds * 1_000, undefined, { signal: stage.interrupted });
              away.from = second();
              await broker.kill();
              await sleep(seconds * 1_000, undefined, { signal: stage.interrupted });
              away.to = second();
              await broker.start();
              await ground.counted(consuming, events, () => countEffects(ground.database), { stallMs });
            }),
          publisher,
        ),
      );
      const figures = { ...flatness(series), ...absence(series, away.from, away.to) };
      const findings = auditLedger(await readLedger(ground.database), events);
      return { rate: figures.awayMiB, findings, figures, series: thinned(series) };
    });
  } finally {
    await kafka.stop();
  }
}
