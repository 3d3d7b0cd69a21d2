/**
 * Publishing: the relay alone, as `exactly-once relay` runs it, over an outbox that was filled before, beside a bare
 * idempotent producer that sends the same events from memory. All in batches of 1,000, `acks=all`, four partitions.
 */
import type { Benchmark } from '../harness/benchmark.js';
import { peerRun, producerRun, relayRun } from './relay-run.js';

export const relayBenchmark: Benchmark = {
  name: 'relay',
  about: 'an outbox that is full, relayed, beside a bare producer and peers',
  unit: 'events/s',
  events: 100_000,
  contestants: [
    { name: 'producer', program: 'relay/producer.entry.js', run: producerRun },
    { name: 'relay', program: 'relay/relay.entry.js', setting: 'plain' },
    { name: 'transactional-relay', program: 'relay/relay.entry.js', setting: 'transactional' },
    {
      name: 'pg-transactional-outbox',
      program: 'apart/pg-transactional-outbox-relay.entry.js',
      run: peerRun,
      note: 'its polling listener at READ COMMITTED, 100 messages at a time, every 50 ms; 5,000 events at most',
    },
    {
      name: 'nestjs-outbox',
      program: 'apart/nestjs-outbox-relay.entry.js',
      setting: 'unordered',
      run: peerRun,
      note: 'its poller, 1,000 events at a time, every 50 ms, without its logging; 5,000 events at most; it promises no order',
    },
  ],
  ratios: {
    'relay/producer': ['relay', 'producer'],
    'transactional-relay/relay': ['transactional-relay', 'relay'],
    'relay/pg-transactional-outbox': ['relay', 'pg-transactional-outbox'],
    'relay/nestjs-outbox': ['relay', 'nestjs-outbox'],
  },
  run: relayRun,
  smoke: { events: 200 },
};
