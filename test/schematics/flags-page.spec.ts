import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const page = readFileSync('docs/how-to/generate-code.md', 'utf8');
const folder = 'src/schematics';
const schemas = readdirSync(folder).filter((name) => existsSync(`${folder}/${name}/schema.json`));

/** As they are typed; what stands without a flag is left out. */
const flagsOf = (schematic: string) => {
  const { properties } = JSON.parse(readFileSync(`${folder}/${schematic}/schema.json`, 'utf8')) as {
    properties: Record<string, { $default?: object }>;
  };
  return Object.entries(properties)
    .filter(([, { $default }]) => $default === undefined)
    .map(([name]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
};
const namedIn = (text: string) =>
  [...new Set(text.match(/--[a-z][a-z-]*/g))].map((flag) => flag.replace(/^--no-/, '--'));

describe('the page of the generators', () => {
  it('names every flag that they have, and no other', () => {
    const known = [...new Set(schemas.flatMap(flagsOf))];

    expect(schemas.length).toBe(6);
    expect(known.filter((flag) => !namedIn(page).includes(flag))).toEqual([]);
    expect(namedIn(page).filter((flag) => ![...known, '--dry-run'].includes(flag))).toEqual([]);
  });

  it('says of `nest g` what the Nest CLI takes', () => {
    const said = namedIn(/^`nest g` takes .*$/m.exec(page)![0]);
    const cli = readFileSync('node_modules/@nestjs/cli/commands/generate.command.js', 'utf8');
    const taken = namedIn(
      [...cli.matchAll(/\.option\('(?:-\w, )?(--[a-z-]+)/g)].map(([, flag]) => flag).join(' '),
    );

    expect(said.length).toBeGreaterThan(4);
    expect(said.filter((flag) => !taken.includes(flag))).toEqual([]);
    for (const flag of ['--module', '--path', '--event']) expect(taken).not.toContain(flag);
  });
});
