/**
 * Takes single remedies out, from outside: the proof that the cases notice when one is missing.
 */
import {
  type Broker,
  type FenceStore,
  hasCode,
  type InboxStore,
  type Storage,
  type Transaction,
} from '@exactly-once/core';
import { around, withParts } from './around.js';
import type { PlantedBug } from './worker-plan.js';

export function storageWithBugs(storage: Storage, planted: readonly PlantedBug[]): Storage {
  let result = storage;
  if (planted.includes('no-inbox-insert')) {
    const inbox = around(storage.inbox, {
      admit: () => (_transaction, records) => Promise.resolve(records.map(() => ({ verdict: 'fresh' }))),
    });
    result = withParts(result, { inbox });
  }
  if (planted.includes('delivery-order')) {
    result = withParts(result, { inbox: inDeliveryOrder(storage.inbox) });
  }
  if (planted.includes('parked-passed')) {
    const parked = around(storage.parked, {
      parked: () => (_transaction, scopes) => Promise.resolve(scopes.map(() => false)),
    });
    result = withParts(result, { parked });
  }
  if (planted.includes('window-ignored')) {
    const inbox = around(storage.inbox, { deleteOlderThan: (forget) => (_, limit) => forget(0, limit) });
    result = withParts(result, { inbox });
  }
  result = withParts(result, { fences: fencesWithBugs(storage.fences, planted) });
  if (planted.includes('tag-unchecked')) result = withTransactions(result, uncheckedTag);
  if (planted.includes('commit-unchecked')) {
    result = withTransactions(result, (transaction) =>
      around(transaction, { commit: (commit) => () => commit().catch(() => undefined) }),
    );
  }
  if (planted.includes('collision-counted')) result = withoutCollisions(result);
  if (planted.includes('outbox-survives')) {
    result = withTransactions(result, (transaction) =>
      around(transaction, {
        rollback: (rollback) => async () => {
          await commitApart(storage, transaction);
          await rollback();
        },
      }),
    );
  }
  if (planted.includes('outbox-apart')) {
    result = withTransactions(result, (transaction) => outboxApart(storage, transaction));
  }
  return result;
}

export function brokerWithBugs(broker: Broker, planted: readonly PlantedBug[]): Broker {
  if (!planted.includes('early-acknowledge')) return broker;
  return around(broker, {
    consumer: (consumer) => (request) => {
      const sink = around(request.sink, {
        process: (work) => (deliveries, session) => {
          session.done(deliveries.length);
          return work(deliveries, session);
        },
      });
      return consumer({ ...request, sink });
    },
  });
}

function fencesWithBugs(fences: FenceStore, planted: readonly PlantedBug[]): FenceStore {
  let result = fences;
  if (planted.includes('no-fence')) {
    result = around(result, {
      advance:
        (advance) =>
        async (...given) =>
          (await advance(...given)) || true,
    });
  }
  if (planted.includes('log-unchecked')) {
    result = around(result, {
      claim:
        (claim) =>
        async (...given) => ({ ...(await claim(...given)), lastFingerprint: null }),
    });
  }
  if (planted.includes('no-marks')) result = withParts(result, { accuse: async () => [] });
  return result;
}

/** The database's own error takes the place of what it means. */
function withoutCollisions(storage: Storage): Storage {
  const raw = (error: unknown) =>
    hasCode(error, 'EO_SERIALIZATION_FAILURE') ? ((error as Error).cause ?? error) : error;
  const translating = around(storage, { translate: (translate) => (error) => raw(translate(error)) });
  return withTransactions(translating, (transaction) =>
    withParts(
      around(transaction, {
        commit: (commit) => () =>
          commit().catch((error: unknown) => {
            throw raw(error);
          }),
      }),
      {
        get fault() {
          const { fault } = transaction;
          return hasCode(fault, 'EO_SERIALIZATION_FAILURE') ? null : fault;
        },
      },
    ),
  );
}

function withTransactions(storage: Storage, change: (transaction: Transaction) => Transaction): Storage {
  return around(storage, { begin: (begin) => async (options) => change(await begin(options)) });
}

function inDeliveryOrder(inbox: InboxStore): InboxStore {
  return around(inbox, {
    admit: (admit) => async (transaction, records) => {
      const admissions = [];
      for (const record of records) admissions.push(...(await admit(transaction, [record])));
      return admissions;
    },
  });
}

function uncheckedTag(transaction: Transaction): Transaction {
  const swallow = (work: () => Promise<void>) => () =>
    work().catch((error: unknown) => {
      if (!hasCode(error, 'EO_TRANSACTION_ABORTED')) throw error;
    });
  return withParts(around(transaction, { seal: swallow, commit: swallow }), { aborted: null });
}

/** Takes the published events out of the transaction and commits them in one of their own, before it. */
function outboxApart(storage: Storage, transaction: Transaction): Transaction {
  const sealing = around(transaction, {
    seal: (seal) => async () => {
      await commitApart(storage, transaction);
      await seal();
    },
  });
  return withParts(sealing, { aborted: null }); // else it is found out before its seal
}

async function commitApart(storage: Storage, { outgoing }: Transaction): Promise<void> {
  const apart = await storage.begin({ idleTimeoutMs: 5_000, statementTimeoutMs: 0, shared: false });
  apart.outgoing.push(...outgoing.splice(0));
  await apart.seal();
  await apart.commit();
}
