/**
 * Checks what an application says about its handlers and types, and that it does not contradict itself. Runs at
 * start only.
 *
 * A contradiction that started would do one of the two things silently; it stops the start instead.
 */
import { longestTimerMs } from '../clock.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { EventTypeDescriptor } from '../event/event-type.js';
import { defaultRetryPolicy } from '../failure/failure-policy.js';
import type { HandlerDefinition } from '../processing/handler.js';
import type { EngineOptions, ForeignHandlerDefinition } from './engine-options.js';
import { checkOrder, checkRetry, dayMs, defaultWindowDays } from './engine-options-check.js';
import { checkChoice, checkNumber, checkOptions, checkText, nearestName } from './options-check.js';
import { checkTransactions } from './transaction-check.js';

const known = [
  'name',
  'type',
  'descriptor',
  'invoke',
  'commit',
  'timeoutMs',
  'concurrency',
  'retry',
  'renamedFrom',
  'new',
  'batch',
  'dedup',
  'invokeBatch',
  'prepare',
  'transaction',
  'order',
];

type Types = ReadonlyMap<string, EventTypeDescriptor>;

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID, EO_OPTION_MISSING, EO_HANDLER_DUPLICATE, EO_EVENT_TYPE_MISSING. */
export function checkHandlers(options: EngineOptions, types: Types): void {
  const all = [...options.handlers, ...(options.foreignHandlers ?? [])];
  for (const handler of all) checkHandler(handler, options.retry);
  for (const handler of options.handlers) checkBatch(handler);
  for (const handler of options.foreignHandlers ?? []) refuseOwnOptions(handler);
  checkNames(all, options.retiredHandlers ?? []);
  checkTopics(options, types);
  checkTransactions(options, types);
  checkWindow(options, all);
  if (options.broker !== null || options.handlers.length === 0) return;
  const names = options.handlers.map(({ name }) => name).join(', ');
  throw new ExactlyOnceError(
    'EO_OPTION_MISSING',
    `there is no \`broker\`, but handlers that need one: ${names}`,
  );
}

/** Throws EO_OPTION_INVALID. */
export function typesByName(types: readonly EventTypeDescriptor[]): Map<string, EventTypeDescriptor> {
  const byName = new Map<string, EventTypeDescriptor>();
  for (const descriptor of types) {
    checkText('the name of a type', descriptor.type);
    checkText(`topic of type "${descriptor.type}"`, descriptor.topic);
    checkNumber(`version of type "${descriptor.type}"`, descriptor.version, 1, 999_999_999);
    const other = byName.get(descriptor.type);
    if (other !== undefined && (other.topic !== descriptor.topic || other.version !== descriptor.version)) {
      const what = `type "${descriptor.type}" is declared twice, with different topics or versions`;
      throw new ExactlyOnceError('EO_OPTION_INVALID', what);
    }
    byName.set(descriptor.type, descriptor);
  }
  return byName;
}

function checkHandler(handler: ForeignHandlerDefinition, retry: EngineOptions['retry']): void {
  const { name, renamedFrom } = handler;
  checkText('the name of a handler', name);
  checkOptions(`handler ${name}`, handler, known);
  checkChoice(`commit of ${name}`, handler.commit, ['batch', 'event']);
  checkChoice(`dedup of ${name}`, handler.dedup, ['inbox', 'offset']);
  checkNumber(`timeoutMs of ${name}`, handler.timeoutMs, 1, longestTimerMs);
  checkNumber(`concurrency of ${name}`, handler.concurrency, 1, 1_000);
  checkRetry(`retry of ${name}`, handler.retry, retry);
  checkOrder(`order of ${name}`, handler.order);
  checkText(`renamedFrom of ${name}`, renamedFrom);
  if (renamedFrom === undefined) return;
  if (handler.new) throw contradiction(`handler ${name} says both renamedFrom and new: true`);
  if (renamedFrom === name) throw contradiction(`handler ${name} is renamedFrom itself`);
}

function checkBatch({ name, batch, commit, invoke, invokeBatch }: HandlerDefinition): void {
  checkNumber(`batch of ${name}`, batch, 1, 10_000);
  if (batch === undefined) {
    if (invoke === undefined || invokeBatch !== undefined)
      throw contradiction(`handler ${name} without batch takes invoke, not invokeBatch`);
    return;
  }
  if (invokeBatch === undefined || invoke !== undefined)
    throw contradiction(`handler ${name} with batch takes invokeBatch, not invoke`);
  if (commit !== 'event') return;
  const what = `handler ${name} says batch and commit: 'event': a transaction for each event leaves no batch; leave one out`;
  throw contradiction(what);
}

/** Another transport brings one message at a time and acknowledges each. */
function refuseOwnOptions({ name, batch, dedup, order }: ForeignHandlerDefinition): void {
  if (order === 'key' || order === 'none') {
    const what = `handler ${name} says order: '${order}', but its transport waits for each message`;
    throw contradiction(`${what}: use exactlyOnce()`);
  }
  if (dedup === 'offset') {
    const what = `handler ${name} says dedup: 'offset', but its transport keeps the position, not its transaction`;
    throw contradiction(`${what}: use exactlyOnce()`);
  }
  if (batch === undefined) return;
  const what = `handler ${name} says batch, but its transport brings one message at a time: use exactlyOnce()`;
  throw contradiction(what);
}

function checkNames(handlers: readonly ForeignHandlerDefinition[], retired: readonly string[]): void {
  const byName = new Map<string, ForeignHandlerDefinition>();
  for (const handler of handlers) {
    if (byName.has(handler.name)) {
      throw new ExactlyOnceError('EO_HANDLER_DUPLICATE', `two handlers are named "${handler.name}"`);
    }
    byName.set(handler.name, handler);
  }
  const declared = retired.find((name) => byName.has(name));
  if (declared !== undefined) {
    throw contradiction(`retiredHandlers names "${declared}", which is declared`);
  }
  const heirs = new Map<string, string>();
  for (const { name, renamedFrom } of handlers) {
    if (renamedFrom === undefined) continue;
    const other = heirs.get(renamedFrom);
    if (other !== undefined) {
      throw contradiction(`handlers ${other} and ${name} are both renamedFrom "${renamedFrom}"`);
    }
    heirs.set(renamedFrom, name);
    const successor = byName.get(renamedFrom);
    if (successor === undefined || successor.new) continue;
    throw contradiction(
      `${name} is renamedFrom "${renamedFrom}", which is declared, too; say new: true there`,
    );
  }
}

function checkTopics({ handlers, startFrom = {} }: EngineOptions, types: Types): void {
  const consumed = new Set<string>();
  for (const { name, type } of handlers) {
    const descriptor = types.get(type);
    if (descriptor === undefined) {
      const what = `handler ${name} is for type "${type}", of which no topic is known`;
      throw new ExactlyOnceError('EO_EVENT_TYPE_MISSING', what);
    }
    consumed.add(descriptor.topic);
  }
  for (const [topic, from] of Object.entries(startFrom)) {
    checkChoice(`startFrom of topic "${topic}"`, from, ['earliest', 'latest']);
    if (consumed.has(topic)) continue;
    const nearest = nearestName(topic, [...consumed]);
    const hint = nearest === null ? '' : `; did you mean "${nearest}"?`;
    throw contradiction(`startFrom names topic "${topic}", which no handler consumes${hint}`);
  }
}

/** An event that comes again after its record was forgotten would run again. */
function checkWindow(options: EngineOptions, handlers: readonly ForeignHandlerDefinition[]): void {
  const { retention = {}, broker, retry } = options;
  if (retention === false) return;
  const { windowDays = defaultWindowDays } = retention;
  const windowMs = windowDays * dayMs;
  const policies = [retry, ...handlers.map((handler) => ({ ...retry, ...handler.retry }))];
  const waits = policies.map((policy) => policy?.maxBackoffMs ?? defaultRetryPolicy.maxBackoffMs);
  const longest = [
    { what: 'maxBackoffMs', ms: Math.max(...waits) },
    { what: "the broker's sessionTimeoutMs", ms: broker?.sessionTimeoutMs ?? 0 },
  ];
  for (const { what, ms } of longest) {
    if (windowMs >= ms) continue;
    throw contradiction(`retention.windowDays is ${windowDays}, shorter than ${what} (${ms} ms)`);
  }
}

function contradiction(what: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', what);
}
