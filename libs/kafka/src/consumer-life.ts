/**
 * One life of a group's member: from connecting to its crash or our stop.
 *
 * A client may drop its group before it says that it crashed, and then throw at whoever calls it, as kafkajs does: what
 * would be said to it in between is lost with the life, and never throws.
 */
import { type Clock, type ConsumerRequest, errorChain, type Logger } from '@exactly-once/core';
import { GroupMembership, type Join } from './group-membership.js';
import type { AssignedPartition, FetchedRecords, GroupMember, KafkaClient } from './kafka-client.js';
import { OffsetCommitter } from './offset-committer.js';

export interface LifeParts {
  readonly client: KafkaClient;
  readonly request: Pick<ConsumerRequest, 'group' | 'topics'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly joined: (life: ConsumerLife, join: Join) => void;
  /** False: not taken. */
  readonly fetched: (life: ConsumerLife, records: FetchedRecords) => boolean;
  readonly interrupted: (life: ConsumerLife) => void;
  /** The client has given up and disconnected: nothing is assigned any more. */
  readonly crashed: (life: ConsumerLife, error: Error) => void;
}

export class ConsumerLife {
  readonly membership: GroupMembership;
  readonly committer: OffsetCommitter;
  readonly #parts: LifeParts;
  readonly #member: GroupMember;
  #over = false;

  constructor(parts: LifeParts) {
    const { client, request, clock, logger } = parts;
    this.#parts = parts;
    this.membership = new GroupMembership(clock, () => this.#member.beat());
    this.committer = new OffsetCommitter({
      logger,
      send: (offsets) => this.#member.commit(offsets),
      assigned: (name) => !this.#over && this.membership.join?.assigned.has(name) === true,
    });
    this.#member = client.member(request.group, {
      joined: (memberId, assigned) => {
        const join = this.membership.joined(memberId, assigned);
        if (!this.#over) parts.joined(this, join);
      },
      heartbeat: (memberId, generation) => this.membership.heartbeat(memberId, generation),
      rebalancing: () => this.membership.rebalancing(),
      fetched: (records) => parts.fetched(this, records),
      interrupted: () => parts.interrupted(this),
      crashed: (error) => {
        this.#over = true;
        parts.crashed(this, error);
      },
      ended: () => {
        this.#over = true;
      },
    });
  }

  get over(): boolean {
    return this.#over;
  }

  /** Resolves when the client runs, joined or crashed. Where it starts is always decided by a claim's seek. */
  async connect(signal: AbortSignal): Promise<void> {
    const topics = this.#parts.request.topics.map(({ topic }) => topic);
    await this.#member.start(topics, signal);
  }

  seek(partition: AssignedPartition, offset: bigint): void {
    this.#tell(() => this.#member.seek(partition, offset));
  }

  pause(...partitions: readonly AssignedPartition[]): void {
    this.#tell(() => this.#member.pause(partitions));
  }

  resume(partition: AssignedPartition): void {
    this.#tell(() => this.#member.resume(partition));
  }

  /** Commits what is left, leaves the group and disconnects. May be called again. */
  async end(): Promise<void> {
    await this.committer.flushed();
    this.#over = true;
    try {
      await this.#member.leave();
    } catch (error) {
      this.#parts.logger.warn(`consumer did not disconnect in order: ${errorChain(error).join(' <- ')}`);
    }
  }

  #tell(action: () => void): void {
    if (this.#over) return;
    try {
      action();
    } catch (error) {
      this.#over = true;
      this.#parts.logger.debug(`the client runs no more: ${errorChain(error).join(' <- ')}`);
    }
  }
}
