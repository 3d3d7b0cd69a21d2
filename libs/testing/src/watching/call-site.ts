/**
 * Where the running code was called from, in the user's own files.
 *
 * Frames of Node, of packages and of this framework are passed by, by the files that really run: a source map says of a
 * package's code that it stands somewhere else. The place itself is told as the source map has it.
 */
import { fileURLToPath } from 'node:url';

/** Deep enough for an ORM between the handler and its driver. */
const frames = 100;
/** The folder of the framework's packages, in a checkout or under node_modules. */
const ours = fileURLToPath(new URL('../../../', import.meta.url));
const place = /((?:file:\/\/)?\/[^()]*|[A-Za-z]:\\[^()]*|[^()\s]+):(\d+):(\d+)\)?$/;

/** `path:line:column` of the nearest frame of the user's; `null` where none is on the stack. */
export function callSite(): string | null {
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = frames;
  try {
    const told: { stack?: string } = {};
    Error.captureStackTrace(told, callSite);
    const lines = (told.stack ?? '').split('\n    at ').slice(1);
    Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? null);
    const run: { stack?: unknown } = {};
    Error.captureStackTrace(run, callSite);
    const at = (run.stack as (string | null)[]).findIndex(isUsers);
    return at === -1 ? null : placeIn(lines[at] ?? '');
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

/** Whether a file, a path or a URL, is the user's. */
export function isUsers(file: string | null): boolean {
  const path = (file ?? '').replace(/^file:\/\//, '');
  if (path === '' || path.startsWith('node:') || path.startsWith('internal/')) return false;
  return !/[\\/]node_modules[\\/]/.test(path) && !path.startsWith(ours);
}

/** Of one line of a stack. */
export function placeIn(line: string): string | null {
  const [, path, row, column] = place.exec(line.trim()) ?? [];
  return path === undefined ? null : `${path.replace(/^file:\/\//, '')}:${row}:${column}`;
}
