/**
 * Tells what takes its time from what is there, so that nobody waits without need: a promise for each event costs more
 * than decoding it.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

/** All of them; where one fails, once none runs any more. */
export async function allEnded<A, B, C>(a: Promise<A>, b: Promise<B>, c: Promise<C>): Promise<[A, B, C]> {
  await Promise.allSettled([a, b, c]);
  return Promise.all([a, b, c]);
}
