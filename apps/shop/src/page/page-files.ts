/**
 * The page's own files, read once before it is served: document, style and icon from the folder of the sources,
 * scripts as compiled beside them by `tsc -b`. There is nothing else to fetch, from anywhere.
 */
import { readdir, readFile } from 'node:fs/promises';

/** One file, ready to be sent. */
export interface PageFile {
  readonly contentType: string;
  readonly body: Buffer;
}

/** The same two folders, whether this runs from `src/page` or from `dist/page`. */
const sources = new URL('../../src/page/browser/', import.meta.url);
const scripts = new URL('../../dist/browser/', import.meta.url);

const documents = [
  { path: '/', name: 'page.html', contentType: 'text/html; charset=utf-8' },
  { path: '/page.css', name: 'page.css', contentType: 'text/css; charset=utf-8' },
  { path: '/icon.svg', name: 'icon.svg', contentType: 'image/svg+xml' },
];

/** By the path that they are asked for. Rejects where one cannot be read, and says how it is made. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  try {
    const names = (await readdir(scripts)).filter((name) => name.endsWith('.js'));
    const texts = documents.map(async ({ path, name, contentType }) => {
      const body = await readFile(new URL(name, sources));
      return [path, { contentType, body }] as const;
    });
    const modules = names.map(async (name) => {
      const body = await readFile(new URL(name, scripts));
      return [`/${name}`, { contentType: 'text/javascript; charset=utf-8', body }] as const;
    });
    return new Map(await Promise.all([...texts, ...modules]));
  } catch (error) {
    throw new Error(
      `A file of the page is missing: ${(error as Error).message}. "npm run build" makes them.`,
      {
        cause: error,
      },
    );
  }
}
