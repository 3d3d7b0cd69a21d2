/**
 * One run over very many events, which are produced while they are consumed: more than would fit into memory, here as
 * there. Then the books.
 */
import type { Contestant, Measured, Stage } from '../harness/benchmark.js';
import { onGround, passed } from '../harness/ground.js';
import { auditLedger, readLedger } from '../harness/ledger.js';
import { ordersUpTo, produce } from '../harness/produce-events.js';
import { flatness, sampled, thinned } from './sampling.js';

const everyMs = 1_000;

export function consumingRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    const over = new AbortController();
    const series = await ground.running((process) =>
      sampled([process], stage.smoke ? everyMs / 10 : everyMs, async () => {
        const producing = produce(kafka, ground.topic, ordersUpTo(1, events), over.signal);
        try {
          await Promise.all([producing, ground.counted(process, events, () => passed(ground))]);
        } finally {
          over.abort();
          await producing.catch(() => undefined); // it has told already
        }
      }),
    );
    const figures = { ...flatness(series) };
    const findings = auditLedger(await readLedger(ground.database), events);
    return { rate: figures.lateMiB, findings, figures, series: thinned(series) };
  });
}
