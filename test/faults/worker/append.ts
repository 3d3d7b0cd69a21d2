/**
 * Produces messages to the log of the database broker with statements of its own, each attempt recorded before it and
 * completed after it. Where the connection ends they are appended again, as a producer's retry does it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { appendTogether } from '../broker/append-together.js';
import { ownRecord, plannedMessages } from './produce.js';
import type { WorkerPlan } from './worker-plan.js';

/** Tries, 50 ms apart: longer than a database needs to come back. */
const mostTries = 600;

export async function appendAll(plan: WorkerPlan): Promise<void> {
  const record = ownRecord(plan);
  const messages = plannedMessages(plan);
  const connect = () => connected(plan.databaseUrl);
  let client = await connect();
  for (let from = 0; from < messages.length; from += plan.sendAtOnce) {
    const some = messages.slice(from, from + plan.sendAtOnce);
    for (let tries = 1; ; tries++) {
      const finish = some.map(({ attempt }) => record.begin(attempt));
      try {
        await appendTogether(async (sql, values) => (await client.query(sql, values)).rows, some);
        for (const one of finish) one('ok');
        break;
      } catch (error) {
        if (tries === mostTries) throw error;
        void client.end().catch(() => undefined); // it may be gone; what became of the attempt nobody knows
        client = await connect();
      }
    }
    if (plan.paceMs > 0) await sleep(plan.paceMs);
  }
  await client.end();
}

async function connected(connectionString: string): Promise<pg.Client> {
  for (let tries = 1; ; tries++) {
    const client = new pg.Client({ connectionString });
    client.on('error', () => undefined); // the next statement tells
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (tries === mostTries) throw error;
      await sleep(50);
    }
  }
}
