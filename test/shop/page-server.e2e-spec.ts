import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ServedPage, servePage } from '../../apps/shop/src/page/page-server.js';
import type { ShowState } from '../../apps/shop/src/page/show-state.js';
import { until } from '../services/ports.js';
import { Rehearsal, step } from './rehearsal.js';

let show: Rehearsal;
let page: ServedPage;
let leaving: AbortController;

beforeEach(async () => {
  leaving = new AbortController();
  show = new Rehearsal();
  page = await servePage(show, 0);
});

afterEach(async () => {
  leaving.abort();
  await page.close();
});

const get = (path: string, init?: RequestInit) => fetch(`${page.url}${path}`, init);

/** The states of a live stream as they come, and everything else that was said on it. */
async function watch(): Promise<{ states: ShowState[]; text: () => string; ended: Promise<void> }> {
  const response = await get('/api/live', { signal: leaving.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const states: ShowState[] = [];
  let text = '';
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      states.splice(
        0,
        states.length,
        ...[...text.matchAll(/^data: (.*)\n\n/gm)].map(([, data]) => JSON.parse(data!)),
      );
    }
  };
  return { states, text: () => text, ended: read().catch(() => undefined) };
}

describe('the server of the page', () => {
  it('serves the document and everything that it refers to', async () => {
    const document = await (await get('/')).text();
    const paths = [...document.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
    expect(paths).toEqual(expect.arrayContaining(['/page.js', '/page.css', '/icon.svg']));

    const answers = await Promise.all(paths.map((path) => get(path)));

    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200));
    expect(answers.map(({ headers }) => headers.get('content-type'))).toEqual(
      expect.arrayContaining(['text/javascript; charset=utf-8', 'text/css; charset=utf-8', 'image/svg+xml']),
    );
  });

  it('answers with the state and with an order’s journey', async () => {
    const odd = 'a/b ?#<é';
    show.journeys.set(odd, [step({ type: 'order.placed' })]);

    expect(await (await get('/api/state')).json()).toEqual(show.state());
    expect(await (await get(`/api/orders/${encodeURIComponent(odd)}`)).json()).toEqual(show.journey(odd));
  });

  it.each(['/', '/page.js', '/api/state', '/api/nothing'])('sends strict headers with %s', async (path) => {
    const { headers } = await get(path);

    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it.each([
    ['GET', '/nothing', 404],
    ['GET', '/page.html/../../page-server.ts', 404],
    ['GET', '/..%2fpage-server.ts', 404],
    ['GET', '/api/orders/unknown', 404],
    ['GET', '/api/orders/%E0%A4%A', 404],
    ['GET', '/api/orders/', 404],
    ['POST', '/api/state', 405],
    ['DELETE', '/api/orders/1', 405],
    ['PUT', '/', 405],
    ['HEAD', '/', 200],
    ['HEAD', '/api/live', 200],
  ])('answers %s %s with %i', async (method, path, status) => {
    const response = await get(path, { method });

    expect(response.status).toBe(status);
    expect(response.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD' : null);
  });

  it('says which port is taken, and names PORT', async () => {
    await expect(servePage(new Rehearsal(), page.port)).rejects.toThrow(
      new RegExp(`port ${page.port} is in use.*PORT=`),
    );
    await expect(servePage(new Rehearsal(), 65_536)).rejects.toThrow(/65536 is not a port.*PORT=/);
  });

  it('leaves the source alone where it could not start', async () => {
    const other = new Rehearsal();
    await servePage(other, page.port).catch(() => undefined);

    expect(other.listeners).toBe(0);
  });
});

describe('the live states', () => {
  it('begin with the state as it is and go on with each change, four a second at most', async () => {
    const { states } = await watch();
    await until('the first state is there', async () => states.length === 1);
    const startedAtMs = performance.now();
    const askedBefore = show.asked;

    for (let deliveries = 100; deliveries < 400; deliveries++) {
      show.change({ deliveries });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until('the last change is there', async () => states.at(-1)?.deliveries === 399);

    const due = (performance.now() - startedAtMs) / 250 + 2;
    expect(states.length).toBeGreaterThan(3);
    expect(states.length).toBeLessThanOrEqual(due);
    expect(show.asked - askedBefore).toBeLessThanOrEqual(due);
  });

  it('are not sent where nothing has changed', async () => {
    const { states } = await watch();
    await until('the first state is there', async () => states.length === 1);
    const other = await watch();
    await until('another is served', async () => other.states.length === 1);
    show.change({ deliveries: 62 });
    await until('the change is there', async () => states.length > 1);

    expect(states.map(({ deliveries }) => deliveries)).toEqual([61, 62]);
  });

  it('end with the server, which forgets them', async () => {
    const before = show.listeners;
    const { ended, states } = await watch();
    await until('the first state is there', async () => states.length === 1);

    await page.close();
    await ended;

    expect(before).toBe(1);
    expect(show.listeners).toBe(0);
  });
});
