/**
 * Takes single remedies of the relay out, from outside.
 */
import type { Lease, LeaseStore, OutboxStore, Storage } from '@exactly-once/core';
import type { DataSource } from 'typeorm';
import { around, withParts } from './around.js';
import { forgetKeySql, holderSql } from './planted-relay-bugs.sql.js';
import type { PlantedBug } from './worker-plan.js';

export function storageWithRelayBugs(
  storage: Storage,
  dataSource: DataSource,
  planted: readonly PlantedBug[],
): Storage {
  let result = storage;
  if (planted.includes('no-hold-back')) {
    result = withParts(result, { outbox: withoutHoldBack(result.outbox) });
  }
  if (planted.includes('lease-unchecked')) {
    const [leases, outbox] = [forEver(result.leases), unchecked(result.outbox, dataSource)];
    result = withParts(result, { leases, outbox });
  }
  if (planted.includes('dead-row-passed')) {
    result = withParts(result, { outbox: deadRowPassed(result.outbox, dataSource) });
  }
  return result;
}

function withoutHoldBack(outbox: OutboxStore): OutboxStore {
  return around(outbox, {
    claim:
      (claim) =>
      async (...given) => ({ ...(await claim(...given)), writers: [] }),
  });
}

/** No lease is ever said to be lost. */
function forEver(leases: LeaseStore): LeaseStore {
  return around(leases, {
    beat: (beat) => async (owner, leaseMs, own) => ({
      ...(await beat(owner, leaseMs, own)),
      held: own.map(({ shard }) => shard),
    }),
  });
}

/** Works in the name of whoever holds the shard. */
function unchecked(outbox: OutboxStore, dataSource: DataSource): OutboxStore {
  const holder = async ({ shard }: Lease): Promise<Lease> => {
    const [row] = await dataSource.query(holderSql, [shard]);
    return { shard, owner: row.owner, epoch: BigInt(row.epoch) };
  };
  return around(outbox, {
    claim:
      (claim) =>
      async (lease, ...given) =>
        claim(await holder(lease), ...given),
    settle:
      (settle) =>
      async (lease, ...given) =>
        settle(await holder(lease), ...given),
  });
}

function deadRowPassed(outbox: OutboxStore, dataSource: DataSource): OutboxStore {
  return around(outbox, {
    refuse: (refuse) => async (lease, position, reason) => {
      await refuse(lease, position, reason);
      await dataSource.query(forgetKeySql, [position]);
    },
  });
}
