/**
 * How the transactions of the outbox benchmark are numbered and timed; what they do stands in `business.ts`. Knows no
 * database: a peer has a version of its own of the library that the others use.
 */

/** The setting of a contestant, as JSON. */
export interface OutboxSetting {
  /** How the event is published. */
  readonly way: 'none' | 'outbox' | 'within' | 'pg-transactional-outbox' | 'nestjs-outbox';
  /** A select, an update and an insert; or an insert alone. */
  readonly work: '' | '-single';
  /** Connections, each with a transaction at a time. */
  readonly count: number;
}

export const accounts = 10_000;
/** Transactions before those that are timed. */
export function warmUpsOf(events: number): number {
  return Math.min(events, 2_000);
}

/** Connections that are left for what a process does beside them. */
export const spareConnections = 2;

export function orderOf(number: number) {
  return { orderId: `order-${number}`, cents: number };
}

/** Runs the warm-ups and then transactions 1 to `events` after them, and tells the run when these begin and end. */
export async function timed(
  count: number,
  events: number,
  transact: (number: number) => Promise<unknown>,
): Promise<void> {
  const warmUps = warmUpsOf(events);
  let next = 1;
  const upTo = async (last: number) => {
    while (next <= last) await transact(next++);
  };
  const together = (last: number) => Promise.all(Array.from({ length: count }, () => upTo(last)));
  await together(warmUps);
  process.send?.(Date.now());
  await together(warmUps + events);
  process.send?.(Date.now());
}
