/**
 * Takes single remedies out of the database broker, from outside: the proof that its suite notices when one is missing.
 */
import {
  type Broker,
  type ConsumerRequest,
  type Delivery,
  type EventEnvelope,
  ExactlyOnceError,
  type FenceStore,
  type GroupMember,
  type LogStore,
  type ProcessingSession,
  type Storage,
} from '@exactly-once/core';
import { around, withParts } from '../faults/worker/around.js';

/** What stands around the storage of every process, and around its broker. */
export interface Sabotage {
  readonly storage?: (storage: Storage) => Storage;
  readonly broker?: (broker: Broker) => Broker;
}

const inLog = (change: (log: LogStore) => Partial<LogStore>): Sabotage => ({
  storage: (storage) => withParts(storage, { log: withParts(storage.log, change(storage.log)) }),
});
const inFences = (change: (fences: FenceStore) => Partial<FenceStore>): Sabotage => ({
  storage: (storage) => withParts(storage, { fences: withParts(storage.fences, change(storage.fences)) }),
});
const inRequest = (change: (request: ConsumerRequest) => ConsumerRequest): Sabotage => ({
  broker: (broker) => around(broker, { consumer: (consumer) => (request) => consumer(change(request)) }),
});
const inSink = (
  work: (
    process: ConsumerRequest['sink']['process'],
    deliveries: readonly Delivery[],
    session: ProcessingSession,
  ) => Promise<void>,
): Sabotage =>
  inRequest((request) => ({
    ...request,
    sink: {
      process: (deliveries, session) =>
        work((...given) => request.sink.process(...given), deliveries, session),
    },
  }));
const inDeliveries = (change: (delivery: Delivery) => Delivery): Sabotage =>
  inLog((log) => ({ read: async (...given) => (await log.read(...given)).map(change) }));
const inEvents = (change: (events: readonly EventEnvelope[]) => readonly EventEnvelope[]): Sabotage => ({
  broker: (broker) =>
    around(broker, {
      publisher: (publisher) => () => {
        const made = publisher();
        return withParts(made, { send: async (events) => made.send(change(events)) });
      },
    }),
});

const never = new AbortController().signal;

/** By what is missing; `reds`: the tests that must notice, by the beginning of their titles. */
/** By group: who reads all of it, by one of the sabotages. */
const readers = new Map<string, GroupMember>();

export const sabotages: Readonly<Record<string, Sabotage & { readonly reds: readonly string[] }>> = {
  'headers lose what is named like a prototype': {
    reds: ['delivers what is sent', 'delivers what a foreign producer puts'],
    ...inDeliveries((delivery) => ({ ...delivery, headers: Object.assign({}, delivery.headers) })),
  },
  'headers are taken for text': {
    reds: ['delivers what a foreign producer puts'],
    ...inDeliveries((delivery) => ({ ...delivery, headers: asText(delivery.headers) })),
  },
  'events are sent in another order': {
    reds: ['keeps the order of each key'],
    ...inEvents((events) => [...events].reverse()),
  },
  'records are read in another order': {
    reds: ['keeps the order of each key'],
    ...inLog((log) => ({ read: async (...given) => (await log.read(...given)).reverse() })),
  },
  'all groups share one position': {
    reds: ['gives every group everything'],
    ...inRequest((request) => ({ ...request, group: 'one for all' })),
  },
  'bodies are cut': {
    reds: ['delivers a body of 900,000 bytes'],
    ...inDeliveries((delivery) => ({ ...delivery, body: delivery.body?.slice(0, 65_536) ?? null })),
  },
  'a failure to append counts as sent': {
    reds: ['throws where it is cut off'],
    broker: (broker) =>
      around(broker, {
        publisher: (publisher) => () => {
          const made = publisher();
          const sent = (events: readonly EventEnvelope[]) => events.map(() => ({ status: 'sent' as const }));
          return withParts(made, { send: (events) => made.send(events).catch(() => sent(events)) });
        },
      }),
  },
  'outcomes are not one for each event': {
    reds: ['answers for each event'],
    broker: (broker) =>
      around(broker, {
        publisher: (publisher) => () => {
          const made = publisher();
          return withParts(made, { send: async (events) => (await made.send(events)).slice(0, 1) });
        },
      }),
  },
  'topics are not made': {
    reds: ['makes a topic'],
    ...inLog(() => ({ createTopics: async () => undefined })),
  },
  'positions are forgotten with the process': {
    reds: ['delivers again what was not done', 'begins a new group at the end'],
    ...inFences((fences) => ({
      claim: async (key, owner, start) => {
        await fences.claim(key, owner, start);
        await fences.reposition(key, owner, start, false);
        return (await fences.read(key))!;
      },
    })),
  },
  'a claim passes one event by': {
    reds: ['delivers again what was not done', 'claims a partition anew'],
    ...inFences((fences) => ({
      claim: async (...given) => {
        const row = await fences.claim(...given);
        return { ...row, nextOffset: row.nextOffset + 1n };
      },
    })),
  },
  'a new group always begins at the beginning': {
    reds: ['begins a new group at the end'],
    ...inRequest((request) => ({
      ...request,
      topics: request.topics.map(({ topic }) => ({ topic, startFrom: 'earliest' })),
    })),
  },
  'an event that must not be passed by is passed by': {
    reds: ['stops a partition whose event'],
    ...inSink((process, deliveries, session) =>
      process(deliveries, session).catch(async (error: unknown) => {
        if ((error as ExactlyOnceError).code !== 'EO_STOPPED') throw error;
        session.fence!.nextOffset = deliveries.at(-1)!.offset + 1n;
      }),
    ),
  },
  'one stopped partition stops all': {
    reds: ['stops a partition whose event'],
    ...stopsAll(),
  },
  'a refusal by the fence ends the partition': {
    reds: ['claims a partition anew'],
    ...inSink((process, deliveries, session) =>
      process(deliveries, session).catch((error: ExactlyOnceError) => {
        throw error.code === 'EO_FENCED' ? new ExactlyOnceError('EO_STOPPED', 'for good') : error;
      }),
    ),
  },
  'nobody says when to stop': {
    reds: ['waits for what runs'],
    ...inSink((process, deliveries, session) => process(deliveries, { ...session, draining: never })),
  },
  'nobody says when the grace is over': {
    reds: ['rolls back what runs'],
    ...inSink((process, deliveries, session) => {
      const late = new AbortController();
      session.aborted.addEventListener('abort', () => setTimeout(() => late.abort(), 12_000));
      return process(deliveries, { ...session, aborted: late.signal });
    }),
  },
  'running work is rolled back at once': {
    reds: ['waits for what runs'],
    ...inSink((process, deliveries, session) =>
      process(deliveries, { ...session, aborted: session.draining }),
    ),
  },
  'a stop while it starts is not heard': {
    reds: ['begins nothing when it is stopped while it starts'],
    broker: (broker) =>
      around(broker, {
        consumer: (consumer) => (request) => {
          const made = consumer(request);
          return withParts(made, {
            stop: async (graceMs) => {
              if (made.health().reason !== 'not joined yet') await made.stop(graceMs);
            },
          });
        },
      }),
  },
  'a start that is called off begins': {
    reds: ['does not start where it is not to start'],
    broker: (broker) =>
      around(broker, {
        consumer: (consumer) => (request) => {
          const made = consumer(request);
          return withParts(made, { start: () => made.start(never) });
        },
      }),
  },
  'one process reads all': {
    reds: ['shares the partitions'],
    ...inLog((log) => ({
      join: async (group, ...given) => {
        const members = await log.join(group, ...given);
        const reader = readers.get(group) ?? members[0]!; // the same for all, whoever joins later
        readers.set(group, reader);
        return [reader];
      },
    })),
  },
  'every move of the fence is granted': {
    reds: ['replaces a dead process'],
    ...inFences(() => ({ advance: async () => true })),
  },
  'members never die': {
    reds: ['replaces a dead process'],
    ...inLog((log) => ({ join: (group, member) => log.join(group, member, 3_600_000) })),
  },
  'members never leave': {
    reds: ['reads a partition on where a process left'],
    ...inLog((log) => ({
      join: (group, member) => log.join(group, member, 3_600_000),
      leave: async () => undefined,
    })),
  },
};

function asText(headers: Delivery['headers']): Record<string, Uint8Array> {
  const text: Record<string, Uint8Array> = Object.create(null);
  for (const [name, value] of Object.entries(headers))
    text[name] = Buffer.from(Buffer.from(value).toString());
  return text;
}

function stopsAll(): Sabotage {
  let stopped = false;
  return inSink(async (process, deliveries, session) => {
    if (stopped) throw new ExactlyOnceError('EO_STOPPED', 'with the others');
    try {
      await process(deliveries, session);
    } catch (error) {
      stopped = true;
      throw error;
    }
  });
}
