/**
 * The latest orders, each a button that opens its journey.
 *
 * Holds still for a moment while somebody is at it, so that a button does not slip away under finger or key; what
 * the buttons say goes on changing. The focus stays with its order.
 */
import type { RecentOrder } from '../show-state.js';
import { made, part, say } from './part-of-page.js';
import { amount, shortId, stateSigns } from './plain-words.js';

const holdMs = 3_000;

export class OrderList {
  readonly #list = part('recent', HTMLUListElement);
  readonly #buttons = new Map<string, HTMLButtonElement>();
  readonly #choose: (order: RecentOrder) => void;
  #orders: readonly RecentOrder[] = [];
  #heldUntilMs = 0;
  #timer: number | undefined;

  /** `choose` is called with the order that was clicked, or entered by key. */
  constructor(choose: (order: RecentOrder) => void) {
    this.#choose = choose;
    for (const type of ['pointermove', 'pointerdown', 'focusin', 'keydown'])
      this.#list.addEventListener(type, () => this.#hold());
  }

  show(orders: readonly RecentOrder[]): void {
    this.#orders = orders;
    for (const order of orders) {
      const button = this.#buttons.get(order.orderId);
      if (button !== undefined) tell(button, order);
    }
    const waitMs = this.#heldUntilMs - performance.now();
    if (waitMs <= 0 || this.#list.childElementCount === 0) this.#arrange();
    else this.#later(waitMs);
  }

  /** No order comes, goes or moves for three seconds from now. */
  #hold(): void {
    this.#heldUntilMs = performance.now() + holdMs;
  }

  /** Back to the order's button, or to the list's heading where it has left the list. */
  focus(orderId: string): void {
    (this.#buttons.get(orderId) ?? part('recent-name', HTMLElement)).focus();
  }

  /** With what is known of it by now. */
  #chosen(order: RecentOrder): void {
    this.#hold();
    this.#choose(this.#orders.find(({ orderId }) => orderId === order.orderId) ?? order);
  }

  #later(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.show(this.#orders), waitMs);
  }

  #arrange(): void {
    clearTimeout(this.#timer);
    const focused = document.activeElement;
    const kept = new Set(this.#orders.map(({ orderId }) => orderId));
    for (const [orderId, button] of this.#buttons) {
      if (kept.has(orderId)) continue;
      if (button === focused) part('recent-name', HTMLElement).focus({ preventScroll: true });
      button.parentElement?.remove();
      this.#buttons.delete(orderId);
    }
    this.#orders.forEach((order, index) => {
      const item = this.#buttonOf(order).parentElement!;
      if (this.#list.children[index] !== item)
        this.#list.insertBefore(item, this.#list.children[index] ?? null);
    });
    if (focused instanceof HTMLElement && focused.isConnected && document.activeElement !== focused)
      if (this.#list.contains(focused)) focused.focus({ preventScroll: true });
  }

  #buttonOf(order: RecentOrder): HTMLButtonElement {
    const known = this.#buttons.get(order.orderId);
    if (known !== undefined) return known;
    const button = made('button', 'order');
    button.type = 'button';
    button.append(
      made('span', 'sign'),
      made('bdi', 'id', shortId(order.orderId)),
      made('span', 'sum'),
      made('span', 'state'),
    );
    button.querySelector('.sign')!.ariaHidden = 'true';
    button.title = order.orderId;
    button.addEventListener('click', () => this.#chosen(order));
    const item = made('li', '');
    item.append(button);
    this.#buttons.set(order.orderId, button);
    tell(button, order);
    return button;
  }
}

function tell(button: HTMLButtonElement, { state, totalCents, trouble }: RecentOrder): void {
  button.dataset['state'] = state;
  if (trouble === null) delete button.dataset['trouble'];
  else button.dataset['trouble'] = trouble;
  say(button.querySelector('.sign')!, trouble === null ? stateSigns[state] : '!');
  say(button.querySelector('.sum')!, amount(totalCents));
  say(button.querySelector('.state')!, trouble === null ? state : `${state}, ${trouble}`);
}
