/**
 * Case 36 at the relay: events above the broker's limit in the outbox, and an operator who decides about them.
 */
import { runTool } from '../../../cli/run-tool.js';
import type { FaultCase } from '../../harness/fault-case.js';
import { outboxDepthSql, refusedSql } from '../../harness/observe.sql.js';
import {
  consume,
  type Ground,
  layOut,
  ledgerMessage,
  ledgerMessages,
  startPublisher,
} from '../../harness/ordinary-run.js';
import { checkTopic, relay, split } from '../../harness/relays.js';
import { inputType, type Stage } from '../../harness/stage.js';
import type { Message } from '../../record/message.js';

/** Of a record in Kafka, unless the topic says otherwise. */
const kafkaLimit = 1_048_588;
const raisedLimit = 10 * kafkaLimit;
const source = 'publish';

/** A key of its own: some events, one that is too large, and some that come behind it. */
interface Line {
  readonly events: readonly Message[];
  readonly large: Message;
  readonly behind: number;
  readonly decision: 'retry' | 'discard';
}

function line(stage: Stage, key: string | null): Line {
  const { random } = stage;
  const decision = random.pick(['retry', 'discard'] as const);
  const some = (count: number) => Array.from({ length: count }, () => ledgerMessage(stage, { key, source }));
  const before = some(random.between(0, 5));
  const rest = JSON.stringify('x'.repeat(random.between(kafkaLimit, 3 * kafkaLimit)));
  const fate = decision === 'retry' ? 'effect' : 'nothing';
  const large = ledgerMessage(stage, { key, source, rest, fate });
  const after = some(random.between(3, 10));
  // without a key nothing waits
  return { events: [...before, large, ...after], large, behind: key === null ? 0 : after.length, decision };
}

/** In a seeded order that keeps each line's own. */
function interleaved(stage: Stage, lists: readonly (readonly Message[])[]): Message[] {
  const turns = stage.random.shuffled(lists.flatMap((list, of) => list.map(() => of)));
  const next = lists.map((list) => list.values());
  return turns.map((of) => next[of]!.next().value!);
}

interface DeadEvent {
  readonly position: string;
  readonly id: string;
  readonly reason: string;
  readonly waiting: number;
}

async function tool(stage: Stage, ...words: string[]): Promise<string> {
  const { code, out, err } = await runTool(['outbox', ...words], { DATABASE_URL: stage.database.url });
  stage.check(`exactly-once outbox ${words[0]} ends well (${code}: ${err})`, code === 0);
  return out;
}

/** What the broker can take is there, and nothing else. */
async function heldBack(stage: Stage, lines: readonly Line[]): Promise<boolean> {
  const behind = lines.reduce((sum, one) => sum + one.behind, 0);
  return stage.eventually(`all but ${behind} behind ${lines.length} is published`, async () => {
    const [refused, depth] = [
      await stage.database.query(refusedSql),
      await stage.database.query(outboxDepthSql),
    ];
    return refused.length === lines.length && depth[0].count === behind;
  });
}

async function decide(stage: Stage, lines: readonly Line[]): Promise<void> {
  const dead: DeadEvent[] = JSON.parse(await tool(stage, 'list', '--json'));
  const of = ({ large }: Line) => dead.find(({ id }) => id === large.id);
  for (const one of lines) {
    const [found, { behind }] = [of(one), one];
    const right = found?.reason === 'MESSAGE_TOO_LARGE' && found.waiting === behind;
    stage.check(`${one.large.id} is dead, ${behind} wait (${JSON.stringify(found)})`, right);
  }
  const positions = (decision: Line['decision']) =>
    lines.flatMap((one) => (one.decision === decision ? (of(one)?.position ?? []) : []));
  await stage.broker.raiseLimit?.(stage.topics[inputType]!, raisedLimit);
  const [again, given] = [positions('retry'), positions('discard')];
  if (given.length > 0) await tool(stage, 'discard', ...given, '--reason', 'too large for anybody');
  if (again.length > 0) await tool(stage, 'retry', ...again);
}

export const refusedEventsCase: FaultCase = {
  number: 36,
  fault: "Published events over the broker's limit; sent again or given up later",
  looksFor: 'R: its key waits, others go on; then the rest in order',
  brokers: ['kafka'],
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage);
    await split(stage, random.pick([1, 1, 4]));
    const lines = Array.from({ length: random.between(2, 4) }, (_, index) => line(stage, `large-${index}`));
    lines.push(line(stage, null));
    const decisions = lines.map(({ decision }) => decision);
    const restart = random.chance(0.5);
    Object.assign(stage.schedule, { decisions, restart });
    consume(stage, ground, { relay: false });
    const first = relay(stage, { sendAtOnce: random.pick([1, 10, 100]) });
    await published(stage, [...lines.map(({ events }) => events), others(stage, ground, 60)]);
    stage.fault(`${lines.length} published events were refused`, await heldBack(stage, lines));
    const standing = await checkHeldBack(stage, lines);
    if (restart) {
      await first.kill();
      relay(stage);
    }
    await published(stage, [others(stage, ground, 20)]);
    stage.check('they are held back still', await heldBack(stage, lines));
    Object.assign(stage.measured, { 'on the topic before the decision': standing });
    await decide(stage, lines);
    await stage.drained();
    await checkTopic(stage);
  },
};

function others(stage: Stage, ground: Ground, count: number): Message[] {
  return ledgerMessages(stage, ground, count, { source });
}

async function published(stage: Stage, lists: readonly (readonly Message[])[]): Promise<void> {
  const publisher = await startPublisher(stage, interleaved(stage, lists));
  stage.go(publisher);
  await stage.finished(publisher);
}

/** Nothing that stands behind a refused event is on the topic; how many records are. */
async function checkHeldBack(stage: Stage, lines: readonly Line[]): Promise<number> {
  const records = await stage.broker.dump(stage.topics[inputType]!);
  const there = new Set(records.map(({ headers }) => headers['ce_id']));
  const early = lines.flatMap(({ events, large, behind }) =>
    behind === 0 ? [] : events.slice(events.indexOf(large)).filter(({ id }) => there.has(id!)),
  );
  stage.check(`nothing passes a refused event of its key (${early.length} do)`, early.length === 0);
  return records.length;
}
