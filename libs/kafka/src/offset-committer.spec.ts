import { describe, expect, it } from '@jest/globals';
import type { PartitionOffset } from './kafka-client.js';
import { OffsetCommitter } from './offset-committer.js';

const none = () => {};
const logger = { error: none, warn: none, info: none, debug: none };

describe('OffsetCommitter', () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const send = async (offsets: readonly PartitionOffset[]) => {
    asked.push(offsets.map(({ partition, next }) => `${partition}=${next}`).join(' '));
    await new Promise<void>((resolve) => answers.push(resolve));
  };
  const at = (partition: number, next: bigint): PartitionOffset => ({ topic: 't', partition, next });
  const turns = () => new Promise((resolve) => setImmediate(resolve));

  it('sends the newest of each partition, and moves one back only when older requests are answered', async () => {
    const committer = new OffsetCommitter({ logger, send, assigned: () => true });
    committer.add('t/0', at(0, 9n));
    committer.add('t/0', at(0, 10n));
    committer.add('t/1', at(1, 7n));
    const flushed = committer.flushed();
    await turns();
    committer.add('t/0', at(0, 11n));

    const moved = committer.move('t/0', at(0, 0n), () => {});
    await turns();
    expect(asked).toEqual(['0=10 1=7']);
    answers[0]!();
    await turns();
    expect(asked).toEqual(['0=10 1=7', '0=0']);
    answers[1]!();
    await Promise.all([moved, flushed]);

    expect(asked).toHaveLength(2);
  });

  it('moves nothing for whom the partition is over by the time that earlier requests are answered', async () => {
    let answer: () => void = () => {};
    const sent: bigint[] = [];
    const slow = async ([offset]: readonly PartitionOffset[]) => {
      sent.push(offset!.next);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
    };
    const committer = new OffsetCommitter({ logger, send: slow, assigned: () => true });
    let over = false;
    const entitled = () => {
      if (over) throw new Error('the join is over');
    };
    committer.add('t/0', at(0, 9n));
    const flushed = committer.flushed();
    await turns();

    const moved = committer.move('t/0', at(0, 2n), entitled);
    over = true;
    answer();

    await expect(moved).rejects.toThrow('over');
    await flushed;
    expect(sent).toEqual([9n]);
  });

  it.each([
    [2, 3],
    [9, 3],
  ])(
    'tries the last positions again where %i attempts are refused, %i times in all at most',
    async (refused, all) => {
      const sent: string[] = [];
      const refusing = async (offsets: readonly PartitionOffset[]) => {
        sent.push(offsets.map(({ next }) => String(next)).join());
        if (sent.length <= refused) throw new Error('the group is being balanced');
      };
      const committer = new OffsetCommitter({ logger, send: refusing, assigned: () => true });
      committer.add('t/0', at(0, 5n));

      await committer.flushed();

      expect(sent).toEqual(Array.from({ length: all }, () => '5'));
    },
  );
});
