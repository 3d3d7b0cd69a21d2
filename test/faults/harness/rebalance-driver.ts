/**
 * Lets consumers join and leave at a steady beat. Here time itself is the fault: nobody waits for anything.
 */
import type { Stage } from './stage.js';
import type { WorkerProcess } from './worker-process.js';

export interface RebalancePlan {
  readonly everyMs: number;
  readonly steps: number;
  /** Consumers at once. */
  readonly most: number;
  readonly start: () => WorkerProcess;
}

/** Leaves at least one consumer running; answers how often one joined or left a group that was at work. */
export async function rebalanceEvery(stage: Stage, plan: RebalancePlan): Promise<number> {
  const { everyMs, steps, most, start } = plan;
  const { random } = stage;
  const running = [start(), start()];
  const moves: string[] = [];
  const leaving: Promise<void>[] = [];
  await running[0]!.ready();
  for (let step = 0; step < steps; step++) {
    const joins = running.length === 1 || (running.length < most && random.chance(0.5));
    const killed = !joins && random.chance(0.3);
    moves.push(joins ? 'join' : killed ? 'kill' : 'leave');
    if (joins) running.push(start());
    else leaving.push(leave(stage, running.shift()!, killed));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  Object.assign(stage.schedule, { moves });
  await Promise.all(leaving);
  return moves.length;
}

async function leave(stage: Stage, worker: WorkerProcess, killed: boolean): Promise<void> {
  if (killed) return worker.kill();
  const complaint = await worker.terminate();
  if (complaint !== null) stage.stuck.push(complaint);
}
