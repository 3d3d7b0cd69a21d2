/**
 * What kafkajs tells about our place in the group: which join we are in, and whether the broker has confirmed it.
 *
 * A claim may be made only after a successful heartbeat of the present generation: kafkajs's GROUP_JOIN carries
 * none, and a late ex-owner would fence the real one.
 */
import type { Consumer, ConsumerGroupJoinEvent, ConsumerHeartbeatEvent } from 'kafkajs';

export interface Join {
  /** Counts the joins of this process. */
  readonly ordinal: number;
  readonly memberId: string;
  readonly assigned: ReadonlySet<string>;
}

export function partitionName(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

const nudgeMs = 50;

export class GroupMembership {
  #join: Join | null = null;
  #generation: number | null = null;
  #heartbeats = 0;
  #heartbeat: (() => Promise<void>) | null = null;

  /** `joined` is called with each join, the first included. */
  constructor(consumer: Consumer, joined: (join: Join) => void) {
    const { GROUP_JOIN, HEARTBEAT } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) => {
      const { memberAssignment, memberId } = payload;
      const names = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => partitionName(topic, partition)),
      );
      this.#join = { ordinal: (this.#join?.ordinal ?? 0) + 1, memberId, assigned: new Set(names) };
      this.#generation = null;
      joined(this.#join);
    });
    consumer.on(HEARTBEAT, ({ payload }: ConsumerHeartbeatEvent) => {
      if (payload.memberId !== this.#join?.memberId) return;
      this.#generation = payload.groupGenerationId;
      this.#heartbeats++;
    });
  }

  get join(): Join | null {
    return this.#join;
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
}
