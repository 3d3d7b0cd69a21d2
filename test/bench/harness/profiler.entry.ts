/**
 * Loaded before a contestant's program where a CPU profile is wanted: it begins when the contestant tells its parent
 * that it has begun, so that loading and joining do not count, and is written when it is told to end, or ends.
 * Never part of a run whose figures count.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { basename, join } from 'node:path';

const session = new Session();
const tell = process.send;

if (tell !== undefined) {
  process.send = (...told: unknown[]) => {
    process.send = tell;
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.start');
    process.once('SIGTERM', write);
    process.once('exit', write);
    return Reflect.apply(tell, process, told);
  };
}

let written = false;

/** The answer of a session to its own thread comes before `post` returns. */
function write(): void {
  if (written) return;
  written = true;
  session.post('Profiler.stop', (_, { profile }) => {
    const folder = process.env['BENCH_PROFILES']!;
    const program = basename(process.argv[1]!).replace(/\.entry\.js$/, '');
    const { setting } = JSON.parse(process.argv[2]!) as { setting: string };
    const name = [program, setting.replace(/[^\w-]+/g, '-'), process.pid]
      .filter((part) => part !== '')
      .join('.');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.cpuprofile`), JSON.stringify(profile));
  });
}
