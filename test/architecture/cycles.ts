/**
 * Import cycles among files, imports of types included: what imports each other cannot be read or changed alone.
 * Works on the sources as given, so that the spec can plant one.
 */
import { neighboursOf } from './imports.js';
import type { SourceFile } from './source-files.js';

/** Each cycle once, as `a.ts -> b.ts -> a.ts`. */
export function cycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, neighboursOf(file)]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}
