/**
 * The protection switched off, to see what would have happened: no inbox, so a copy is handled again; a position
 * that moves before the work is done, so a kill loses what was under way. It is what a consumer with automatic
 * acknowledgement and no table of ids does.
 *
 * For the demonstration alone. Stands around the ports; the framework has no such option.
 */
import type { Broker, Delivery, DeliverySink, FenceClaim, Storage } from '@exactly-once/core';

/** Says of every event that it is new, and records nothing. */
export function withoutInbox<T extends Storage>(storage: T): T {
  storage.inbox.admit = async (_transaction, records) => records.map(() => ({ verdict: 'fresh' }));
  return storage;
}

/** Acknowledges what it is handed before it is handled. */
export function acknowledgingFirst<T extends Broker>(broker: T): T {
  const consumer = broker.consumer.bind(broker);
  broker.consumer = (request) => consumer({ ...request, sink: careless(request.sink, request.storage) });
  return broker;
}

function careless(sink: DeliverySink, storage: Storage): DeliverySink {
  return {
    process: async (deliveries, session) => {
      const { fence } = session;
      if (fence !== null) await pass(storage, fence, deliveries);
      await sink.process(deliveries, { ...session, fence: null });
    },
  };
}

async function pass(storage: Storage, fence: FenceClaim, deliveries: readonly Delivery[]): Promise<void> {
  const next = deliveries.at(-1)!.offset + 1n;
  const transaction = await storage.begin({
    idleTimeoutMs: 10_000,
    statementTimeoutMs: 10_000,
    shared: false,
  });
  try {
    const { key, owner, nextOffset: expected } = fence;
    await storage.fences.advance(transaction, { key, owner, expected, next, lastFingerprint: null });
    await transaction.seal();
    await transaction.commit();
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
  fence.nextOffset = next;
}
