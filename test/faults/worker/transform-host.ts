/**
 * Core's engine with a handler in Kafka transactions: two events for each that it handles, and no database.
 */
import {
  type Broker,
  Engine,
  type EventContext,
  type EventTypeDescriptor,
  hasCode,
  type Storage,
} from '@exactly-once/core';
import { fingerprint, type LedgerData } from '../record/message.js';
import { around, withParts } from './around.js';
import { storageWithPoints } from './crash-points.js';
import { batchOptions, descriptors, plannedBroker, workerLogger } from './engine-parts.js';
import { pause } from './ledger.js';
import type { Witness } from './witness.js';
import { outputType, secondOutputType, type WorkerPlan } from './worker-plan.js';

/** Body of both events: all that the oracles ask of an effect. */
export interface Transformed {
  readonly handler: string;
  readonly source: string;
  /** Bytes of the id in hexadecimal. */
  readonly id: string;
  readonly message: string;
  readonly key: string | null;
  readonly sequence: number;
}

export async function startTransform(plan: WorkerPlan, witness: Witness): Promise<() => Promise<void>> {
  const types = descriptors(plan);
  const engine: Engine = new Engine({
    service: plan.service,
    group: plan.group,
    broker: brokerWithTransactions(await plannedBroker(plan, witness), witness),
    types: [...types.values()],
    unhandled: 'dead-letter',
    handlers: plan.handlers.map(({ name, type }) => ({
      name,
      type,
      transaction: 'kafka',
      invoke: (data, context) => work(name, data as LedgerData, context),
    })),
    ...batchOptions(plan),
    logger: workerLogger,
  });

  async function work(handler: string, data: LedgerData, context: EventContext): Promise<void> {
    if (data.act?.kind === 'fail') throw new Error('this handler fails on purpose');
    const { source, id, event } = context;
    const { key, sequence } = data;
    const message = fingerprint(event.body ?? '');
    const body: Transformed = {
      ...{ handler, source, message, key, sequence },
      id: Buffer.from(id).toString('hex'),
    };
    const publish = (type: string) =>
      engine.outbox.publish(types.get(type) as EventTypeDescriptor<Transformed>, body);
    await publish(outputType);
    witness.reach('handler:between');
    if (plan.paceMs > 0) await pause(plan.paceMs);
    await publish(secondOutputType);
    witness.reach('handler:end');
  }

  await engine.start();
  while (engine.health().status === 'down') await pause(20);
  return () => engine.stop();
}

function brokerWithTransactions(broker: Broker, witness: Witness): Broker {
  const make = broker.transactions!;
  return withParts(broker, {
    transactions: (ambient) => storageWithPoints(witnessed(make(ambient), witness), witness.reach),
  });
}

/** Notes claims, and whatever is refused because somebody else has the partition. */
function witnessed(storage: Storage, witness: Witness): Storage {
  const fences = around(storage.fences, {
    claim: (claim) => async (key, owner, startOffset) => {
      const row = await claim(key, owner, startOffset);
      witness.note({ kind: 'claimed', topic: key.topic, partition: key.partition });
      return row;
    },
    advance: (advance) => async (transaction, move) => {
      const held = await advance(transaction, move);
      if (!held) witness.note({ kind: 'fenced', topic: move.key.topic, partition: move.key.partition });
      return held;
    },
  });
  const noting = around(storage, {
    begin: (begin) => async (options) =>
      around(await begin(options), {
        commit: (commit) => async () => {
          try {
            await commit();
          } catch (error) {
            if (hasCode(error, 'EO_FENCED')) witness.note({ kind: 'refused', code: 'EO_FENCED' });
            throw error;
          }
        },
      }),
  });
  return withParts(noting, { fences });
}
