/**
 * Case 51: an event that aborts its process whenever it is handled, and innocent ones that deploys kill.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { parkedSql } from '../harness/observe.sql.js';
import {
  consume,
  type Ground,
  layOut,
  ledgerMessage,
  ledgerMessages,
  produce,
} from '../harness/ordinary-run.js';
import type { Stage } from '../harness/stage.js';
import type { WorkerProcess } from '../harness/worker-process.js';
import type { Message } from '../record/message.js';

const deploys = 3;
/** Of a killer: among neighbours, beside other partitions, three alone, and once more for each killer beside it. */
const mostDeaths = 7;

/** How often a handler was called for the message, by whom. */
function callsOf(stage: Stage, { attempt }: Message): string[] {
  return stage
    .evidence()
    .flatMap((line) => (line.kind === 'act' && line.message === attempt.message ? [line.worker] : []));
}

/** A process that ends is started again, as an orchestrator does; the function returned ends that. */
function restarting(stage: Stage, ground: Ground): { current: () => WorkerProcess; end: () => void } {
  let over = false;
  let worker: WorkerProcess;
  const start = () => {
    worker = consume(stage, ground);
    worker.expectEnd();
    void worker.exited.then(() => {
      if (!over) start();
    });
  };
  start();
  return {
    current: () => worker,
    end: () => {
      over = true;
    },
  };
}

/** SIGKILL while the innocent one is in its handler, each time in another process. */
async function deploy(stage: Stage, current: () => WorkerProcess, innocent: Message): Promise<void> {
  const killed = new Set<string>();
  while (killed.size < deploys) {
    const inHandler = async () => {
      const { name, exit } = current();
      return exit === null && !killed.has(name) && callsOf(stage, innocent).includes(name);
    };
    if (!(await stage.eventually('the innocent event is handled', inHandler))) break;
    killed.add(current().name);
    await current().kill();
  }
  stage.fault(`${killed.size} of ${deploys} deploys killed the innocent event`, killed.size === deploys);
}

/** Each death and each killer that is parked is progress, and has a bound of its own: a start takes its time. False: in vain. */
async function untilParked(stage: Stage, killers: readonly Message[]): Promise<boolean> {
  const deaths = () => killers.flatMap((killer) => callsOf(stage, killer)).length;
  const parked = async () =>
    (await stage.database.query(parkedSql)).filter(({ code }) => code === 'EO_PROCESS_KILLED').length;
  for (;;) {
    const [died, done] = [deaths(), await parked()];
    if (done >= killers.length) return true;
    if (died > mostDeaths * killers.length) {
      stage.stuck.push(`${died} processes died of ${killers.length} events, and there is no end`);
      return false;
    }
    const moved = async () => deaths() > died || (await parked()) > done;
    if (!(await stage.eventually('another process dies, or a killer is parked', moved))) return false;
  }
}

async function parkedInOrder(
  stage: Stage,
  killers: readonly Message[],
  others: readonly Message[],
): Promise<void> {
  const rows = await stage.database.query(parkedSql);
  const bodies = (code: string) => rows.filter((row) => row.code === code).map(({ body }) => String(body));
  const wanted = (messages: readonly Message[]) => messages.map(({ body }) => body).toSorted();
  stage.check(
    `the killers are parked as such (${bodies('EO_PROCESS_KILLED').length} of ${killers.length})`,
    bodies('EO_PROCESS_KILLED').toSorted().join() === wanted(killers).join(),
  );
  stage.check(
    `later events of their keys wait behind them (${bodies('EO_KEY_PARKED').length} of ${others.length})`,
    bodies('EO_KEY_PARKED').toSorted().join() === wanted(others).join(),
  );
  const sequences = new Map<string, number>();
  for (const { body } of rows) {
    const { key, sequence } = JSON.parse(String(body)) as { key: string; sequence: number };
    stage.check(`parked events of ${key} are in order`, sequence > (sequences.get(key) ?? -1));
    sequences.set(key, sequence);
  }
}

export const processKillersCase: FaultCase = {
  number: 51,
  fault: 'An event that aborts its process; the same as innocent neighbour of three deploys',
  looksFor: 'the killer is parked, the innocent is processed',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage);
    const how = random.pick(['abort', 'SIGKILL'] as const);
    const killerCount = random.pick([1, 1, 2]);
    Object.assign(stage.schedule, { how, killers: killerCount });
    const innocent = ledgerMessage(stage, { key: 'innocent', act: { kind: 'slow', ms: 400 } });
    const killers = Array.from({ length: killerCount }, (_, index) =>
      ledgerMessage(stage, { key: `killer-${index}`, act: { kind: 'kill', how }, fate: 'dead-letter' }),
    );
    const behind = killers.flatMap(({ key }) =>
      Array.from({ length: random.between(0, 3) }, () => ledgerMessage(stage, { key, fate: 'dead-letter' })),
    );
    const neighbours = ledgerMessages(stage, ground, random.between(20, 40));
    const half = random.between(0, neighbours.length);
    await produce(stage, [
      ...neighbours.slice(0, half),
      innocent,
      ...killers,
      ...neighbours.slice(half),
      ...behind,
    ]);
    const late = killers.map(({ key }) => ledgerMessage(stage, { key, fate: 'dead-letter' }));
    const { current, end } = restarting(stage, ground);
    try {
      await deploy(stage, current, innocent);
      if (await untilParked(stage, killers)) {
        await stage.drained();
        await produce(stage, [...late, ...ledgerMessages(stage, ground, 10)]);
        await stage.drained();
      }
    } finally {
      end();
    }
    for (const killer of killers) {
      const deaths = callsOf(stage, killer);
      stage.fault(`${deaths.length} processes died of ${killer.key}`, new Set(deaths).size >= 3);
      stage.check(`each once (${deaths.length} calls)`, new Set(deaths).size === deaths.length);
    }
    await parkedInOrder(stage, killers, [...behind, ...late]);
  },
};
