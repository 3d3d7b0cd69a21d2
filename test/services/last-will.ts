/**
 * Removes a server's folder when this process is gone, however it ended: a handler does not outlive SIGKILL.
 *
 * A small shell in a session of its own waits until the pipe from this process closes. Signals to our process
 * group do not reach it. Never the way to end a server in the ordinary case: `stop` and `remove` do that.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';

/** What still writes into the folder may bring it back once: looks again, for 20 seconds at most. */
const script = `
folder=$1
shift
cat >/dev/null
for try in $(seq 100); do
  [ -e "$folder" ] || exit 0
  [ $# -eq 0 ] || "$@"
  rm -rf "$folder"
  sleep 0.2
done
`;

export class LastWill {
  private constructor(readonly shell: ChildProcess) {}

  /** `command`, if any, ends what runs in the folder; its failure does not keep the folder. */
  static write(folder: string, command: readonly string[] = []): LastWill {
    const shell = spawn('sh', ['-c', script, 'last-will', folder, ...command], {
      cwd: tmpdir(),
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    shell.on('error', () => undefined); // no shell: then no server starts either, and says so
    shell.unref();
    (shell.stdin as Socket).unref(); // a test that forgot its server may end: then the will is executed
    return new LastWill(shell);
  }

  /** Executes it now; resolves when it has ended. A folder that is gone already makes that short. */
  async execute(): Promise<void> {
    const { shell } = this;
    if (shell.pid === undefined || shell.exitCode !== null || shell.signalCode !== null) return;
    shell.ref();
    const ended = once(shell, 'exit');
    shell.stdin!.destroy();
    await ended;
  }
}
