import { afterAll, afterEach, beforeAll, describe, expect, it as jestIt } from '@jest/globals';
import { until } from '../services/ports.js';
import { noBrowser, PageVisit } from './page-visit.js';
import { step } from './rehearsal.js';

const it = noBrowser ? jestIt.skip : jestIt;
const visit = new PageVisit();
beforeAll(() => visit.begin());
afterEach(() => visit.leave());
afterAll(() => visit.end());

describe('the latest orders', () => {
  it('open a journey by keyboard; Esc closes it and the focus returns', async () => {
    visit.show.journeys.set('order-2', [
      step({ step: 'published', atMs: 400 }),
      step({ step: 'relayed', atMs: 450 }),
      step({ step: 'delivered', atMs: 500, handler: 'payments/PaymentHandlers.capture' }),
      step({ step: 'crash', atMs: 510, handler: 'payments/PaymentHandlers.capture', note: 'SIGKILL' }),
      step({ step: 'handled', atMs: 900, handler: 'payments/PaymentHandlers.capture' }),
      step({ step: 'duplicate', atMs: 950, handler: 'payments/PaymentHandlers.capture' }),
    ]);
    await visit.open();

    for (let presses = 0; presses < 20 && !(await visit.focused()).includes('order-2'); presses++)
      await visit.page.keyboard.press('Tab');
    expect(await visit.page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await visit.page.keyboard.press('Enter');

    await visit.reads('#journey-order', /^order-2$/);
    await visit.reads('#journey-note', /^6 steps, 1 copy absorbed\.$/);
    expect(await visit.page.locator('#journey-steps .words > p:first-child').allTextContents()).toEqual([
      '“Order placed” was written down, in one transaction with the change that it reports.',
      '“Order placed” was sent on its way.',
      '“Order placed” reached payments.',
      'The shop was killed while “Order placed” was under way.',
      'Payments did its work for “Order placed”, and it is committed.',
      'A copy of “Order placed” reached payments, was recognised and absorbed.',
    ]);
    expect(
      await visit.page.evaluate('document.getElementById("journey").contains(document.activeElement)'),
    ).toBe(true);

    await visit.page.keyboard.press('Escape');

    await visit.page.locator('#journey').waitFor({ state: 'hidden' });
    await visit.focusComesTo('order-2');
  });

  it('show a journey that goes on, and the second time that a handler did its work', async () => {
    const handled = step({ step: 'handled', handler: 'payments/PaymentHandlers.capture' });
    visit.show.journeys.set('order-1', [handled]);
    await visit.open();
    await visit.page.locator('.order', { hasText: 'order-1' }).click();
    await visit.reads('#journey-note', /^1 step,/);

    visit.show.journeys.set('order-1', [handled, { ...handled, atMs: 2_000 }]);
    await until('the page has it', async () => {
      visit.show.change({ elapsedMs: visit.show.state().elapsedMs + 100 });
      return (await visit.page.locator('#journey-steps > li').count()) === 2;
    });

    expect(await visit.page.locator('#journey-steps > li.again').allTextContents()).toEqual([
      expect.stringContaining('did the work for “Order placed” again: 2 times now.'),
    ]);
  });

  it('hold still for a moment, then let others come in above, and keep the focus on their order', async () => {
    await visit.open();
    await visit.page.locator('.order', { hasText: 'order-1' }).focus();
    const newest = { orderId: 'order-4', totalCents: 100, state: 'placed', trouble: null } as const;

    visit.show.change({ elapsedMs: 7_000, recent: [newest, ...visit.show.state().recent] });
    await visit.reads('#elapsed', /^7.0 s$/);
    expect(await visit.page.locator('.order').count()).toBe(3); // holds still for who has just come to it
    await until('the new one is there', async () => (await visit.page.locator('.order').count()) === 4);

    expect(await visit.focused()).toContain('order-1');
    expect(await visit.page.locator('.order').first().textContent()).toContain('order-4');
  });

  it('give the focus to the list’s heading when the order that was looked at has left', async () => {
    visit.show.journeys.set('order-1', [step({})]);
    await visit.open();
    await visit.page.locator('.order', { hasText: 'order-1' }).click();
    visit.show.change({ recent: visit.show.state().recent.slice(0, 2) });
    await until('it has left', async () => (await visit.page.locator('.order').count()) === 2);

    await visit.page.keyboard.press('Escape');

    await visit.page.locator('#journey').waitFor({ state: 'hidden' });
    await visit.focusComesTo('Latest orders');
  });

  it('say in words which are in trouble, as they come', async () => {
    await visit.open();

    const recent = visit.show
      .state()
      .recent.map((order, index) => (index === 2 ? { ...order, trouble: 'doubled' as const } : order));
    visit.show.change({ recent: [recent[2]!, recent[0]!, recent[1]!] });

    await until('it is first', async () =>
      /^!order-1.*shipped, doubled$/.test((await visit.page.locator('.order').first().textContent()) ?? ''),
    );
  });

  it('show hostile ids as text', async () => {
    const hostile = '<img src=x onerror="document.title=1">\'"&\u202e/../<script>alert(1)</script>';
    visit.show.journeys.set(hostile, [
      step({ eventId: hostile, type: hostile, handler: hostile, note: hostile }),
    ]);
    await visit.open({ recent: [{ orderId: hostile, totalCents: 1, state: 'placed', trouble: null }] });

    expect(await visit.page.locator('.order .id').textContent()).toBe(hostile);
    await visit.page.locator('.order').click();
    await visit.reads('#journey-note', /^1 step/);

    expect(await visit.page.locator('#journey-order').textContent()).toBe(hostile);
    expect(await visit.page.locator('.step-note').textContent()).toBe(hostile);
    expect(await visit.page.locator('main img, main script, dialog img, dialog script').count()).toBe(0);
    expect(await visit.page.title()).toContain('Exactly Once');
    expect(visit.troubles).toEqual([]);
  });
});
