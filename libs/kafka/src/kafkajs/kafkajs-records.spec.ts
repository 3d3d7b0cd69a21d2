import { describe, expect, it } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';
import { protocolType, refusalOf } from '../kafka-errors.js';
import { toDelivery } from './kafkajs-records.js';

const message = (headers: KafkaMessage['headers']): KafkaMessage => ({
  key: null,
  value: Buffer.from('v'),
  timestamp: '1700000000000',
  attributes: 0,
  offset: '9007199254740993',
  headers: headers ?? {},
});

describe('toDelivery', () => {
  it('keeps offsets beyond the safe integers', () => {
    expect(toDelivery('t', 1, message({})).offset).toBe(9007199254740993n);
  });

  it('takes the last value of a repeated header, and a header named __proto__ as a header', () => {
    const hostile = JSON.parse('{"__proto__":"x"}') as Record<string, string>;

    const { headers } = toDelivery(
      't',
      1,
      message({ ...hostile, a: ['1', Buffer.from('2')], ['__proto__']: 'x' }),
    );

    expect(Buffer.from(headers['a']!).toString()).toBe('2');
    expect(Object.keys(headers).sort()).toEqual(['__proto__', 'a']);
  });

  it('takes a header without a value, which other clients can send, for an empty one', () => {
    const empty = null as unknown as Buffer;

    const { headers } = toDelivery('t', 1, message({ one: empty, often: [Buffer.from('1'), empty] }));

    expect(headers).toEqual({ one: Buffer.alloc(0), often: Buffer.alloc(0) });
  });
});

describe('kafkajs errors', () => {
  it('are known by the protocol’s code, however deep it stands', () => {
    const deep = {
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { originalError: { type: 'MESSAGE_TOO_LARGE' } },
    };

    expect(protocolType(deep)).toBe('MESSAGE_TOO_LARGE');
    expect(refusalOf(deep)).toBe('MESSAGE_TOO_LARGE');
    expect(refusalOf({ type: 'NOT_LEADER_FOR_PARTITION' })).toBeNull();
    expect(refusalOf(new Error('MESSAGE_TOO_LARGE'))).toBeNull();
  });
});
