/**
 * Case 49: two handlers of one type, one of which always fails.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { consume, layOut, produce } from '../harness/ordinary-run.js';
import { inputType } from '../harness/stage.js';

const [good, bad] = ['ledger/Good.record', 'ledger/Bad.record'] as const;

export const neighboursCase: FaultCase = {
  number: 49,
  fault: 'Two handlers of one type, one always fails',
  looksFor: 'the other is untouched; X',
  run: async (stage) => {
    const commit = stage.random.pick(['batch', 'event'] as const);
    const ground = await layOut(stage, {
      handlers: stage.random.shuffled([good, bad]).map((name) => ({ name, type: inputType, commit })),
    });
    const messages = Array.from({ length: stage.random.between(15, 30) }, () =>
      stage.mint.make({
        type: inputType,
        topic: stage.topics[inputType]!,
        key: stage.random.pick(ground.keys),
        act: { kind: 'fail', handler: bad },
        fates: { [good]: 'effect', [bad]: 'dead-letter' },
      }),
    );
    consume(stage, ground);
    await produce(stage, messages);
    await stage.drained();
    const failed = stage
      .evidence()
      .flatMap((line) => (line.kind === 'act' && line.act === 'fail' ? [line.message] : []));
    const [events, calls] = [new Set(failed).size, failed.length];
    stage.fault(`one handler failed with ${events} events`, events === messages.length);
    stage.check(`each was tried 3 times (${calls} calls)`, calls >= 3 * messages.length);
  },
};
