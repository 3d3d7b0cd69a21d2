import { describe, expect, it } from '@jest/globals';
import { codeBlocks, compileErrors } from './code-blocks.js';
import { pages } from './pages.js';

describe('the TypeScript of the pages under docs/', () => {
  it('compiles, and an error in it is told with page and line', () => {
    const wrong = codeBlocks({
      path: 'docs/wrong.md',
      text: 'Text\n\n```ts\nconst n: number = "one";\n```\n',
    });
    const blocks = pages().flatMap(codeBlocks);

    const errors = compileErrors([...blocks, ...wrong]);

    expect(blocks.length).toBeGreaterThan(10);
    expect(errors).toEqual([expect.stringMatching(/^docs\/wrong\.md:3 \+1: .*not assignable/)]);
  });

  it('gives no two blocks the same file', () => {
    const files = pages().flatMap((page) => codeBlocks(page).map(({ file }) => file));

    expect(files.filter((file, index) => files.indexOf(file) !== index)).toEqual([]);
  });
});
