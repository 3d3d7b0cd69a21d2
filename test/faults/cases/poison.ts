/**
 * Case 31: poison. What always fails, cannot be decoded, has no body, or breaks the rules of its class, each between
 * events of its key and of others.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { deadLettersSql } from '../harness/observe.sql.js';
import { consume, layOutInAnyForm, ledgerMessage, ledgerMessages, produce } from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import { fingerprint, type Message, type MessageRequest } from '../record/message.js';

const kinds = {
  EO_HANDLER_FAILED: [{ act: { kind: 'fail' } }],
  EO_BODY_INVALID: [
    { rest: '{' },
    { rest: '"\\ud800\\u00' },
    { rest: ']' },
    { tombstone: true }, // one in a run
  ],
  EO_VALIDATION_FAILED: [{ rest: '"no number"' }, { rest: '{"__proto__":1}' }, { rest: '1.5' }],
} as const satisfies Record<string, readonly Partial<MessageRequest>[]>;

interface Poison {
  readonly code: string;
  readonly message: Message;
}

/** Each of a key, with an event before it and others behind it. */
function poisonOf(stage: Stage, keys: readonly string[]): { poison: Poison[]; messages: Message[] } {
  const { random } = stage;
  const wanted = Object.entries(kinds).flatMap(([code, requests]) =>
    requests.flatMap((request: Partial<MessageRequest>) => {
      const times = request.tombstone ? 1 : random.between(1, 3);
      return Array.from({ length: times }, () => ({ code, request }));
    }),
  );
  const poison: Poison[] = [];
  const messages = random.shuffled(wanted).flatMap(({ code, request }) => {
    const key = random.pick(keys);
    const neighbour = () => ledgerMessage(stage, { key });
    const before = neighbour();
    const message = ledgerMessage(stage, { key, fate: 'dead-letter', ...request });
    poison.push({ code, message });
    return [before, message, ...Array.from({ length: random.between(1, 4) }, neighbour)];
  });
  return { poison, messages };
}

async function eachForItsReason(stage: Stage, poison: readonly Poison[]): Promise<void> {
  const letters = await stage.database.query(deadLettersSql);
  const codes = new Map(letters.map(({ body, code }) => [fingerprint(body ?? ''), code]));
  for (const { code, message } of poison) {
    const given = codes.get(message.attempt.message);
    const what = message.body.slice(-40) || 'a tombstone';
    stage.check(`${what} is a dead letter for ${code} (${given})`, given === code);
  }
  stage.check(`there are ${poison.length} letters (${letters.length})`, letters.length === poison.length);
}

export const poisonCase: FaultCase = {
  number: 31,
  fault: 'Poison: always throws, invalid JSON, tombstone, wrong schema; all of it comes twice',
  looksFor: 'dead-lettered once, neighbours processed; X',
  run: async (stage) => {
    const ground = await layOutInAnyForm(stage, {}, { checked: true });
    const { poison, messages } = poisonOf(stage, ground.keys);
    consume(stage, ground);
    if (stage.random.chance(0.5)) consume(stage, ground);
    await produce(stage, [...messages, ...ledgerMessages(stage, ground, 20)]);
    await stage.drained();
    const copies = stage.random.shuffled(poison.map(({ message }) => message));
    await produce(stage, copies);
    await stage.drained();
    const standing = await stage.recordsIn(inputType);
    const all = messages.length + 20 + copies.length;
    stage.fault(`${poison.length} poison events among ${all}, and each again`, standing === all);
    await eachForItsReason(stage, poison);
  },
};
