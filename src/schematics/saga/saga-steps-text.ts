/**
 * The class for what the steps of a generated saga do. Its comments say what a refusal is, what any other error, and what
 * becomes of calls to other systems: whoever fills it in has no other page at hand.
 */
import { pascal } from '../project/names.js';
import { idOf, refusalOf, type SagaShape, undo } from './saga-text.js';

export function stepsText(saga: SagaShape): string {
  const { name, steps } = saga;
  const members = steps.map((step, at) =>
    at === steps.length - 1 ? doText(saga, step) : `${doText(saga, step)}\n${undoText(saga, step)}`,
  );
  return `import type { EventContext } from '@exactly-once/nestjs';
import { Injectable } from '@nestjs/common';

/**
 * Thrown by a step: it cannot be done, now or later. What the step wrote is rolled
 * back, and the steps before it are taken back.
 */
export class ${refusalOf(saga)} extends Error {}

/**
 * What the steps do, each in its event's transaction.
 *
 * A step refuses by throwing ${refusalOf(saga)}. Any other error is no refusal:
 * the event comes again. After its last attempt, or a PermanentError, it is a dead
 * letter, and the saga stands still: nothing is taken back. It goes on where it
 * stood with \`npx exactly-once dead-letters replay\`.
 *
 * Other systems are called at least once, and no rollback takes a call back: give
 * them \`context.idempotencyKey\` and \`context.signal\`, refuse before you call, and
 * do not call where \`context.dryRun\` is true.
 */
@Injectable()
export class ${pascal(name)}Steps {
${members.join('\n')}}
`;
}

const doText = (
  saga: SagaShape,
  step: string,
) => `  async ${step}(${idOf(saga)}: string, context: EventContext): Promise<void> {
    // TODO
    await Promise.resolve([${idOf(saga)}, context.idempotencyKey]);
  }
`;

const undoText = (saga: SagaShape, step: string) =>
  `  /** Takes \`${step}\` back. May not be refused: it is tried for about a day. */
  async ${undo(step)}(
    ${idOf(saga)}: string,
    context: EventContext,
  ): Promise<void> {
    // TODO
    await Promise.resolve([${idOf(saga)}, context.idempotencyKey]);
  }
`;
