import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Page, pages, prose, readmes } from './pages.js';

/** As GitHub names headings. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Links of a page that lead to no file, or to no heading of it. */
function deadLinks(page: Page): string[] {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page.path : posix.join(posix.dirname(page.path), path);
      if (path !== '' && !existsSync(target)) return true;
      if (anchor === undefined) return false;
      return !anchors(path === '' ? page.text : readFileSync(target, 'utf8')).includes(anchor);
    })
    .map((link) => `${page.path}: ${link}`);
}

/** A package's README is read without the repository around it. */
function linksOutOf(page: Page): string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !/^(#|[a-z]+:)/.test(link));
}

describe('the links of the pages under docs/, and of each README', () => {
  it('lead somewhere', () => {
    expect([...pages(), ...readmes()].flatMap(deadLinks)).toEqual([]);
  });

  it('are dead without the file or without the heading', () => {
    const text = '# One\n[a](#one) [b](#two) [c](tutorial.md) [d](missing.md)';

    expect(deadLinks({ path: 'docs/page.md', text })).toEqual([
      'docs/page.md: #two',
      'docs/page.md: missing.md',
    ]);
  });

  it.each(readmes().filter(({ path }) => path.startsWith('libs/')))(
    'stay within the page, or name a host, in $path, which is packed alone',
    (readme) => {
      expect(linksOutOf(readme)).toEqual([]);
    },
  );

  it('lead from the index to every page', () => {
    const index = readFileSync('docs/README.md', 'utf8');
    const unlisted = pages()
      .map(({ path }) => posix.relative('docs', path))
      .filter((path) => path !== 'README.md' && !index.includes(`(${path})`));

    expect(unlisted).toEqual([]);
  });
});
