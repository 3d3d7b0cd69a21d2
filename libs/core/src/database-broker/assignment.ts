/**
 * Which partitions a member of a group reads. Pure: every member computes the same from the same list, so nobody
 * has to lead. Only a wish: that two members never both move a partition on is the fence's doing.
 */
import type { GroupMember } from './log-store.js';

export interface Assigned {
  readonly topic: string;
  readonly partition: number;
}

/**
 * The partitions of `name` among `members`: those of a topic go around its readers, each topic beginning with
 * another one, so that many topics of one partition are shared out, too.
 */
export function assignedTo(
  name: string,
  members: readonly GroupMember[],
  partitions: readonly Assigned[],
): Assigned[] {
  const topics = [...new Set(partitions.map(({ topic }) => topic))].sort();
  return partitions.filter(({ topic, partition }) => {
    const readers = members.filter(({ topics: read }) => read.includes(topic)).map((member) => member.name);
    readers.sort();
    return readers[(topics.indexOf(topic) + partition) % readers.length] === name;
  });
}
