/**
 * What we ask of kafkajs's admin client: where logs begin and end, where groups stand, and a topic that is missing.
 * Steps 2 and 3 of an event's life.
 *
 * It changes nothing that exists but the offsets of a group without members, and takes nothing that is not answered for
 * zero.
 */
import type { Admin, ConfigResourceTypes } from 'kafkajs';
import type { ClientAdmin, LogBounds } from '../kafka-client.js';
import { protocolType } from '../kafka-errors.js';

/** kafkajs names it in an object that Node cannot import by name. */
const topicResource: ConfigResourceTypes = 2;
/** To set offsets. */
const mostAttempts = 5;

export class KafkajsAdmin implements ClientAdmin {
  readonly #admin: Admin;

  constructor(admin: Admin) {
    this.#admin = admin;
  }

  connect(): Promise<void> {
    return this.#admin.connect();
  }

  async logBounds(topic: string): Promise<ReadonlyMap<number, LogBounds>> {
    const logs = await this.#admin.fetchTopicOffsets(topic);
    return new Map(
      logs.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]),
    );
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
    const [answer] = await this.#admin.fetchOffsets({ groupId: group, topics: [topic] });
    return new Map(answer?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  async offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, bigint>> {
    const found = await this.#admin.fetchTopicOffsetsByTimestamp(topic, timeMs);
    return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  async members(group: string): Promise<string[]> {
    const { groups } = await this.#admin.describeGroups([group]);
    return groups.flatMap(({ members }) => members.map((one) => `${one.clientId} at ${one.clientHost}`));
  }

  /**
   * kafkajs joins the group to do it, and says that it is done although another member has got the partitions meanwhile,
   * or another fetch came before the offsets.
   */
  async setOffsets(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    let missing = [...offsets];
    for (let attempt = 1; missing.length > 0; attempt++) {
      if (attempt > mostAttempts) {
        const where = missing.map(([partition]) => `${topic}/${partition}`).join(', ');
        throw new Error(`Kafka has not taken the offsets of ${where} for group ${group}`);
      }
      const partitions = missing.map(([partition, offset]) => ({ partition, offset: String(offset) }));
      await this.#admin.setOffsets({ groupId: group, topic, partitions });
      const committed = await this.committed(group, topic);
      missing = missing.filter(([partition, offset]) => committed.get(partition) !== offset);
    }
  }

  async retentionMs(topics: readonly string[]): Promise<ReadonlyMap<string, number | null>> {
    const kept = new Map<string, number | null>();
    for (const topic of topics) {
      const settings = await this.#settings(topic);
      if (settings === null) continue;
      const ms = Number(settings.get('retention.ms'));
      kept.set(topic, settings.get('cleanup.policy')?.includes('delete') && ms >= 0 ? ms : null);
    }
    return kept;
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    await this.#admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
  }

  /** kafkajs asks for every topic there is, and rejects where one of them has no leader: that is an answer as well. */
  async ping(): Promise<void> {
    try {
      await this.#admin.describeCluster();
    } catch (error) {
      if (protocolType(error) !== 'LEADER_NOT_AVAILABLE') throw error;
    }
  }

  /** `null`: there is no such topic. */
  async #settings(topic: string): Promise<ReadonlyMap<string, string> | null> {
    const configNames = ['retention.ms', 'cleanup.policy'];
    const resource = { type: topicResource, name: topic, configNames };
    try {
      const { resources } = await this.#admin.describeConfigs({
        includeSynonyms: false,
        resources: [resource],
      });
      const entries = resources.flatMap((one) => one.configEntries);
      return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
    } catch (error) {
      if (protocolType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return null;
      throw error;
    }
  }

  disconnect(): Promise<void> {
    return this.#admin.disconnect();
  }
}
