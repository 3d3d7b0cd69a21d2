import { describe, expect, it } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { knowing } from './known-topics.js';

describe('a kafkajs that knows its topics', () => {
  const kafka = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING });

  /** Topics that a producer of it asks for when it connects; none stands for all there are. */
  function asked(of: Kafka): string[] {
    let clusters: { readonly targetTopics: Set<string> }[] = [];
    const [name] = Object.getOwnPropertySymbols(kafka).filter(({ description }) =>
      description?.includes('createCluster'),
    );
    const make = (of as never)[name!] as (options: object) => { readonly targetTopics: Set<string> };
    const watched = Object.create(of, {
      [name!]: {
        value: (options: object) => {
          const cluster = make(options);
          clusters = [...clusters, cluster];
          return cluster;
        },
      },
    }) as Kafka;
    watched.producer({ idempotent: true });
    return clusters.flatMap(({ targetTopics }) => [...targetTopics]);
  }

  it('makes producers that ask for these topics, and leaves the client that it was given alone', () => {
    const known = knowing(kafka, ['a', 'b']);

    expect(asked(known)).toEqual(['a', 'b']);
    expect(asked(kafka)).toEqual([]);
  });

  it('is the same client where that makes its producers in another way', () => {
    const other = { producer: () => null } as unknown as Kafka;

    expect(knowing(other, ['a'])).toBe(other);
  });
});
