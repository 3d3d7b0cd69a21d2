/**
 * The page's script: shows the states that the server sends, as they come, and says so when none can come.
 * Takes everything from the server and keeps nothing but the latest state.
 */
import type { ShowState } from '../show-state.js';
import { showFigures } from './figures.js';
import { JourneyDialog } from './journey-dialog.js';
import { watchLive } from './live-connection.js';
import { OrderList } from './order-list.js';
import { part, say } from './part-of-page.js';
import { showAudit, showCrashes } from './verdict.js';

let latest: ShowState | null = null;
let receivedAt = '';

const orders = new OrderList((order) => journey.show(order));
const journey = new JourneyDialog((orderId) => orders.focus(orderId));

watchLive({
  state: (state) => {
    latest = state;
    receivedAt = new Date().toLocaleTimeString('en-GB');
    connection('live', 'Live');
    part('lost', HTMLElement).hidden = true;
    showFigures(state);
    showAudit(state.audit);
    showCrashes(state.crashes);
    orders.show(state.recent);
    journey.refresh(state.recent);
  },
  lost: () => {
    connection('lost', 'Not connected');
    const banner = part('lost', HTMLElement);
    const since = latest === null ? '' : ` What you see is from ${receivedAt}.`;
    say(banner, `The connection to the shop’s server is lost.${since} Trying to connect again …`);
    banner.hidden = false;
  },
});

function connection(state: 'live' | 'lost', words: string): void {
  const link = part('link', HTMLElement);
  link.dataset['link'] = state;
  say(link, words);
}
