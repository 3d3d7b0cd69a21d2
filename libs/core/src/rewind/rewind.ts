/**
 * Feeds a topic to a group again: only what was missed, or everything to one handler, as a new generation. Beside an
 * event's life, while nobody of the group runs.
 *
 * The broker goes back first, then the database in one transaction. A crash in between loses nothing: the inbox absorbs
 * what comes again, and the rewind can be asked for once more.
 */

import {
  isAhead,
  isMoved,
  parkedRefusal,
  planRewind,
  type RewindParts,
  type RewindPlan,
  type RewindRequest,
} from './rewind-plan.js';
import type { RewindStep, Rewound } from './rewind-store.js';

export interface RewindOutcome extends Omit<Rewound, 'fences'> {
  readonly plan: RewindPlan;
  /** False: every partition stood there already, and nothing was changed. */
  readonly changed: boolean;
  /** Members that have come meanwhile: whoever of them began before the rewind has to be restarted. */
  readonly joined: readonly string[];
}

/**
 * Carries a plan out as it is found now. `by`: who decides, for the dead letters that are given up. Throws as
 * `planRewind`; nothing was changed then, or the broker's positions alone.
 */
export async function rewind(
  parts: RewindParts,
  { by, ...request }: RewindRequest & { readonly by: string },
): Promise<RewindOutcome> {
  const plan = await planRewind(parts, request);
  const moved = plan.partitions.filter(isMoved);
  if (moved.length === 0) return { plan, changed: false, generation: null, discarded: 0, joined: [] };
  const { group, topic, newGeneration } = plan;
  const { storage, positions } = parts;
  const ahead = moved.filter(({ committed, to }) => isAhead(committed, to));
  if (ahead.length > 0) await positions.move(group, topic, targetsOf(ahead));
  const rewound = await storage.rewinds.rewind({
    group,
    topic,
    targets: targetsOf(moved),
    newGeneration: newGeneration && { handlerId: newGeneration.id, by },
  });
  if (rewound === 'parked') throw parkedRefusal(newGeneration!.name);
  const { generation, discarded } = rewound;
  return { plan, changed: true, generation, discarded, joined: await positions.members(group) };
}

function targetsOf(partitions: RewindPlan['partitions']): RewindStep['targets'] {
  return new Map(partitions.map(({ partition, to }) => [partition, to!]));
}
