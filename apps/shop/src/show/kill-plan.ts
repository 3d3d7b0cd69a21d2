/**
 * When the shop's process is killed, and where in its work: chosen by the seed, spread over the run.
 *
 * Says only when a kill is due; that it lands within an open transaction is the hold's doing.
 */
import { Chance } from '../stage/chance.js';
import type { HoldPlace } from '../stage/messages.js';

export interface PlannedKill {
  /** Not before that many orders are placed. */
  readonly afterOrders: number;
  readonly where: HoldPlace;
}

const places: readonly HoldPlace[] = ['before-commit', 'before-seal', 'placing'];

/** `kills` of them, at most one an order, all before the last order is placed; each place in turn. */
export function planKills(seed: number, orders: number, kills: number): PlannedKill[] {
  const chance = new Chance(seed, 'kills');
  const first = chance.between(0, places.length - 1);
  const stretch = orders / kills;
  return Array.from({ length: kills }, (_, number) => {
    const [from, to] = [Math.floor(number * stretch), Math.floor((number + 1) * stretch) - 1];
    return {
      afterOrders: chance.between(from, to),
      where: places[(first + number) % places.length]!,
    };
  });
}
