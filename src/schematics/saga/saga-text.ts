/**
 * The texts of a generated saga: events, and the chain of handlers. A step that is done tells the next; one that is
 * refused leaves nothing, and has the steps before it taken back, last first. Each handler's effects happen once, so the
 * chain's do.
 */
import { newHandlerComment } from '../handler/handler-text.js';
import { camel, kebab, pascal, plural } from '../project/names.js';

export interface SagaShape {
  /** In kebab-case. */
  readonly name: string;
  /** In front of the handlers' names. */
  readonly folder: string;
  /** In camelCase, one at least. */
  readonly steps: readonly string[];
  /** Whether the application has had other handlers before. */
  readonly isFurther: boolean;
}

/** The import path of a file of the saga: `events`, `steps`. */
export type Importing = (file: string) => string;

interface SagaEvent {
  readonly className: string;
  readonly meaning: string;
}

export const undo = (step: string) => `undo${pascal(step)}`;
export const idOf = ({ name }: SagaShape) => `${camel(name)}Id`;

/** The function that makes an event of the saga. */
export const makerOf = ({ name }: SagaShape) => `${camel(name)}Event`;

/** The error by which a step is refused. */
export const refusalOf = ({ name }: SagaShape) => `${pascal(name)}StepRefused`;

/** The class that says that a step, or with the last all, is done. */
export function doneClass({ name, steps }: SagaShape, at: number): string {
  return `${pascal(name)}${at === steps.length - 1 ? 'Completed' : `${pascal(steps[at]!)}Done`}`;
}

/** The class that has the step before this one taken back, or says that nothing is left of it all. */
export function backClass({ name, steps }: SagaShape, at: number): string {
  return `${pascal(name)}${at === 0 ? 'Failed' : `Undo${pascal(steps[at - 1]!)}`}`;
}

/** On the wire: `CheckoutReserveDone` is `checkout.reserve-done`. */
export function typeOf({ name }: SagaShape, className: string): string {
  return `${name}.${kebab(className.slice(pascal(name).length))}`;
}

function eventsOf(saga: SagaShape): SagaEvent[] {
  const { steps, name } = saga;
  const inner = steps.slice(0, -1);
  return [
    { className: `${pascal(name)}Started`, meaning: 'Begins it.' },
    ...inner.map((step, at) => ({ className: doneClass(saga, at), meaning: `\`${step}\` is done.` })),
    { className: `${pascal(name)}Completed`, meaning: 'All steps are done.' },
    ...inner.map((step, at) => ({
      className: backClass(saga, at + 1),
      meaning: `\`${step}\` is to be taken back.`,
    })),
    {
      className: `${pascal(name)}Failed`,
      meaning: 'A step was refused, and what was done before it is taken back.',
    },
  ];
}

export function eventsText(saga: SagaShape): string {
  const [base, id] = [`${pascal(saga.name)}Event`, idOf(saga)];
  const classes = eventsOf(saga).map(
    ({ className, meaning }) => `/** ${meaning} */
@EventType('${typeOf(saga, className)}', { topic, key })
export class ${className} extends ${base} {}
`,
  );
  return `import { EventType } from '@exactly-once/nestjs';
import { IsUUID } from 'class-validator';

/** All events of one run have its id as their key, and so are handled in order. */
abstract class ${base} {
  @IsUUID()
  ${id}!: string;
}

const topic = '${plural(saga.name)}';
const key = (event: ${base}) => event.${id};

export function ${makerOf(saga)}<T extends ${base}>(
  type: new () => T,
  ${id}: string,
): T {
  return Object.assign(new type(), { ${id} });
}

${classes.join('\n')}`;
}

export function sagaText(saga: SagaShape, importing: Importing): string {
  const { name, steps } = saga;
  const names = [...eventsOf(saga).map(({ className }) => className), makerOf(saga)].sort();
  const forth = steps.map((_, at) => forthText(saga, at));
  const back = steps.slice(0, -1).map((_, at) => backText(saga, at));
  return `import {
  EventContext,
  ExactlyOnce,
  IdempotentHandler,
  type IdempotentHandlerOptions,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
${names.map((one) => `  ${one},\n`).join('')}} from '${importing('events')}';
import { ${refusalOf(saga)}, ${pascal(name)}Steps } from '${importing('steps')}';

/** A transaction for each event: a neighbour's failure does not call outside again. */
const forth: IdempotentHandlerOptions = { commit: 'event'${saga.isFurther ? ', new: true' : ''} };
${back.length === 0 ? '' : backOptions}
/**
 * ${[...steps, 'completed'].join(' → ')}; a refusal goes back the way it came.
 * It begins with whoever publishes ${pascal(name)}Started.
 */
@Controller()
export class ${pascal(name)}Saga {
  constructor(
    private readonly steps: ${pascal(name)}Steps,
    private readonly exactlyOnce: ExactlyOnce,
    private readonly outbox: OutboxRepository,
  ) {}

${[...forth, ...back.reverse()].join('\n')}
  /** In a savepoint: a step that is refused leaves nothing that it wrote or published. */
  async #isDone(step: () => Promise<void>): Promise<boolean> {
    try {
      await this.exactlyOnce.transaction(step);
      return true;
    } catch (error) {
      if (error instanceof ${refusalOf(saga)}) return false;
      throw error;
    }
  }
}
`.replace('const forth', `${saga.isFurther ? newHandlerComment.trimStart() : ''}const forth`);
}

const backOptions = `/** Nothing may stay half taken back: attempts for about a day, then a dead letter. */
const back: IdempotentHandlerOptions = {
  ...forth,
  retry: { attempts: 5_000 },
};
`;

function forthText(saga: SagaShape, at: number): string {
  const step = saga.steps[at]!;
  const cause = at === 0 ? `${pascal(saga.name)}Started` : doneClass(saga, at - 1);
  return `${handlerHead(saga, { method: step, cause, options: 'forth' })}
    const isDone = await this.#isDone(() =>
      this.steps.${step}(event.${idOf(saga)}, context),
    );
    const next = isDone ? ${doneClass(saga, at)} : ${backClass(saga, at)};
    await this.outbox.publish(${makerOf(saga)}(next, event.${idOf(saga)}));
  }
`;
}

function backText(saga: SagaShape, at: number): string {
  const step = undo(saga.steps[at]!);
  return `${handlerHead(saga, { method: step, cause: backClass(saga, at + 1), options: 'back' })}
    await this.steps.${step}(event.${idOf(saga)}, context);
    await this.outbox.publish(
      ${makerOf(saga)}(${backClass(saga, at)}, event.${idOf(saga)}),
    );
  }
`;
}

interface Head {
  readonly method: string;
  readonly cause: string;
  readonly options: 'forth' | 'back';
}

function handlerHead({ name, folder }: SagaShape, { method, cause, options }: Head): string {
  const identity = [folder, name, kebab(method)].filter((part) => part !== '').join('/');
  return `  @IdempotentHandler(${cause}, {
    name: '${identity}',
    ...${options},
  })
  async ${method}(
    @Payload() event: ${cause},
    @Ctx() context: EventContext,
  ): Promise<void> {`;
}
