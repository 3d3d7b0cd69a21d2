/**
 * A transport of the harness's own: hands deliveries to the engine one beside the other, all at once, as soon as
 * the runner gives the sign.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Delivery, readEvent } from '@exactly-once/core';
import type { LedgerData, Message } from '../record/message.js';
import type { EngineHost } from './engine-host.js';
import { pause } from './ledger.js';
import { ownRecord, plannedMessages } from './produce.js';
import type { WorkerPlan } from './worker-plan.js';

export async function deliverAll(host: EngineHost, plan: WorkerPlan): Promise<void> {
  const record = ownRecord(plan);
  const messages = plannedMessages(plan);
  while (!existsSync(join(plan.folder, 'release'))) await pause(5);
  await Promise.all(
    messages.map(async (message, index) => {
      const finish = record.begin(message.attempt);
      await deliverOne(host, plan, message, index);
      finish('ok');
    }),
  );
}

async function deliverOne(
  host: EngineHost,
  plan: WorkerPlan,
  message: Message,
  index: number,
): Promise<void> {
  const [handler] = plan.handlers;
  const delivery: Delivery = {
    topic: message.topic,
    partition: 0,
    offset: BigInt(index),
    key: message.key === null ? null : Buffer.from(message.key),
    headers: Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name, Buffer.from(value, 'hex')]),
    ),
    body: Buffer.from(message.body),
    timestampMs: Date.now(),
  };
  await host.engine.handleForeign({
    handler: handler!.name,
    delivery,
    read: () => readEvent(delivery, {}),
    data: JSON.parse(message.body),
    invoke: (data, context) => host.ledger.record(handler!.name, data as LedgerData, context),
  });
}
