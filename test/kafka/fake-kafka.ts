/**
 * kafkajs as far as the consumer sees it, without a broker: logs, one member's assignment, positions, pauses.
 *
 * A test drives it: nothing is fetched and no heartbeat is sent except by `round`. Calls out of turn throw as those
 * of kafkajs do.
 */
import { EventEmitter } from 'node:events';
import type { EachBatchPayload, Kafka } from 'kafkajs';

interface FakeLog {
  low: number;
  /** By offset; a hole is a record that compaction took. */
  values: (string | undefined)[];
}

const events = {
  GROUP_JOIN: 'join',
  HEARTBEAT: 'heartbeat',
  CRASH: 'crash',
  STOP: 'stop',
  DISCONNECT: 'disconnect',
  REBALANCING: 'rebalancing',
  FETCH_START: 'fetch_start',
  FETCH: 'fetch',
  COMMIT_OFFSETS: 'commit_offsets',
};

export class FakeKafka {
  readonly logs = new Map<string, FakeLog>();
  /** What the group has committed, by partition name. */
  readonly committed = new Map<string, string>();
  /** Each commit that was asked for, also those that failed. */
  readonly commits: string[] = [];
  readonly paused = new Set<string>();
  /** Batches handed over, for example `t/0@5 taken`. */
  readonly handed: string[] = [];
  /** Partitions that the admin does not know. */
  readonly unknown = new Set<string>();
  adminRequests = 0;
  adminAnswered = 0;
  /** Admins that are connected. */
  admins = 0;
  /** What the admin's answers wait for. */
  adminAnswers: () => Promise<void> = async () => {};
  lives = 0;
  assignment: string[] = [];
  answersHeartbeats = true;
  refusesCommits = false;
  /** What a commit's answer waits for. */
  commitAnswers: () => Promise<void> = async () => {};
  connects: () => Promise<void> = async () => {};
  disconnects: () => Promise<void> = async () => {};
  batchSize = 100;
  #bus = new EventEmitter();
  #group = false;
  #running = false;
  #generation = 0;
  #seeks = new Map<string, number>();
  #positions = new Map<string, number>();
  #eachBatch: (payload: EachBatchPayload) => Promise<void> = async () => {};

  log(name: string, values: (string | undefined)[] = [], low = 0): FakeLog {
    const log = { low, values };
    this.logs.set(name, log);
    return log;
  }

  client(): Kafka {
    return { admin: () => this.#admin(), consumer: () => this.#consumer() } as unknown as Kafka;
  }

  /** A join with these partitions, as after a rebalance. */
  join(...names: string[]): void {
    this.assignment = names;
    this.#generation++;
    this.#seeks.clear();
    this.#positions.clear();
    const memberAssignment: Record<string, number[]> = {};
    for (const name of names) {
      const [topic, partition] = split(name);
      memberAssignment[topic] = [...(memberAssignment[topic] ?? []), partition];
    }
    this.#bus.emit(events.GROUP_JOIN, { payload: { memberId: 'm', memberAssignment } });
  }

  rebalance(): void {
    this.#bus.emit(events.REBALANCING, { payload: {} });
  }

  /** What kafkajs does first when it crashes: its group is gone, and nobody has been told. */
  dropGroup(): void {
    this.#group = false;
  }

  /** What it does first when it stops: nothing is sent any more, and nobody has been told. */
  beginStop(): void {
    this.#running = false;
  }

  crash(): void {
    this.dropGroup();
    this.#bus.emit(events.CRASH, { payload: { error: new Error('crashed on purpose') } });
  }

  async heartbeat(): Promise<void> {
    if (!this.#group || !this.#running || !this.answersHeartbeats) return;
    const payload = { memberId: 'm', groupGenerationId: this.#generation };
    this.#bus.emit(events.HEARTBEAT, { payload });
  }

  /** A fetch that fails, after which kafkajs tries again without a join. */
  failFetch(): void {
    this.#bus.emit(events.FETCH_START, { payload: { nodeId: 0 } });
  }

  /** One turn of kafkajs: a heartbeat, then a fetch of what is assigned and not paused. */
  async round(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await this.heartbeat();
    if (!this.#group || !this.#running) return;
    this.#bus.emit(events.FETCH_START, { payload: { nodeId: 0 } });
    this.#bus.emit(events.FETCH, { payload: { nodeId: 0 } });
    for (const name of this.assignment) if (!this.paused.has(name)) await this.#fetch(name);
  }

  /** Hands over a batch of any partition from any offset. */
  async hand(name: string, from: number): Promise<void> {
    const [topic, partition] = split(name);
    const { values } = this.logs.get(name)!;
    const messages = values
      .map((value, offset) => ({ value, offset: String(offset), key: null, headers: {}, timestamp: '0' }))
      .filter(({ value, offset }) => value !== undefined && Number(offset) >= from)
      .slice(0, this.batchSize)
      .map((message) => ({ ...message, value: Buffer.from(message.value!) }));
    const last = messages.at(-1)?.offset;
    if (last === undefined) return;
    let taken = false;
    await this.#eachBatch({
      batch: { topic, partition, messages, highWatermark: String(values.length), lastOffset: () => last },
      heartbeat: () => this.heartbeat(),
      resolveOffset: () => {
        taken = true;
        this.#positions.set(name, Number(last) + 1);
      },
      commitOffsetsIfNecessary: async ({ topics }: CommitRequest) => {
        await this.#commit(
          topics.flatMap((one) => one.partitions.map((rest) => ({ topic: one.topic, ...rest }))),
        );
      },
      isStale: () => this.#seeks.has(name),
      isRunning: () => this.#group && this.#running,
    } as unknown as EachBatchPayload);
    this.handed.push(`${name}@${messages[0]!.offset} ${taken ? 'taken' : 'left'}`);
  }

  async #fetch(name: string): Promise<void> {
    const log = this.logs.get(name)!;
    const sought = this.#seeks.get(name);
    this.#seeks.delete(name);
    const position = sought ?? this.#positions.get(name) ?? 0;
    const from = position < log.low || position > log.values.length ? log.low : position;
    this.#positions.set(name, from);
    await this.hand(name, from);
  }

  async #commit(offsets: readonly { topic: string; partition: number; offset: string }[]): Promise<void> {
    const bus = this.#bus;
    for (const { topic, partition, offset } of offsets) this.commits.push(`${topic}/${partition}=${offset}`);
    await this.commitAnswers();
    if (this.refusesCommits) throw new Error('refused on purpose');
    for (const { topic, partition, offset } of offsets) this.committed.set(`${topic}/${partition}`, offset);
    bus.emit(events.COMMIT_OFFSETS, { payload: {} });
  }

  #needGroup(): void {
    if (!this.#group)
      throw new Error('Consumer group was not initialized, consumer#run must be called first');
  }

  #admin() {
    const partitions = (topic: string) =>
      [...this.logs.keys()].filter((name) => split(name)[0] === topic && !this.unknown.has(name));
    return {
      connect: async () => {
        this.admins++;
      },
      disconnect: async () => {
        this.admins--;
      },
      fetchTopicOffsets: async (topic: string) => {
        this.adminRequests++;
        await new Promise((resolve) => setTimeout(resolve, 2));
        await this.adminAnswers();
        this.adminAnswered++;
        return partitions(topic).map((name) => {
          const { low, values } = this.logs.get(name)!;
          return { partition: split(name)[1], low: String(low), high: String(values.length) };
        });
      },
      fetchOffsets: async ({ topics: [topic] }: { topics: string[] }) => [
        {
          topic,
          partitions: partitions(topic!).map((name) => ({
            partition: split(name)[1],
            offset: this.committed.get(name) ?? '-1',
          })),
        },
      ],
    };
  }

  #consumer() {
    const bus = new EventEmitter();
    this.#bus = bus;
    this.lives++;
    type Selection = { topic: string; partitions: number[] }[];
    const each = (selection: Selection, act: (name: string) => void) => {
      this.#needGroup();
      for (const { topic, partitions } of selection) for (const one of partitions) act(`${topic}/${one}`);
    };
    return {
      events,
      on: (name: string, listener: (event: unknown) => void) => bus.on(name, listener),
      connect: () => this.connects(),
      subscribe: async () => {},
      run: async ({ eachBatch }: { eachBatch: (payload: EachBatchPayload) => Promise<void> }) => {
        this.#eachBatch = eachBatch;
        this.#group = true;
        this.#running = true;
        this.join(...this.assignment);
      },
      pause: (selection: Selection) => each(selection, (name) => this.paused.add(name)),
      resume: (selection: Selection) => each(selection, (name) => this.paused.delete(name)),
      seek: ({ topic, partition, offset }: { topic: string; partition: number; offset: string }) => {
        this.#needGroup();
        this.#seeks.set(`${topic}/${partition}`, Number(offset));
      },
      commitOffsets: async (offsets: { topic: string; partition: number; offset: string }[]) => {
        this.#needGroup();
        if (this.#running) await this.#commit(offsets);
      },
      disconnect: async () => {
        this.dropGroup();
        await this.disconnects();
      },
    };
  }
}

interface CommitRequest {
  readonly topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[];
}

function split(name: string): [string, number] {
  const slash = name.lastIndexOf('/');
  return [name.slice(0, slash), Number(name.slice(slash + 1))];
}
