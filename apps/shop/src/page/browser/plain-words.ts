/**
 * States, amounts and steps of a journey in plain words, for someone who has never heard of an inbox.
 * Gives text only; nothing here touches the page.
 */
import type { Audit, Crash, JourneyStep, RecentOrder, ShowPhase } from '../show-state.js';

const wholeNumbers = new Intl.NumberFormat('en');
const amounts = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' });

export const phaseWords: Readonly<Record<ShowPhase, string>> = {
  starting: 'Starting',
  running: 'Running',
  crashed: 'Killed',
  restarting: 'Starting again',
  draining: 'Finishing up',
  done: 'Done',
};

export const stateSigns: Readonly<Record<RecentOrder['state'], string>> = {
  placed: '○',
  paid: '◐',
  shipped: '●',
  cancelled: '×',
};

/** `1,000` */
export function number(value: number): string {
  return wholeNumbers.format(value);
}

/** `€12.34`, of cents. */
export function amount(cents: number): string {
  return amounts.format(cents / 100);
}

/** `12.3 s`, from a minute on `2:05 min`. */
export function time(ms: number): string {
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`;
}

/** `1 order`, `2 orders` */
export function many(count: number, one: string, more = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : more}`;
}

/** Of a UUID the last twelve digits, for the first are alike at one moment; another id stays whole. */
export function shortId(id: string): string {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ? `…${id.slice(-12)}` : id;
}

export function verdictWords({ clean, lost, doubled, torn }: Audit): string {
  if (clean) return 'Clean: nothing lost, nothing doubled';
  const parts = [
    [lost, 'lost'],
    [doubled, 'doubled'],
    [torn, 'torn'],
  ] as const;
  const found = parts.filter(([count]) => count > 0).map(([count, word]) => `${number(count)} ${word}`);
  return found.length === 0 ? 'Not clean' : `Not clean: ${found.join(', ')}`;
}

export function crashWords({ transactionOpen, handlersDone, lost }: Crash): string {
  const where = transactionOpen ? 'inside an open transaction' : 'between transactions';
  const work = handlersDone === 0 ? '' : `, ${many(handlersDone, 'event')} not yet committed`;
  return `${where}${work}${lost === undefined ? '' : `. ${lost}`}`;
}

/** `order.placed` as `Order placed`. */
function typeWords(type: string): string {
  return capital(type.replaceAll(/[._-]+/g, ' '));
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `payments/PaymentHandlers.capture` as `payments`. */
function serviceOf(handler: string | null): string {
  return handler?.split('/', 1)[0] || 'the shop';
}

/** What happened, in a sentence. `times`: how often this handler has now been through with this event. */
export function stepWords({ step, type, handler }: JourneyStep, times: number): string {
  const event = `“${typeWords(type)}”`;
  const service = serviceOf(handler);
  switch (step) {
    case 'published':
      return `${event} was written down, in one transaction with the change that it reports.`;
    case 'relayed':
      return `${event} was sent on its way.`;
    case 'delivered':
      return `${event} reached ${service}.`;
    case 'handled':
      return times > 1
        ? `${capital(service)} did the work for ${event} again: ${times} times now.`
        : `${capital(service)} did its work for ${event}, and it is committed.`;
    case 'duplicate':
      return `A copy of ${event} reached ${service}, was recognised and absorbed.`;
    case 'rolled-back':
      return `${capital(service)} was stopped on ${event}; what it had written was rolled back.`;
    case 'crash':
      return `The shop was killed while ${event} was under way.`;
  }
}
