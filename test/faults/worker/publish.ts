/**
 * Business transactions that publish through the outbox, at a sign of the runner and until another, each recorded before
 * it and completed with what `ExactlyOnce.transaction` reported.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type EventTypeDescriptor, isExactlyOnceError } from '@exactly-once/core';
import type { LedgerData, Message } from '../record/message.js';
import type { EngineHost } from './engine-host.js';
import { pause } from './ledger.js';
import { businessSql, obstacleSql } from './ledger.sql.js';
import { ownRecord, plannedMessages } from './produce.js';
import type { Witness } from './witness.js';
import type { WorkerPlan } from './worker-plan.js';

class RolledBackOnPurpose extends Error {}

export async function publishAll(host: EngineHost, plan: WorkerPlan, witness: Witness): Promise<void> {
  const record = ownRecord(plan);
  while (!existsSync(join(plan.folder, `go-${plan.name}`))) await pause(5);
  const lingering: Promise<void>[] = [];
  for (const message of plannedMessages(plan)) {
    if (existsSync(join(plan.folder, 'enough'))) break;
    const finish = record.begin(message.attempt);
    const end = (reported: string) => {
      witness.note({ kind: 'transaction', message: message.attempt.message, reported });
      finish(reported === 'committed' ? 'ok' : reported === 'EO_COMMIT_UNKNOWN' ? 'info' : 'fail');
    };
    const { act } = JSON.parse(message.body) as LedgerData;
    if (act?.kind === 'linger') {
      const { ended } = await linger(host, plan, message, witness);
      lingering.push(ended.then(() => end('committed')));
    } else end(await publishOne(host, plan, message, witness));
    if (plan.paceMs > 0) await pause(plan.paceMs);
  }
  await Promise.all(lingering);
}

/** Resolves when the event is written in a transaction of the user's own, which is still open. */
function linger(
  { engine, types, dataSource }: EngineHost,
  plan: WorkerPlan,
  message: Message,
  witness: Witness,
): Promise<{ readonly ended: Promise<void> }> {
  const data = JSON.parse(message.body) as LedgerData;
  const ms = data.act?.kind === 'linger' ? data.act.ms : 0;
  return new Promise((written, failed) => {
    const ended = dataSource.transaction(async (manager) => {
      await manager.query(businessSql, [message.attempt.message, plan.name]);
      const type = types.get(message.type)!;
      await engine.outbox.publishWithin(manager, [{ type, data }], { id: message.id!, key: message.key });
      witness.note({ kind: 'act', act: 'linger', message: message.attempt.message, attempt: 1 });
      written({ ended });
      if (ms === null) while (!existsSync(join(plan.folder, 'release'))) await pause(5);
      else await pause(ms);
    });
    ended.catch(failed);
  });
}

/** `committed`, or the code of the error that was reported. */
async function publishOne(
  { engine, types, dataSource }: EngineHost,
  plan: WorkerPlan,
  message: Message,
  witness: Witness,
): Promise<string> {
  const { act } = JSON.parse(message.body) as LedgerData;
  const how = act?.kind === 'roll-back' ? act.how : null;
  const work = async () => {
    await dataSource.query(businessSql, [message.attempt.message, plan.name]);
    witness.reach('handler:between');
    const type = types.get(message.type) as EventTypeDescriptor<LedgerData>;
    await engine.outbox.publish(type, JSON.parse(message.body), { id: message.id!, key: message.key });
    if (how === 'throw' || how === 'nested') throw new RolledBackOnPurpose();
    if (how === 'swallow') await dataSource.query(obstacleSql).catch(() => undefined); // the mistake on purpose
    witness.reach('handler:end');
  };
  try {
    await engine.transaction(how === 'nested' ? () => swallowed(engine.transaction(work)) : work);
  } catch (error) {
    if (error instanceof RolledBackOnPurpose) return 'rolled back';
    if (isExactlyOnceError(error)) return error.code;
    throw error;
  }
  return 'committed';
}

/** The outer transaction goes on and commits; what was nested in it is gone. */
async function swallowed(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof RolledBackOnPurpose)) throw error;
  }
}
