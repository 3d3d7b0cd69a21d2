/**
 * The relay alone: an engine as `exactly-once relay` makes it, in batches of 1,000; the setting says whether it is
 * `transactional`. It starts the clock when it begins to
 * publish its first shard.
 */
import { Engine, silentLogger } from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { storageOn } from '@exactly-once/typeorm';
import { DataSource } from 'typeorm';
import { request } from '../contestants/order-payload.js';

const { databaseUrl, brokers, setting } = request();
const dataSource = new DataSource({ type: 'postgres', url: databaseUrl, poolSize: 4 });
await dataSource.initialize();

const said = (message: string) => process.stderr.write(`${message}\n`);
const engine = new Engine({
  service: 'exactly-once-relay',
  storage: storageOn(dataSource),
  broker: await kafkaBroker({ client: { clientId: 'exactly-once-relay', brokers: [...brokers] } }).create(),
  handlers: [],
  types: [],
  unhandled: 'skip',
  relay: { batchSize: 1_000, leaseMs: 10_000, maxPollMs: 1_000, transactional: setting === 'transactional' },
  retention: false,
  logger: {
    ...silentLogger,
    error: said,
    warn: said,
    info: (message) => {
      if (message.includes('publishes shard')) process.send?.(Date.now());
    },
  },
});
process.once('SIGTERM', async () => {
  await engine.stop();
  await dataSource.destroy();
});
await engine.start();
