/**
 * Checks which transaction each handler asked for. Runs at start only.
 *
 * What a Kafka transaction cannot keep is refused with the reason, so that nobody relies on it: it has no inbox, and
 * one position for each partition of a group.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { EventTypeDescriptor } from '../event/event-type.js';
import type { HandlerDefinition, HandlerOptions } from '../processing/handler.js';
import type { EngineOptions } from './engine-options.js';
import { checkChoice } from './options-check.js';

const meaningless: Readonly<Partial<Record<keyof HandlerDefinition, string>>> = {
  commit: 'there is no database transaction whose end could be chosen; each event is handled on its own',
  batch:
    'its handler is called for each event, in order; the transaction is one for many events all the same',
  dedup: 'its position is that of the Kafka transaction, which decides alone',
  order: 'there is no database in which an event could wait; it is tried again in place',
  new: 'there is no inbox in which it could be told from an old one',
};

/** Throws EO_OPTION_INVALID and EO_OPTION_MISSING. */
export function checkTransactions(
  options: EngineOptions,
  types: ReadonlyMap<string, EventTypeDescriptor>,
): void {
  const { handlers, foreignHandlers = [], broker, storage } = options;
  for (const { name, transaction } of foreignHandlers) {
    if (transaction !== 'kafka') continue;
    throw invalid(`handler ${name} has transaction: 'kafka', and is not consumed through exactlyOnce()`);
  }
  for (const handler of handlers) checkHandler(handler);
  const [inKafka, inDatabase] = [handlers.filter(isInKafka), handlers.filter((one) => !isInKafka(one))];
  if (inKafka.length > 0 && broker !== null && broker.transactions === undefined) {
    throw invalid(
      `${names(inKafka)}: transaction: 'kafka' needs kafkaBroker(), not the broker ${broker.name}`,
    );
  }
  checkSharedTopics(inKafka, inDatabase, types);
  checkBeginnings(options, inKafka, types);
  if (storage === undefined) checkWithoutDatabase(options, inDatabase);
}

function checkHandler(handler: HandlerDefinition): void {
  checkChoice(`transaction of ${handler.name}`, handler.transaction, ['database', 'kafka']);
  if (!isInKafka(handler)) return;
  for (const [option, reason] of Object.entries(meaningless)) {
    if (handler[option as keyof HandlerDefinition] === undefined) continue;
    throw invalid(`${handler.name} has \`${option}\` beside transaction: 'kafka': ${reason}`);
  }
}

/** A group has one position in a partition: it cannot stand in the database and in Kafka. */
function checkSharedTopics(
  inKafka: readonly HandlerDefinition[],
  inDatabase: readonly HandlerDefinition[],
  types: ReadonlyMap<string, EventTypeDescriptor>,
): void {
  const topicOf = ({ type }: HandlerDefinition) => types.get(type)?.topic;
  for (const one of inKafka) {
    const other = inDatabase.find((candidate) => topicOf(candidate) === topicOf(one));
    if (other === undefined) continue;
    const what = `topic "${topicOf(one)}" is consumed by ${one.name} in a Kafka transaction and by ${other.name} in the database's; a group has one position there: put one of them into an instance with a \`group\` of its own`;
    throw invalid(what);
  }
}

/** The group's position stands nowhere before its first commit: a crash until then would begin at a later end. */
function checkBeginnings(
  { startFrom = {} }: EngineOptions,
  inKafka: readonly HandlerDefinition[],
  types: ReadonlyMap<string, EventTypeDescriptor>,
): void {
  for (const { name, type } of inKafka) {
    const topic = types.get(type)?.topic;
    if (topic === undefined || startFrom[topic] !== 'latest') continue;
    const what = `startFrom of topic "${topic}" is latest, and ${name} reads it in a Kafka transaction, where a crash before the first commit would pass events by; set the group's offsets with "kafka-consumer-groups --reset-offsets --to-latest" instead`;
    throw invalid(what);
  }
}

function checkWithoutDatabase(
  { foreignHandlers = [], handlers, relay, retention }: EngineOptions,
  inDatabase: readonly HandlerDefinition[],
): void {
  const needing = [...inDatabase, ...foreignHandlers];
  if (needing.length > 0 || handlers.length === 0) {
    const who = needing.length > 0 ? names(needing) : 'ExactlyOnce.transaction and the outbox';
    const what = `there is no \`storage\`, and ${who} need one; only handlers with transaction: 'kafka' do without`;
    throw new ExactlyOnceError('EO_OPTION_MISSING', what);
  }
  for (const [name, section] of Object.entries({ relay, retention })) {
    if (section === undefined || section === false) continue;
    throw invalid(`\`${name}\` is set, but without \`storage\` there is nothing to do for it`);
  }
}

function isInKafka({ transaction }: HandlerOptions): boolean {
  return transaction === 'kafka';
}

function names(handlers: readonly { readonly name: string }[]): string {
  return handlers.map(({ name }) => name).join(', ');
}

function invalid(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', what);
}
