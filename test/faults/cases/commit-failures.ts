/**
 * Cases 42 and 43: an event fails when its handler has returned, or its handler never returns.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { consume, layOut, ledgerMessage, produce } from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import type { Act, Message } from '../record/message.js';

function actedOn(stage: Stage, act: string, messages: readonly Message[]): boolean {
  const done = new Set(
    stage.evidence().flatMap((line) => (line.kind === 'act' && line.act === act ? [line.message] : [])),
  );
  return messages.length > 0 && messages.every(({ attempt }) => done.has(attempt.message));
}

const deferred: FaultCase = {
  number: 42,
  fault: 'A deferred constraint that fails at COMMIT',
  looksFor: 'only its event fails; L T',
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage);
    const broken: Message[] = [];
    const messages = Array.from({ length: random.between(40, 80) }, (_, index) => {
      const key = random.pick(ground.keys);
      if (index !== 5 && !random.chance(0.08)) return ledgerMessage(stage, { key });
      const message = ledgerMessage(stage, { key, act: { kind: 'defer' }, fate: 'dead-letter' });
      broken.push(message);
      return message;
    });
    await produce(stage, messages);
    consume(stage, ground);
    await stage.drained();
    stage.fault(`${broken.length} constraints failed at COMMIT`, actedOn(stage, 'defer', broken));
  },
};

const hanging: FaultCase = {
  number: 43,
  fault: 'A handler that never settles',
  looksFor: 'time-out; V; health is down meanwhile',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const timeoutMs = random.pick([500, 1_000]);
    const commit = random.pick(['batch', 'event'] as const);
    const order = random.pick(['partition', 'key'] as const);
    const ground = await layOut(stage, {
      handlers: [{ name: 'ledger/Ledger.record', type: inputType, commit, timeoutMs, order }],
    });
    Object.assign(stage.schedule, { timeoutMs, commit, order });
    const hang = (once: boolean): Message => {
      const act: Act = { kind: 'hang', once };
      const key = random.pick(ground.keys);
      return ledgerMessage(stage, { key, act, fate: once ? 'effect' : 'dead-letter' });
    };
    const ordinary = () => ledgerMessage(stage, { key: random.pick(ground.keys) });
    // Made in the order in which they are sent: their sequence is judged.
    const before = Array.from({ length: random.between(10, 20) }, ordinary);
    const hung = [hang(true), hang(false)] as const;
    const after = Array.from({ length: random.between(10, 20) }, ordinary);
    const messages = [...before, ...hung, ...after];
    await produce(stage, messages);
    consume(stage, ground);
    await stage.drained();
    stage.fault('two handlers did not settle', actedOn(stage, 'hang', hung));
    // Else it waits in the database after its first call: its partition goes on, and nothing stands still for so long.
    if (order === 'partition') await healthWasDown(stage, hung[1], timeoutMs);
  },
};

/** Three calls take longer than the twice that health has patience for, whatever was committed beside the first. */
async function healthWasDown(stage: Stage, hung: Message, timeoutMs: number): Promise<void> {
  const health = () => stage.evidence().flatMap((line) => (line.kind === 'health' ? [line] : []));
  await stage.eventually('health is up again', async () => health().at(-1)?.status !== 'down');
  const calls = stage.evidence().flatMap((line) => {
    return line.kind === 'act' && line.act === 'hang' && line.message === hung.attempt.message ? [line] : [];
  });
  const [from, to] = [calls[0]!.atMs, calls.at(-1)!.atMs + timeoutMs];
  const down = health().some(({ status, reasons, atMs }) => {
    const still = reasons.some((reason) => /^no progress on /.test(reason));
    return status === 'down' && still && from < atMs && atMs < to;
  });
  stage.check(`health is down while a handler does not settle (${JSON.stringify(health())})`, down);
}

export const commitFailureCases: readonly FaultCase[] = [deferred, hanging];
