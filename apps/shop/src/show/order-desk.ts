/**
 * The customers: they place orders over HTTP, several at a time, and ask again where they got no answer. An order has
 * the same id however often it is asked for, so what was placed without an answer is not placed twice.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type WantedOrder, wantedOrders } from '../stage/wanted-orders.js';

const atOnce = 8;
const pauseMs = 20;

export interface DeskParts {
  readonly orders: number;
  readonly seed: number;
  /** Where the shop listens now; `null` while it does not. */
  readonly port: () => number | null;
  /** Resolves when the order of this number, from 0, may be placed. */
  readonly turn: (number: number) => Promise<void>;
  /** An order was confirmed. */
  readonly placed: (orderId: string) => void;
}

/** Resolves when every order is confirmed, or `signal` aborts. Rejects where the shop refuses one. */
export async function placeOrders(parts: DeskParts, signal: AbortSignal): Promise<void> {
  const wanted = wantedOrders(parts.seed, parts.orders);
  let begun = 0;
  const clerk = async (): Promise<void> => {
    while (begun < wanted.length && !signal.aborted) {
      const number = begun++;
      const order = wanted[number]!;
      await parts.turn(number);
      while (!signal.aborted && !(await place(order, parts.port(), signal))) await pause(pauseMs);
      if (!signal.aborted) parts.placed(order.orderId);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, clerk));
}

/** False: no answer, it may or may not have been placed. */
async function place(order: WantedOrder, port: number | null, signal: AbortSignal): Promise<boolean> {
  if (port === null) return false;
  let response: Response;
  try {
    response = await fetch(`http://127.0.0.1:${port}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(order),
      signal,
    });
    await response.arrayBuffer();
  } catch {
    return false; // killed meanwhile: that is what the show is about; or broken off
  }
  if (response.status === 201) return true;
  if (response.status === 503) return false;
  throw new Error(`the shop answered ${response.status} to an order`);
}
