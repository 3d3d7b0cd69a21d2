/**
 * Remedies taken out of a simulated storage, from outside: the proof that the simulation notices when one is missing.
 */
import type { InMemoryStorage } from '@exactly-once/testing';

export const simulatedBugs = [
  /** Every event is admitted as fresh. */
  'no-inbox-insert',
  /** The position moves in a transaction of its own, before that of the effects. */
  'early-acknowledge',
  /** Every move of the fence is granted. */
  'no-fence',
  /** Whoever once had a lease counts as its holder. */
  'lease-unchecked',
  /** Later events of a parked key are not parked behind it. */
  'parked-passed',
] as const;
export type SimulatedBug = (typeof simulatedBugs)[number];

export function plant(storage: InMemoryStorage, bug: SimulatedBug): void {
  const { inbox, fences, leases, parked } = storage;
  const advance = fences.advance.bind(fences);
  if (bug === 'no-inbox-insert') {
    inbox.admit = async (_transaction, records) => records.map(() => ({ verdict: 'fresh' }));
  }
  if (bug === 'early-acknowledge') {
    fences.advance = async (_transaction, move) => {
      const apart = await storage.begin();
      const held = await advance(apart, move);
      await apart.seal();
      await apart.commit();
      return held;
    };
  }
  if (bug === 'no-fence')
    fences.advance = async (transaction, move) => (await advance(transaction, move)) || true;
  if (bug === 'lease-unchecked') {
    const beat = leases.beat.bind(leases);
    leases.holds = () => true;
    leases.beat = async (owner, leaseMs, had) => ({
      ...(await beat(owner, leaseMs, had)),
      held: had.map(({ shard }) => shard),
    });
  }
  if (bug === 'parked-passed') parked.parked = async (_transaction, scopes) => scopes.map(() => false);
}
