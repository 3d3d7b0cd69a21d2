/**
 * Takes the picture of the page for the README: `node dist-test/test/shop/picture.entry.js URL FILE`, of a page that
 * is being served, in the middle of its run. Waits until the page has its first state.
 */
import { openBrowser } from './browser.js';

const [url = 'http://127.0.0.1:3000', file = 'docs/shop.png'] = process.argv.slice(2);
const browser = await openBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  await page.goto(url);
  await page.locator('#link[data-link=live]').waitFor();
  await page.screenshot({ path: file, animations: 'disabled' });
} finally {
  await browser.close();
}
