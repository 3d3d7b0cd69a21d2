/**
 * The pages under `docs/`, and every README: the repository's own, each package's and each service's, as the specs beside this file read them. Reads
 * files and nothing else.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

export interface Page {
  /** From the repository's root, for example `docs/tutorial.md`. */
  readonly path: string;
  readonly text: string;
}

export function pages(): Page[] {
  return readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join('docs', name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.md'))
    .sort()
    .map(pageAt);
}

export function readmes(): Page[] {
  const inner = ['libs', 'apps']
    .flatMap((folder) => readdirSync(folder).map((name) => posix.join(folder, name, 'README.md')))
    .filter((path) => existsSync(path));
  return ['README.md', ...inner.sort()].map(pageAt);
}

function pageAt(path: string): Page {
  return { path, text: readFileSync(path, 'utf8') };
}

/** The page without its code. */
export function prose({ text }: Page): string {
  return text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');
}
