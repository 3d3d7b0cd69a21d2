/**
 * What kafkajs tells about our place in the group: which join we are in, whether the broker has confirmed it, and
 * when it last did.
 *
 * A claim may be made only after a successful heartbeat of the present generation: kafkajs's GROUP_JOIN carries
 * none, and a late ex-owner would fence the real one.
 */
import type { Clock } from '@exactly-once/core';
import type { Consumer, ConsumerGroupJoinEvent, ConsumerHeartbeatEvent } from 'kafkajs';

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface Join {
  readonly memberId: string;
  /** By `partitionName`. */
  readonly assigned: ReadonlyMap<string, AssignedPartition>;
}

export function partitionName(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

export interface MembershipTimes {
  /** Milliseconds without a heartbeat after which the broker gives the partitions away. */
  readonly sessionTimeout: number;
  /** Milliseconds that a rebalance may take. */
  readonly rebalanceTimeout: number;
}

const nudgeMs = 50;

export class GroupMembership {
  readonly #clock: Clock;
  #join: Join | null = null;
  #generation: number | null = null;
  #heartbeats = 0;
  #heartbeat: (() => Promise<void>) | null = null;
  #heardAtMs: number;
  #rebalancing = false;

  /** `joined` is called with each join, the first included. */
  constructor(consumer: Consumer, clock: Clock, joined: (join: Join) => void) {
    this.#clock = clock;
    this.#heardAtMs = clock.now();
    const { GROUP_JOIN, HEARTBEAT, REBALANCING } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) => {
      const { memberAssignment, memberId } = payload;
      const assigned = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => [partitionName(topic, partition), { topic, partition }] as const),
      );
      this.#join = { memberId, assigned: new Map(assigned) };
      this.#generation = null;
      this.#heard();
      joined(this.#join);
    });
    consumer.on(HEARTBEAT, ({ payload }: ConsumerHeartbeatEvent) => {
      if (payload.memberId !== this.#join?.memberId) return;
      this.#generation = payload.groupGenerationId;
      this.#heartbeats++;
      this.#heard();
    });
    consumer.on(REBALANCING, () => {
      this.#heard();
      this.#rebalancing = true;
    });
  }

  get join(): Join | null {
    return this.#join;
  }

  /** Why the group may have gone on without us; `null` where there is no sign of it. */
  silence({ sessionTimeout, rebalanceTimeout }: MembershipTimes): string | null {
    const silentMs = this.#clock.now() - this.#heardAtMs;
    if (silentMs <= (this.#rebalancing ? Math.max(sessionTimeout, rebalanceTimeout) : sessionTimeout))
      return null;
    return this.#rebalancing
      ? `the group has been rebalancing for ${silentMs} ms`
      : `no heartbeat has succeeded for ${silentMs} ms: Kafka does not answer`;
  }

  /** The function that kafkajs hands to each batch; sends one where the last is old enough. */
  heartbeatBy(heartbeat: () => Promise<void>): void {
    this.#heartbeat = heartbeat;
  }

  /**
   * The generation, once a heartbeat that was sent from now on has succeeded within this join; `null` where the
   * join is over or `signal` aborts.
   */
  async confirmed(join: Join, signal: AbortSignal): Promise<number | null> {
    const seen = this.#heartbeats;
    while (this.#join === join && !signal.aborted) {
      if (this.#heartbeats > seen && this.#generation !== null) return this.#generation;
      await this.beat();
      if (this.#heartbeats > seen) continue;
      await new Promise((resolve) => setTimeout(resolve, nudgeMs));
    }
    return null;
  }

  /** Sends a heartbeat where one is due. A refusal is kafkajs's business: its own loop meets it and rejoins. */
  async beat(): Promise<void> {
    await this.#heartbeat?.().catch(() => undefined);
  }

  #heard(): void {
    this.#heardAtMs = this.#clock.now();
    this.#rebalancing = false;
  }
}
