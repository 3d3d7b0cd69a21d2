/**
 * One process of a run: a producer, a publisher, a relay or a consumer, as its plan says.
 *
 * Tells the runner when it is ready; ends in order on SIGTERM, and at once when the runner is gone.
 */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { Witness } from './witness.js';
import type { WorkerPlan } from './worker-plan.js';

const plan = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as WorkerPlan;
const witness = new Witness(plan);

process.on('disconnect', () => process.exit(1));
process.on('unhandledRejection', (error) => witness.note({ kind: 'loud', error: String(error) }));

const asked = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()));

/** Each role loads only what it needs: a producer starts in half the time. */
async function main(): Promise<void> {
  if (plan.role === 'produce') {
    if (plan.broker === 'kafka') await (await import('./produce.js')).produceAll(plan);
    else await (await import('./append.js')).appendAll(plan);
  } else if (plan.role === 'consume') {
    const { startNest } = await import('./nest-host.js');
    const stop = await Promise.race([startNest(plan, witness), asked]);
    if (stop === undefined) return; // it never came up, and nobody waits for it any more
    const atStart = process.memoryUsage().rss;
    witness.ready();
    await asked;
    await stop();
    noteMemory(atStart);
  } else if (plan.role === 'transform') {
    const { startTransform } = await import('./transform-host.js');
    const stop = await startTransform(plan, witness);
    witness.ready();
    await asked;
    await stop();
  } else {
    await runEngine();
  }
}

async function runEngine(): Promise<void> {
  const { engineHost, startEngine } = await import('./engine-host.js');
  const host = await engineHost(plan, witness);
  const stop = await startEngine(host);
  const atStart = process.memoryUsage().rss;
  witness.ready();
  if (plan.role === 'publish') {
    const { publishAll } = await import('./publish.js');
    await publishAll(host, plan, witness);
  } else if (plan.role === 'deliver') {
    const { deliverAll } = await import('./deliver.js');
    await deliverAll(host, plan);
  } else {
    await asked;
  }
  await stop();
  await host.dataSource.destroy();
  if (plan.role === 'relay') noteMemory(atStart);
}

function noteMemory(atStart: number): void {
  witness.note({ kind: 'memory', atStart, most: process.resourceUsage().maxRSS * 1_024 });
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
