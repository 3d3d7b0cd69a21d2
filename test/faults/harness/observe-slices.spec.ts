import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inboxKey } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anomalies, type Verdict } from '../oracles/judge.js';
import type { Effect } from '../oracles/observation.js';
import { type Message, MessageMint } from '../record/message.js';
import { ProduceRecord } from '../record/produce-record.js';
import { outputType } from '../worker/worker-plan.js';
import type { ObservedRun } from './observe.js';
import {
  deadLettersSql,
  effectCountSql,
  inboxKeysSql,
  parkedSql,
  sliceCountersSql,
  sliceEffectsSql,
} from './observe.sql.js';
import { judgeSlices, type Slice } from './observe-slices.js';

const handler = 'ledger';
const slices: Slice[] = [
  { source: 'slice-0', workers: ['produce-0'] },
  { source: 'slice-1', workers: ['produce-1'] },
];

/** What two slices of two events each have left, all of it right. */
class Left {
  readonly first: Effect[] = [];
  readonly second: Effect[] = [];
  readonly counters = new Map<string, number>();
  readonly outputs: { message: string; key: string; id: string }[] = [];
  readonly letters: string[] = [];
  readonly inbox = new Set<string>();
  readonly messages: Message[] = [];
  readonly stuck: string[] = [];

  constructor(readonly folder: string) {
    const mint = new MessageMint('slices');
    for (const { source, workers } of slices) {
      const record = new ProduceRecord(join(folder, `record-${workers[0]}.jsonl`));
      for (let count = 0; count < 2; count++) {
        const request = { type: 'asked', topic: 't', source, key: `${source}:1` };
        const message = mint.make({ ...request, fates: { [handler]: 'effect' } });
        record.begin(message.attempt)('ok');
        this.messages.push(message);
        this.handle(message);
      }
    }
  }

  handle({ attempt: { source, id, message, key, sequence } }: Message): void {
    const effect = { handler, source, id: id!, message, key, sequence, position: this.first.length };
    this.first.push(effect);
    this.second.push(effect);
    this.counters.set(key!, (this.counters.get(key!) ?? 0) + 1);
    this.outputs.push({ message, key: key!, id: `output-${this.outputs.length}` });
    this.inbox.add(keyOf(effect));
  }

  judge(): Promise<Verdict> {
    const { folder, stuck } = this;
    const run = {
      ...{ folder, stuck, handlers: [handler], topics: { [outputType]: 'out' }, mayComeAgain: new Set() },
      database: { query: async (sql: string, given: unknown[]) => this.#query(sql, given) },
      broker: {
        read: async (_: string, take: (record: unknown) => void) => {
          for (const { message, key, id } of this.outputs)
            take({ value: JSON.stringify({ handler, message, key }), headers: { ce_id: id } });
        },
      },
    };
    return judgeSlices(run as unknown as ObservedRun, slices);
  }

  #query(sql: string, [wanted]: unknown[] = []): unknown[] {
    if (sql === effectCountSql) return [{ count: this.first.length }];
    if (sql === sliceEffectsSql('effect_one')) return this.first.filter(({ source }) => source === wanted);
    if (sql === sliceEffectsSql('effect_two')) return this.second.filter(({ source }) => source === wanted);
    if (sql === deadLettersSql) return this.letters.map((body) => ({ handler, body, code: 'EO_X' }));
    if (sql === parkedSql) return [];
    if (sql === inboxKeysSql)
      return (wanted as string[]).filter((key) => this.inbox.has(key)).map((key) => ({ key }));
    if (sql !== sliceCountersSql) throw new Error(sql);
    const counters = [...this.counters].map(([key, v]) => ({ handler, key, v }));
    return counters.filter(({ key }) => key.startsWith(`${wanted}:`));
  }
}

function keyOf({ source, id }: { source: string; id: string }): string {
  return Buffer.from(inboxKey(handler, 1, source, Buffer.from(id, 'hex').toString())).toString('hex');
}

describe('a run that is judged by slices', () => {
  let folder: string;
  let left: Left;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'eo-slices-'));
    left = new Left(folder);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const found = async () => {
    const verdict = await left.judge();
    return Object.fromEntries(
      anomalies.flatMap((one) => (verdict[one].length === 0 ? [] : [[one, verdict[one]]])),
    );
  };

  it('is clean where each slice is whole', async () => {
    expect(await found()).toEqual({});
  });

  it('has lost an event that left no trace', async () => {
    const gone = left.first.pop()!;
    left.second.pop();
    left.outputs.pop();
    left.counters.set(gone.key!, 1);
    left.inbox.delete(keyOf(gone));

    expect(await found()).toEqual({ L: [expect.stringContaining('left no trace')] });
  });

  it('has handled an event twice', async () => {
    left.handle(left.messages[1]!);

    expect(Object.keys(await found())).toEqual(['D']);
  });

  it('is torn where the second table lacks an effect, or a counter is behind', async () => {
    left.second.pop();
    left.counters.set('slice-0:1', 1);

    expect(await found()).toEqual({
      T: [
        expect.stringContaining('counter ["ledger","slice-0:1"] is 1 after 2'),
        expect.stringContaining('1 first, 0 second, 1 output'),
      ],
    });
  });

  it('is out of order where the second of a key came first', async () => {
    const [one, other] = left.first;
    left.first.splice(0, 2, { ...one!, position: 1 }, { ...other!, position: 0 });

    expect(Object.keys(await found())).toEqual(['R']);
  });

  it('has phantoms where effects, outputs or letters are of no slice', async () => {
    left.first.push({ ...left.first[0]!, source: 'elsewhere', message: 'x' });
    left.outputs.push({ message: 'x', key: 'elsewhere:1', id: 'output-x' });
    left.letters.push('of nobody');

    expect(await found()).toEqual({
      P: [
        '1 effects are of no slice',
        '1 outputs are of elsewhere, which is no slice',
        '1 dead letters are of no slice',
      ],
    });
  });

  it('has both where a letter stands beside the effect, and tells what was stuck', async () => {
    left.letters.push(left.messages[3]!.body);
    left.stuck.push('it did not end');

    expect(Object.keys(await found())).toEqual(['V', 'X']);
  });
});
