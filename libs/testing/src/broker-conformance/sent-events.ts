/**
 * Events for the broker suite, and the short way to have them sent.
 *
 * Their ids are their names.
 */
import assert from 'node:assert/strict';
import type { EventEnvelope, Publisher } from '@exactly-once/core';
import { event } from '../conformance-records.js';
import { type BrokerProcess, type BrokerTests, type BrokerUnderTest } from './broker-under-test.js';
import {
  type BeforeCommit,
  type Eventually,
  eventuallyWithin,
  never,
  RecordingGroup,
} from './recording-group.js';

export function eventOn(topic: string, id: string, changes: Partial<EventEnvelope> = {}): EventEnvelope {
  return { ...event(id), topic, key: id, ...changes };
}

/** `count` events, spread over keys of their own. */
export function numbered(topic: string, count: number, prefix = 'e'): EventEnvelope[] {
  return Array.from({ length: count }, (_, index) => eventOn(topic, `${prefix}${index + 1}`));
}

/** Makes it, uses it, ends it. */
export async function withPublisher<T>(
  { broker }: BrokerProcess,
  work: (publisher: Publisher) => Promise<T>,
): Promise<T> {
  const publisher = broker.publisher();
  await publisher.start(never());
  try {
    return await work(publisher);
  } finally {
    await publisher.stop();
  }
}

export async function send(process: BrokerProcess, events: readonly EventEnvelope[]): Promise<void> {
  const outcomes = await withPublisher(process, (publisher) => publisher.send(events));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    events.map(() => 'sent'),
  );
}

/** A process, a topic and a group that reads it, ended with the test. */
export async function ground(
  tests: BrokerTests,
  work: (given: {
    under: BrokerUnderTest;
    process: BrokerProcess;
    topic: string;
    group: (before?: BeforeCommit, startFrom?: 'earliest' | 'latest') => RecordingGroup;
    eventually: Eventually;
  }) => Promise<void>,
  partitions = 4,
): Promise<void> {
  const under = tests.under();
  const process = await under.process();
  const topic = await under.createTopic(partitions);
  const groups: RecordingGroup[] = [];
  const group = (before?: BeforeCommit, startFrom?: 'earliest' | 'latest') => {
    const made = new RecordingGroup(under.unusedName(), [topic], before, startFrom);
    groups.push(made);
    return made;
  };
  try {
    await work({ under, process, topic, group, eventually: eventuallyWithin(tests.features.patienceMs) });
  } finally {
    for (const one of groups) await one.stopAll();
  }
}
