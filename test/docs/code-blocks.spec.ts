import { describe, expect, it } from '@jest/globals';
import { codeBlocks, compileErrors } from './code-blocks.js';
import { pages, readmes } from './pages.js';

const all = [...pages(), ...readmes()];

describe('the TypeScript of the pages under docs/ and of each README', () => {
  it('compiles, and an error in it is told with page and line', () => {
    const wrong = codeBlocks({
      path: 'docs/wrong.md',
      text: 'Text\n\n```ts\nconst n: number = "one";\n```\n',
    });
    const blocks = all.flatMap(codeBlocks);

    const errors = compileErrors([...blocks, ...wrong]);

    expect(blocks.length).toBeGreaterThan(10);
    expect(errors).toEqual([expect.stringMatching(/^docs\/wrong\.md:3 \+1: .*not assignable/)]);
  });

  it('is there for each package', () => {
    const libs = readmes().filter(({ path }) => path.startsWith('libs/'));
    const without = libs.filter((page) => codeBlocks(page).length === 0);

    expect(libs.length).toBeGreaterThan(4);
    expect(without).toEqual([]);
  });

  it('gives no two blocks the same file', () => {
    const files = all.flatMap((page) => codeBlocks(page).map(({ file }) => file));

    expect(files.filter((file, index) => files.indexOf(file) !== index)).toEqual([]);
  });
});
