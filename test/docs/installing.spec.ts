import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { codeBlocks } from './code-blocks.js';
import { type Page, pages, readmes } from './pages.js';

/** What the Nest CLI puts into a new application. */
const ofEveryNestApplication = ['@nestjs/common', '@nestjs/core'];

const packageOf = (specifier: string) => /^(@[^/]+\/)?[^/]+/.exec(specifier)![0];

/** Packages that the page's TypeScript imports and no `npm install` of it names. */
function notInstalled(page: Page): string[] {
  const imported = codeBlocks(page)
    .flatMap(({ code }) => [...code.matchAll(/\bfrom '([^'.][^']*)'/g)])
    .map(([, specifier]) => packageOf(specifier!))
    .filter((name) => !name.startsWith('node:'));
  const installed = [...page.text.matchAll(/^npm install ((?:.*\\\n)*.*)/gm)].flatMap(([, names]) =>
    names!.split(/[\s\\]+/),
  );
  const known = new Set([...installed, ...ofEveryNestApplication]);
  return [...new Set(imported)].filter((name) => !known.has(name));
}

/** The lowest release of each range, without its last number. */
const lowest = (
  JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } }
).engines.node
  .split('||')
  .map((range) => /(\d+\.\d+)\.0/.exec(range)![1]!);

describe('what the pages say of installing', () => {
  // that of `testing` begins where an application is, with its packages
  it.each(readmes().filter(({ path }) => /^(README|libs\/(?!testing\/))/.test(path)))(
    'is enough to run the TypeScript of $path',
    (readme) => {
      expect(notInstalled(readme)).toEqual([]);
    },
  );

  it('misses what is imported and not named', () => {
    const text = [
      "```sh\nnpm install a \\\n  @b/c\n```\n```ts\nimport a from 'a/x';\nimport c from '@b/c';",
      "import d from 'd';\nimport e from './e.js';\n```\n",
    ].join('\n');

    expect(notInstalled({ path: 'docs/page.md', text })).toEqual(['d']);
  });

  it('names every release of Node that the packages begin with, where they name one', () => {
    const saying = [...pages(), ...readmes()].filter(({ text }) =>
      lowest.some((release) => text.includes(release)),
    );

    expect(saying.map(({ path }) => path)).toContain('docs/tutorial.md');
    for (const { path, text } of saying) {
      const missing = lowest.filter((release) => !text.includes(release));
      expect({ path, missing }).toEqual({ path, missing: [] });
    }
  });
});
