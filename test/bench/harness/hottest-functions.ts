/**
 * What a V8 CPU profile says of where the time went: the share of each function itself, without those that it called.
 */

import type { Profiler } from 'node:inspector';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface HotFunction {
  readonly name: string;
  /** File and line; empty for the machine's own. */
  readonly place: string;
  /** Of the time in which the process was not idle. */
  readonly percent: number;
}

/** The functions that took most, hottest first. */
export function hottestFunctions(profile: Profiler.Profile, most: number): HotFunction[] {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const tookUs = new Map<string, number>();
  let busyUs = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id)!;
    if (frame.functionName === '(idle)') continue;
    const us = timeDeltas[index] ?? 0;
    busyUs += us;
    const key = JSON.stringify([frame.functionName || '(anonymous)', placeOf(frame)]);
    tookUs.set(key, (tookUs.get(key) ?? 0) + us);
  }
  return [...tookUs]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([key, us]) => {
      const [name, place] = JSON.parse(key) as [string, string];
      return { name, place, percent: Math.round((us / Math.max(busyUs, 1)) * 1_000) / 10 };
    });
}

/** From the repository's root, and within a package from its name. */
function placeOf({ url, lineNumber }: Profiler.Profile['nodes'][number]['callFrame']): string {
  if (url === '') return '';
  const path = url.startsWith('file:') ? relative(process.cwd(), fileURLToPath(url)) : url;
  return `${path.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`;
}
