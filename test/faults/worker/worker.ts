/**
 * One process of a run: a producer, a publisher, a relay or a consumer, as its plan says.
 *
 * Tells the runner when it is ready; ends in order on SIGTERM, and at once when the runner is gone.
 */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { deliverAll } from './deliver.js';
import { engineHost, startEngine } from './engine-host.js';
import { startNest } from './nest-host.js';
import { produceAll } from './produce.js';
import { publishAll } from './publish.js';
import { Witness } from './witness.js';
import type { WorkerPlan } from './worker-plan.js';

const plan = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as WorkerPlan;
const witness = new Witness(plan);

process.on('disconnect', () => process.exit(1));
process.on('unhandledRejection', (error) => witness.note({ kind: 'loud', error: String(error) }));

const asked = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()));

async function main(): Promise<void> {
  if (plan.role === 'produce') await produceAll(plan);
  else if (plan.role === 'consume') await consume();
  else await runEngine();
}

async function consume(): Promise<void> {
  const stop = await startNest(plan, witness);
  process.send?.('ready');
  await asked;
  await stop();
}

async function runEngine(): Promise<void> {
  const host = await engineHost(plan, witness);
  const stop = await startEngine(host);
  process.send?.('ready');
  if (plan.role === 'publish') await publishAll(host, plan, witness);
  else if (plan.role === 'deliver') await deliverAll(host, plan);
  else await asked;
  await stop();
  await host.dataSource.destroy();
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
