/**
 * A user's own module, started for dry runs alone: its handlers are there, and nothing is consumed or relayed.
 *
 * Everything of Nest's and ours comes from where the module finds it: two copies would not know each other's classes.
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type DryRun, ExactlyOnceError } from '@exactly-once/core';

/** As `dryRunApplication` of @exactly-once/nestjs gives it. */
interface DryRunApplication {
  readonly deadLetters: { dryRun(id: bigint): Promise<DryRun> };
  close(): Promise<void>;
}

interface NestPackage {
  dryRunApplication?(module: unknown, instance?: string): Promise<DryRunApplication>;
}

/** `place`: a file, or `file#Name` where it exports several classes. Throws EO_OPTION_INVALID. */
export async function withModule(
  place: string,
  instance: string | undefined,
  work: (deadLetters: DryRunApplication['deadLetters']) => Promise<void>,
): Promise<void> {
  const [file = '', name] = place.split('#');
  const path = resolve(file);
  const module = moduleOf(
    await imported<Record<string, unknown>>(pathToFileURL(path).href, place),
    place,
    name,
  );
  const nest = await imported<NestPackage>(found(path), '@exactly-once/nestjs');
  if (nest.dryRunApplication === undefined)
    throw refused(place, 'its @exactly-once/nestjs knows no dry runs');
  const application = await nest.dryRunApplication(module, instance);
  try {
    await work(application.deadLetters);
  } finally {
    await application.close();
  }
}

function found(path: string): string {
  try {
    return pathToFileURL(createRequire(path).resolve('@exactly-once/nestjs')).href;
  } catch (cause) {
    throw refused(path, 'there is no @exactly-once/nestjs beside it', cause);
  }
}

async function imported<T>(url: string, what: string): Promise<T> {
  try {
    return (await import(url)) as T;
  } catch (cause) {
    throw refused(what, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** A module of CommonJS shows its exports by their names too. */
function moduleOf(exports: Record<string, unknown>, place: string, name: string | undefined): unknown {
  const classes = Object.entries(exports).filter(([, one]) => typeof one === 'function');
  if (name !== undefined) {
    const named = classes.find(([known]) => known === name);
    if (named === undefined) throw refused(place, `it exports no class ${name}`);
    return named[1];
  }
  const distinct = new Map(classes.map(([known, one]) => [one, known]));
  if (distinct.size === 1) return [...distinct.keys()][0];
  const names = [...distinct.values()].join(', ') || 'none';
  throw refused(place, `it exports not one class but ${names}: say which, as ${place}#AppModule`);
}

function refused(place: string, why: string, cause?: unknown): ExactlyOnceError {
  return new ExactlyOnceError('EO_OPTION_INVALID', `--module ${place}: ${why}`, { cause });
}
