/**
 * The page in a real browser, served by its own server, over a show that the test directs.
 *
 * In CI a machine without a browser fails; elsewhere the tests are skipped, and it is said why.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type ServedPage, servePage } from '../../apps/shop/src/page/page-server.js';
import type { ShowState } from '../../apps/shop/src/page/show-state.js';
import { until } from '../services/ports.js';
import { browserChoices, browserPath, openBrowser } from './browser.js';
import { Rehearsal } from './rehearsal.js';

/** True where the tests are to be skipped: `const it = noBrowser ? jestIt.skip : jestIt`. */
export const noBrowser = browserPath() === null && !process.env['CI'];
if (noBrowser) console.warn(`The page was not looked at. ${browserChoices}`);

export class PageVisit {
  show = new Rehearsal();
  /** Every address that the page has asked for. */
  requests: string[] = [];
  /** What went wrong in the page: errors, and what its policy has forbidden. */
  troubles: string[] = [];
  #browser: Browser | null = null;
  #served: ServedPage | null = null;
  #page: Page | null = null;

  /** Before all tests. */
  async begin(): Promise<void> {
    if (!noBrowser) this.#browser = await openBrowser();
  }

  /** After each test: the next one finds a new show. */
  async leave(): Promise<void> {
    await this.#page?.context().close();
    await this.#served?.close();
    this.#page = null;
    this.#served = null;
    this.show = new Rehearsal();
    this.requests = [];
    this.troubles = [];
  }

  /** After all tests. */
  async end(): Promise<void> {
    await this.#browser?.close();
  }

  get page(): Page {
    return this.#page!;
  }

  get served(): ServedPage {
    return this.#served!;
  }

  /** Serves the show and opens the page, and waits for its first state. */
  async open(changes: Partial<ShowState> = {}, options: BrowserContextOptions = {}): Promise<void> {
    this.show.change(changes);
    this.#served = await servePage(this.show, 0);
    const context = await this.#browser!.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(10_000);
    context.on('request', (request) => this.requests.push(request.url()));
    this.#page = await context.newPage();
    this.page.on('console', (message) => {
      if (message.type() === 'error') this.troubles.push(message.text());
    });
    this.page.on('pageerror', (error) => this.troubles.push(String(error)));
    await this.page.goto(this.served.url);
    await this.reads('#link', /^Live$/);
  }

  /** Ends the server, and serves the show again at the same port. */
  async closeServer(): Promise<() => Promise<void>> {
    const { port } = this.served;
    await this.served.close();
    return async () => {
      this.#served = await servePage(this.show, port);
    };
  }

  /** Waits until the part of the page says it. */
  async reads(part: string, text: RegExp): Promise<void> {
    let last: string | null = null;
    const matches = async () => {
      last = await this.page.locator(part).textContent();
      return text.test(last ?? '');
    };
    await until(`${part} reads ${text}`, matches, 10_000).catch((error: Error) => {
      throw new Error(`${error.message}; it reads "${last}"`);
    });
  }

  /** Waits until the button or heading with this text has the focus. */
  focusComesTo(text: string): Promise<void> {
    return until(`the focus is at ${text}`, async () => (await this.focused()).includes(text), 5_000);
  }

  /** Text of the button or heading that has the focus. */
  focused(): Promise<string> {
    const text = 'document.activeElement.matches("button, h2") ? document.activeElement.textContent : ""';
    return this.page.evaluate<string>(text);
  }
}
