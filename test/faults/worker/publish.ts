/**
 * Business transactions that publish through the outbox, at a sign of the runner, each recorded before it and completed with what
 * `ExactlyOnce.transaction` reported.
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
  for (const message of plannedMessages(plan)) {
    const finish = record.begin(message.attempt);
    const reported = await publishOne(host, plan, message, witness);
    witness.note({ kind: 'transaction', message: message.attempt.message, reported });
    finish(reported === 'committed' ? 'ok' : reported === 'EO_COMMIT_UNKNOWN' ? 'info' : 'fail');
  }
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
