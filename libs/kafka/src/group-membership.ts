/**
 * What the client tells about our place in the group: which join we are in, whether the broker has confirmed it, and
 * when it last did.
 *
 * A claim may be made only after a successful heartbeat of the present generation: a join alone proves
 * none, and a late ex-owner would fence the real one.
 */
import type { Clock } from '@exactly-once/core';
import type { AssignedPartition, MembershipTimes } from './kafka-client.js';

export interface Join {
  readonly memberId: string;
  /** By `partitionName`. */
  readonly assigned: ReadonlyMap<string, AssignedPartition>;
}

export function partitionName(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

const nudgeMs = 50;

export class GroupMembership {
  readonly #clock: Clock;
  #join: Join | null = null;
  #generation: number | null = null;
  #heartbeats = 0;
  readonly #sendHeartbeat: () => Promise<void>;
  #heardAtMs: number;
  #rebalancing = false;

  /** `beat` sends a heartbeat where one is due. */
  constructor(clock: Clock, beat: () => Promise<void>) {
    this.#clock = clock;
    this.#sendHeartbeat = beat;
    this.#heardAtMs = clock.now();
  }

  joined(memberId: string, assigned: readonly AssignedPartition[]): Join {
    const named = assigned.map((one) => [partitionName(one.topic, one.partition), one] as const);
    this.#join = { memberId, assigned: new Map(named) };
    this.#generation = null;
    this.#heard();
    return this.#join;
  }

  heartbeat(memberId: string, generation: number): void {
    if (memberId !== this.#join?.memberId) return;
    this.#generation = generation;
    this.#heartbeats++;
    this.#heard();
  }

  rebalancing(): void {
    this.#heard();
    this.#rebalancing = true;
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

  /** Sends a heartbeat where one is due. A refusal is the client's business: its own loop meets it and rejoins. */
  async beat(): Promise<void> {
    await this.#sendHeartbeat().catch(() => undefined);
  }

  #heard(): void {
    this.#heardAtMs = this.#clock.now();
    this.#rebalancing = false;
  }
}
