/** The accounts of the contended benchmark, numbered from 0. An order pays its cents into one of them. */

export const accounts = 100;

/** Order number n costs n cents. */
export function accountOf(cents: number): number {
  return cents % accounts;
}
