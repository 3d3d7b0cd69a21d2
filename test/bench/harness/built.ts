/**
 * Modules inside of a lib that its package does not export, as they are built: a benchmark runs the framework's own
 * statement, say, instead of a copy of it. The caller names the type, from the source.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** `path` from `libs`, as `core/dist/…`. The repository's root is the working directory. */
export function built(path: string): Promise<unknown> {
  return import(pathToFileURL(resolve('libs', path)).href);
}
