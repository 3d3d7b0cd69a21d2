import type { HandlerDefinition } from '@exactly-once/core';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ConfigResourceTypes } from 'kafkajs';
import { World } from '../engine/world.js';
import { until } from '../services/ports.js';

const dayMs = 86_400_000;

let world: World;

beforeAll(async () => {
  world = await World.open('window-check', 1);
});
afterAll(() => world?.close());

async function settings(topic: string, given: Record<string, string>): Promise<void> {
  const configEntries = Object.entries(given).map(([name, value]) => ({ name, value }));
  const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries };
  await world.kafka.admin((admin) => admin.alterConfigs({ validateOnly: false, resources: [resource] }));
}

it('an engine warns of topics that keep their records for longer than its window', async () => {
  await settings(world.topic, { 'retention.ms': String(14 * dayMs) });
  await settings(world.output, { 'cleanup.policy': 'compact' });
  const handlers = [world.placed, world.captured].map(
    ({ type }): HandlerDefinition => ({ name: type, type, invoke: async () => {} }),
  );

  await (await world.engine({ storage: await world.storage(), handlers })).start();

  const warnings = () => world.log.filter((line) => line.includes('the deduplication window of 7 days'));
  await until('it has warned of both', async () => warnings().length >= 2);
  const text = warnings().join('\n');
  expect(text).toContain(`warn topic ${world.topic} keeps its records for 14 days`);
  expect(text).toContain(`warn topic ${world.output} keeps its records for ever`);
});
