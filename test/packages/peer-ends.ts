/**
 * The ends of the ranges in the libs' `peerDependencies`: what npm is asked for to have the lowest, the newest of the
 * first majors, and the newest of all. Derived from the manifests, so that a range that is changed is tested as it is.
 */
import type { Manifest } from './outside.js';

export const ends = ['lowest', 'first majors', 'newest'] as const;
export type End = (typeof ends)[number];

/** Tested elsewhere, without servers; large. */
const leftOut = new Set(['@electric-sql/pglite']);

/** `name@version` or `name@range`. Throws where two libs disagree. */
export function peersAt(end: End, manifests: readonly Manifest[]): string[] {
  const ranges = new Map<string, string>();
  for (const { name: of, peerDependencies = {} } of manifests) {
    for (const [name, range] of Object.entries(peerDependencies)) {
      if (name.startsWith('@exactly-once/') || leftOut.has(name)) continue;
      const known = ranges.get(name) ?? range;
      if (known !== range) throw new Error(`${of} has ${name} ${range}, another lib has ${known}`);
      ranges.set(name, range);
    }
  }
  ranges.set('@nestjs/platform-express', ranges.get('@nestjs/core')!); // an application has it
  return [...ranges].map(([name, range]) => `${name}@${at(end, range)}`);
}

function at(end: End, range: string): string {
  if (end === 'newest') return range;
  const [first = range] = range.split('||');
  return end === 'first majors' ? first.trim() : first.replace(/[^\d.]/g, '');
}
