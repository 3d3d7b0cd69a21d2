/**
 * Reads what a run in Kafka transactions left behind: the write-ahead record, and what Kafka's own console consumer
 * sees at `read_committed`. The two events for each input stand for the two effect tables.
 *
 * There is no inbox and no counter: both are filled from the effects, so that their oracles have nothing to say.
 */
import type { DumpedRecord } from '../../services/kafka.js';
import type { Counter, Effect, Observation } from '../oracles/observation.js';
import { nobody } from '../oracles/observation.js';
import { fingerprint } from '../record/message.js';
import type { Transformed } from '../worker/transform-host.js';
import { letterType, outputType, secondOutputType } from '../worker/worker-plan.js';
import type { ObservedRun } from './observe.js';
import { recordedAttempts } from './recorded-attempts.js';

export async function observeTransactions(run: ObservedRun): Promise<Observation> {
  const attempts = recordedAttempts(run.folder);
  const dump = (type: string) => run.broker.dump(run.topics[type]!);
  const [all, allToo, letters] = await Promise.all([outputType, secondOutputType, letterType].map(dump));
  const [one, two] = [all!, allToo!].map((records) => withoutRepeats(records, run.mayComeAgain));
  const [first, second] = [one!.map(effect), two!.map(effect)];
  const deadLetters = letters!.map(({ value, headers }) => ({
    handler: headers['eo_handler'] ?? nobody,
    message: fingerprint(value ?? ''),
    code: headers['eo_code'] ?? 'missing',
  }));
  const given = new Set(deadLetters.map(({ handler, message }) => `${handler}\n${message}`));
  const buried = attempts.flatMap(({ source, id, message, fates }) =>
    Object.keys(fates).flatMap((handler) =>
      id !== null && given.has(`${handler}\n${message}`) ? [{ handler, source, id }] : [],
    ),
  );
  return {
    attempts,
    first,
    second,
    counters: counted(first),
    outputs: one!.map((record) => {
      const { handler, message } = body(record);
      return { handler, message, outputId: record.headers['ce_id'] ?? 'missing' };
    }),
    deadLetters,
    inbox: [...first, ...second, ...buried].map(({ handler, source, id }) => ({ handler, source, id })),
    stuck: run.stuck,
  };
}

/** Of what may come again, the second record is left out where its id and all else is that of the first. */
function withoutRepeats(records: readonly DumpedRecord[], may: ReadonlySet<string>): DumpedRecord[] {
  const times = new Map<string, number>();
  return records.filter((record) => {
    const same = JSON.stringify([record.headers['ce_id'], record.key, record.value]);
    times.set(same, (times.get(same) ?? 0) + 1);
    return !(may.has(body(record).message) && times.get(same) === 2);
  });
}

function body({ value }: DumpedRecord): Transformed {
  return JSON.parse(value!) as Transformed;
}

/** The topic has one partition: its offsets are the order of the effects. */
function effect(record: DumpedRecord): Effect {
  const { handler, source, id, message, key, sequence } = body(record);
  return { handler, source, id, message, key, sequence, position: Number(record.offset) };
}

function counted(effects: readonly Effect[]): Counter[] {
  const counters = new Map<string, Counter>();
  for (const { handler, key: ofEvent } of effects) {
    const key = ofEvent ?? '';
    const slot = JSON.stringify([handler, key]);
    counters.set(slot, { handler, key, value: (counters.get(slot)?.value ?? 0) + 1 });
  }
  return [...counters.values()];
}
