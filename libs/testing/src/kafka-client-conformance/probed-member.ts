/**
 * A member of a group in the Kafka client suite: it keeps what it is told, and is paused from each join on.
 *
 * It never commits, seeks or resumes by itself.
 */
import type { Delivery } from '@exactly-once/core';
import type { FetchedShape, KafkaClientShape, MemberShape, PartitionShape } from './kafka-client-shape.js';

export class ProbedMember {
  readonly member: MemberShape;
  /** Records that were taken. */
  readonly taken: Delivery[] = [];
  /** All that were handed over, taken or not. */
  readonly offered: FetchedShape[] = [];
  takes = true;
  joins = 0;
  interruptions = 0;
  memberId = '';
  assigned: readonly PartitionShape[] = [];
  /** Generations that a heartbeat has confirmed for this member, since the last join. */
  confirmed: number[] = [];
  over = false;

  constructor(client: KafkaClientShape, group: string) {
    this.member = client.member(group, {
      joined: (memberId, assigned) => {
        [this.memberId, this.assigned, this.confirmed] = [memberId, assigned, []];
        this.joins++;
        this.member.pause(assigned);
      },
      heartbeat: (memberId, generation) => {
        if (memberId === this.memberId) this.confirmed.push(generation);
      },
      rebalancing: () => undefined,
      fetched: (records) => {
        this.offered.push(records);
        if (this.takes) this.taken.push(...records.deliveries);
        return this.takes;
      },
      interrupted: () => {
        this.interruptions++;
      },
      crashed: () => {
        this.over = true;
      },
      ended: () => {
        this.over = true;
      },
    });
  }

  begin(partition: PartitionShape, offset: bigint): void {
    this.member.seek(partition, offset);
    this.member.resume(partition);
  }

  get values(): string[] {
    return this.taken.map(({ body }) => Buffer.from(body ?? []).toString());
  }
}
