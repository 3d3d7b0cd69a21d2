/**
 * Jars from Maven Central for what tests start on Java, fetched once and kept beside the sources.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { GuardedProcess } from './guarded-process.js';
import { LastWill } from './last-will.js';

/** Repository root: tests run from there, compiled programs too. */
const root = process.cwd();

/**
 * The class path of a pom below test/services, kept under `name`. Two processes may fetch at the same time: each renames
 * its own folder into place.
 */
export async function mavenClasspath(name: string, pom: string): Promise<string> {
  const jars = resolve(root, '.cache', name);
  if (!existsSync(jars)) {
    await mkdir(resolve(root, '.cache'), { recursive: true });
    const fetched = await mkdtemp(resolve(root, '.cache', 'fetch-'));
    const will = LastWill.write(fetched);
    try {
      await fetchJars(resolve(root, 'test/services', pom), fetched);
      await rename(fetched, jars);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error; // another process was first
    } finally {
      await will.execute();
    }
  }
  return join(jars, '*');
}

/** Guarded: Maven would go on without us, and bring back the folder that the will removed. */
async function fetchJars(pom: string, folder: string): Promise<void> {
  const parameters = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
  const log = join(folder, 'fetch.log');
  const maven = await GuardedProcess.start(['mvn', ...parameters], log);
  const code = await maven.ended(300_000);
  if (code !== 0) throw new Error(`Maven did not fetch ${pom} (exit code ${code}):\n${maven.log()}`);
  await rm(log);
}
