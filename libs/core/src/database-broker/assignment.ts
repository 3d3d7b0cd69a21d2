/**
 * Which partitions a member of a group reads. Pure: every member computes the same from the same list, whatever else
 * it reads itself, so nobody has to lead. Only a wish: that two members never both move a partition on is the fence's
 * doing.
 */
import { keyHash } from '../event/event-id.js';
import type { GroupMember } from './log-store.js';

export interface Assigned {
  readonly topic: string;
  readonly partition: number;
}

/**
 * The partitions of `name` among `members`: those of a topic go around its readers, each topic beginning with one
 * that its name says, so that many topics of one partition are shared out, too.
 */
export function assignedTo<T extends Assigned>(
  name: string,
  members: readonly GroupMember[],
  partitions: readonly T[],
): T[] {
  const readers = new Map<string, readonly string[]>();
  for (const topic of new Set(partitions.map((one) => one.topic)))
    readers.set(topic, readersOf(topic, members));
  return partitions.filter(({ topic, partition }) => {
    const names = readers.get(topic)!;
    return names[partition % names.length] === name;
  });
}

/** By name, turned by the topic's hash. */
function readersOf(topic: string, members: readonly GroupMember[]): string[] {
  const names = members.filter(({ topics }) => topics.includes(topic)).map((member) => member.name);
  names.sort();
  const turn = names.length === 0 ? 0 : (keyHash(topic, '') >>> 0) % names.length;
  return [...names.slice(turn), ...names.slice(0, turn)];
}
