/**
 * What happened to one order's events, step by step, over the page. Opened from the list; Esc or the button closes.
 * Goes on showing new steps while it is open.
 */
import type { JourneyStep, RecentOrder } from '../show-state.js';
import { made, part, say } from './part-of-page.js';
import { amount, many, shortId, stepWords, time } from './plain-words.js';

const refreshMs = 1_000;

const stepSigns: Readonly<Record<JourneyStep['step'], string>> = {
  published: '✎',
  relayed: '→',
  delivered: '↓',
  handled: '✓',
  duplicate: '=',
  'rolled-back': '↶',
  crash: '✕',
};

export class JourneyDialog {
  readonly #dialog = part('journey', HTMLDialogElement);
  readonly #steps = part('journey-steps', HTMLOListElement);
  readonly #note = part('journey-note', HTMLElement);
  #orderId: string | null = null;
  #loadedAtMs = 0;
  #shown = '';

  /** `closed` is called with the order that was looked at, after the dialog has gone. */
  constructor(closed: (orderId: string) => void) {
    part('journey-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('click', ({ target }) => {
      if (target === this.#dialog) this.#dialog.close(); // beside the content
    });
    this.#dialog.addEventListener('close', () => {
      const orderId = this.#orderId;
      this.#orderId = null;
      if (orderId !== null) closed(orderId);
    });
  }

  show(order: RecentOrder): void {
    this.#orderId = order.orderId;
    this.#shown = '';
    this.#steps.replaceChildren();
    say(part('journey-order', HTMLElement), order.orderId);
    this.#summary(order);
    say(this.#note, 'Loading …');
    this.#dialog.showModal();
    void this.#load(order.orderId);
  }

  /** Call it with each new state: loads again what is shown, once a second at most. */
  refresh(recent: readonly RecentOrder[]): void {
    if (this.#orderId === null) return;
    const order = recent.find(({ orderId }) => orderId === this.#orderId);
    if (order !== undefined) this.#summary(order);
    if (performance.now() - this.#loadedAtMs >= refreshMs) void this.#load(this.#orderId);
  }

  #summary({ state, totalCents, trouble }: RecentOrder): void {
    const summary = part('journey-summary', HTMLElement);
    const finding = trouble === null ? '' : `. The audit finds it ${trouble}`;
    say(summary, `${amount(totalCents)}, ${state}${finding}`);
    summary.classList.toggle('trouble', trouble !== null);
  }

  async #load(orderId: string): Promise<void> {
    this.#loadedAtMs = performance.now();
    const journey = await fetchJourney(orderId);
    if (this.#orderId !== orderId) return; // closed meanwhile, or another one was chosen
    if (typeof journey === 'string') {
      say(this.#note, journey);
      return;
    }
    const text = JSON.stringify(journey);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#steps.replaceChildren(...lines(journey));
    const copies = journey.filter(({ step }) => step === 'duplicate').length;
    say(this.#note, `${many(journey.length, 'step')}, ${many(copies, 'copy', 'copies')} absorbed.`);
  }
}

/** The journey, or a sentence that says why there is none. */
async function fetchJourney(orderId: string): Promise<readonly JourneyStep[] | string> {
  try {
    const response = await fetch(`/api/orders/${encodeURIComponent(orderId)}`);
    if (response.ok) return (await response.json()) as readonly JourneyStep[];
    return response.status === 404
      ? 'Nothing is recorded of this order.'
      : `The server answered ${response.status}.`;
  } catch {
    return 'Could not be loaded: the connection is lost.';
  }
}

/** A second `handled` of one event by one handler is what must never be: it is told as such. */
function lines(journey: readonly JourneyStep[]): HTMLElement[] {
  const times = new Map<string, number>();
  return journey.map((step) => {
    const key = JSON.stringify([step.eventId, step.handler]);
    const count = (times.get(key) ?? 0) + (step.step === 'handled' ? 1 : 0);
    times.set(key, count);
    const again = step.step === 'handled' && count > 1;
    const line = made('li', again ? 'again' : '');
    line.dataset['step'] = step.step;
    const sign = made('span', 'step-sign', again ? '!' : stepSigns[step.step]);
    sign.ariaHidden = 'true';
    const words = made('div', 'words');
    words.append(made('p', '', stepWords(step, count)));
    if (step.note !== null) words.append(made('p', 'step-note', step.note));
    const technical = made('p', 'technical', technicalWords(step));
    technical.title = step.eventId;
    words.append(technical);
    line.append(made('span', 'at', time(step.atMs)), sign, words);
    return line;
  });
}

function technicalWords({ type, eventId, handler }: JourneyStep): string {
  return [type, shortId(eventId), ...(handler === null ? [] : [handler])].join(' · ');
}
