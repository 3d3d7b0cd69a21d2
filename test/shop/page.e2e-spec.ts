import { afterAll, afterEach, beforeAll, describe, expect, it as jestIt } from '@jest/globals';
import type { Audit } from '../../apps/shop/src/page/show-state.js';
import { noBrowser, PageVisit } from './page-visit.js';
import { step } from './rehearsal.js';

const clean: Audit = { atMs: 3_000, clean: true, checked: 6, lost: 0, doubled: 0, torn: 0, findings: [] };

const it = noBrowser ? jestIt.skip : jestIt;
const visit = new PageVisit();
beforeAll(() => visit.begin());
afterEach(() => visit.leave());
afterAll(() => visit.end());

describe('the page', () => {
  it('shows the numbers and goes on showing them as they change', async () => {
    await visit.open();
    await visit.reads('#wanted', /^1,000$/);
    await visit.reads('#progress-text', /^6 of 1,000$/);
    await visit.reads('#duplicates', /^23$/);

    visit.show.change({
      phase: 'draining',
      orders: { wanted: 1_000, placed: 1_000, paid: 960, shipped: 900, cancelled: 40 },
      deliveries: 12_345,
      duplicatesAbsorbed: 6_789,
      memoryMiB: 312.6,
    });

    await visit.reads('#deliveries', /^12,345$/);
    await visit.reads('#duplicates', /^6,789$/);
    await visit.reads('#progress-text', /^940 of 1,000$/);
    await visit.reads('#phase', /^Finishing up$/);
    await visit.reads('#memory', /^313 MiB$/);
    expect(await visit.page.locator('#progress').getAttribute('value')).toBe('940');
    expect(visit.troubles).toEqual([]);
  });

  it('tells the audit in words, clean and not', async () => {
    await visit.open();
    await visit.reads('#audit-verdict', /^Not audited yet$/);

    visit.show.change({ audit: clean });
    await visit.reads('#audit-verdict', /^Clean: nothing lost, nothing doubled/);
    await visit.reads('#audit-note', /^6 orders checked/);
    expect(await visit.page.locator('#findings').isHidden()).toBe(true);

    const findings = ['order order-1 was paid 2 times', 'order <b>order-2</b> was never shipped'];
    visit.show.change({ audit: { ...clean, clean: false, lost: 1, doubled: 1, findings } });
    await visit.reads('#audit-verdict', /^Not clean: 1 lost, 1 doubled$/);
    await visit.reads('#audit-sign', /^!$/);
    await visit.page.locator('#findings summary').click();
    expect(await visit.page.locator('#findings li').allTextContents()).toEqual(findings);
  });

  it('tells each crash, the latest first', async () => {
    await visit.open();

    visit.show.change({ crashes: [{ atMs: 4_200, transactionOpen: true, handlersDone: 3 }] });
    await visit.reads('#crash-line', /^Killed 1 time, last at 4.2 s$/);
    visit.show.change({
      phase: 'crashed',
      crashes: [
        { atMs: 4_200, transactionOpen: true, handlersDone: 3 },
        { atMs: 9_000, transactionOpen: true, handlersDone: 1, lost: 'One payment was lost.' },
      ],
    });
    await visit.reads('#crash-line', /^Killed 2 times, last at 9.0 s$/);

    expect(await visit.page.locator('#crash-list li').allTextContents()).toEqual([
      '9.0 sinside an open transaction, 1 event not yet committed. One payment was lost.',
      '4.2 sinside an open transaction, 3 events not yet committed',
    ]);
    await visit.reads('#phase', /^Killed$/);
  });

  it('reads out the audit and the crashes, and nothing else', async () => {
    await visit.open();

    const live = await visit.page.locator('[aria-live], [role=alert], [role=status], output').all();

    expect(await Promise.all(live.map((one) => one.getAttribute('id')))).toEqual([
      'audit-verdict',
      'crash-line',
    ]);
    expect(await Promise.all(live.map((one) => one.getAttribute('aria-live')))).toEqual(['polite', 'polite']);
  });

  it('says when the protection is off, and only then', async () => {
    await visit.open();
    expect(await visit.page.locator('#unsafe').isHidden()).toBe(true);

    visit.show.change({ mode: 'unsafe' });

    await visit.page.locator('#unsafe').waitFor({ state: 'visible' });
    expect(await visit.page.locator('#unsafe').textContent()).toContain('The protection is off');
  });

  it('asks nobody but its own server', async () => {
    await visit.open({ recent: [{ orderId: 'order-1', totalCents: 999, state: 'shipped', trouble: null }] });
    await visit.page.locator('.order').click();
    await visit.reads('#journey-note', /Nothing is recorded/);

    expect(visit.requests.length).toBeGreaterThan(5);
    expect(visit.requests.filter((url) => new URL(url).origin !== visit.served.url)).toEqual([]);
  });
});

describe('the connection', () => {
  it('is said to be lost, and comes back with the server on the same port', async () => {
    await visit.open();
    await visit.reads('#link', /^Live$/);

    const serveAgain = await visit.closeServer();
    await visit.page.locator('#lost').waitFor({ state: 'visible' });
    await visit.reads('#link', /^Not connected$/);
    expect(await visit.page.locator('#lost').textContent()).toMatch(
      /lost.*What you see is from \d\d:\d\d:\d\d/,
    );

    visit.show.change({ deliveries: 777 });
    await serveAgain();
    await visit.reads('#deliveries', /^777$/);

    await visit.page.locator('#lost').waitFor({ state: 'hidden' });
    await visit.reads('#link', /^Live$/);
  });
});

describe('on a phone', () => {
  it.each(['light', 'dark'] as const)(
    'needs no scrolling to the side, in %s colours',
    async (colorScheme) => {
      const long = `order-${'0123456789'.repeat(12)}`;
      const audit = { ...clean, clean: false, lost: 1, findings: [`${long} was never shipped`] };
      visit.show.journeys.set(long, [step({ eventId: long, note: long })]);
      await visit.open(
        {
          mode: 'unsafe',
          audit,
          deliveries: 1_234_567,
          crashes: [{ atMs: 4_200, transactionOpen: true, handlersDone: 3, lost: long }],
          recent: [{ orderId: long, totalCents: 123_456_789, state: 'cancelled', trouble: 'doubled' }],
        },
        { viewport: { width: 360, height: 740 }, colorScheme, hasTouch: true, isMobile: true },
      );
      const overhang = () => visit.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      await visit.page.locator('#findings summary').tap();
      expect(await overhang()).toBe(0);

      await visit.page.locator('.order').tap();
      await visit.reads('#journey-note', /^1 step/);

      expect(await overhang()).toBe(0);
      expect(await visit.page.evaluate('journey.scrollWidth - journey.clientWidth')).toBe(0);
    },
  );
});
