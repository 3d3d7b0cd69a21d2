/**
 * The plain numbers: how far the run is, what the shop has done and what it went through.
 * Shows what the state says and computes nothing but what is finished.
 */
import type { ShowState } from '../show-state.js';
import { part, say } from './part-of-page.js';
import { number, phaseWords, time } from './plain-words.js';

const texts: Readonly<Record<string, (state: ShowState) => string>> = {
  heading: ({ mode }) =>
    mode === 'unsafe' ? 'The same shop without its protection' : 'A shop that survives being killed',
  elapsed: ({ elapsedMs }) => time(elapsedMs),
  wanted: ({ orders }) => number(orders.wanted),
  'progress-text': (state) => `${number(finished(state))} of ${number(state.orders.wanted)}`,
  placed: ({ orders }) => number(orders.placed),
  payments: ({ payments }) => number(payments),
  refusals: ({ refusals }) => number(refusals),
  shipments: ({ shipments }) => number(shipments),
  cancelled: ({ orders }) => number(orders.cancelled),
  notifications: ({ notifications }) => number(notifications),
  deliveries: ({ deliveries }) => number(deliveries),
  duplicates: ({ duplicatesAbsorbed }) => number(duplicatesAbsorbed),
  'crash-count': ({ crashes }) => number(crashes.length),
  memory: ({ memoryMiB }) => `${number(Math.round(memoryMiB))} MiB`,
  seed: ({ seed }) => String(seed),
  again: ({ again }) => again,
  purpose: ({ mode }) =>
    mode === 'unsafe'
      ? 'nothing protects it, and the audit counts in the shop’s own books which orders were lost and which were done more than once.'
      : 'the audit then counts in the shop’s own books whether every order was paid and shipped exactly once.',
};

export function showFigures(state: ShowState): void {
  for (const [id, text] of Object.entries(texts)) say(part(id, HTMLElement), text(state));
  const bar = part('progress', HTMLProgressElement);
  bar.max = Math.max(1, state.orders.wanted);
  bar.value = Math.min(finished(state), bar.max);
  const phase = part('phase', HTMLElement);
  phase.dataset['phase'] = state.phase === 'done' && state.audit?.clean !== true ? 'over' : state.phase;
  say(phase, phaseWords[state.phase]);
  part('unsafe', HTMLElement).hidden = state.mode !== 'unsafe';
  part('other-mode', HTMLElement).hidden = state.mode === 'unsafe';
  document.title = `${number(finished(state))} of ${number(state.orders.wanted)} orders · Exactly Once`;
}

function finished({ orders }: ShowState): number {
  return orders.shipped + orders.cancelled;
}
