/**
 * The orders of a run, ids included: what customers will ask for. Made from the seed alone, so the supervisor and the
 * shop's process know the same ones without telling each other.
 */
import { v4 } from 'uuid';
import { Chance } from './chance.js';

export interface WantedOrder {
  readonly orderId: string;
  readonly customer: string;
  readonly totalCents: number;
}

const customers = ['Ada', 'Barbara', 'Edsger', 'Frances', 'Grace', 'Leslie', 'Niklaus', 'Tony'];

export function wantedOrders(seed: number, orders: number): WantedOrder[] {
  const chance = new Chance(seed, 'orders');
  return Array.from({ length: orders }, () => ({
    orderId: v4({ random: Uint8Array.from({ length: 16 }, () => chance.between(0, 255)) }),
    customer: chance.pick(customers),
    totalCents: chance.between(500, 50_000),
  }));
}
