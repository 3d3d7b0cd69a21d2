/**
 * Publishing: the relay alone, as `exactly-once relay` runs it, over an outbox that was filled before, beside a bare
 * idempotent producer that sends the same events from memory. All in batches of 1,000, `acks=all`, four partitions.
 */
import type { Benchmark } from '../harness/benchmark.js';
import { fewRelayRun, peerRun, producerRun, relayRun } from './relay-run.js';

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
      name: 'relay-of-few',
      program: 'relay/relay.entry.js',
      setting: 'plain',
      run: fewRelayRun,
      note: '5,000 events, behind 10,000 that warm it: what the peers are compared with',
    },
    {
      name: 'pg-transactional-outbox',
      program: 'apart/pg-transactional-outbox-relay.entry.js',
      run: peerRun,
      note: 'its polling listener at READ COMMITTED, 100 messages at a time from its first poll on, every 50 ms, a pool of 20, what is sent deleted after a second; 5,000 events behind 200 that warm it. Its other listener needs `wal_level=logical`, a setting of the whole server that the others do without',
    },
    {
      name: 'nestjs-outbox',
      program: 'apart/nestjs-outbox-relay.entry.js',
      setting: 'unordered',
      run: peerRun,
      note: 'its poller, 1,000 events at a time, every 50 ms, a pool of 20, without its logging; 5,000 events behind 200 that warm it; it promises no order',
    },
  ],
  ratios: {
    'relay/producer': ['relay', 'producer'],
    'transactional-relay/relay': ['transactional-relay', 'relay'],
    'relay-of-few/pg-transactional-outbox': ['relay-of-few', 'pg-transactional-outbox'],
    'relay-of-few/nestjs-outbox': ['relay-of-few', 'nestjs-outbox'],
  },
  run: relayRun,
  // pg-transactional-outbox's listener now and then locks rows that it sends only when the lock is over: not in CI.
  smoke: { events: 200, only: ['producer', 'relay', 'transactional-relay', 'nestjs-outbox'] },
};
