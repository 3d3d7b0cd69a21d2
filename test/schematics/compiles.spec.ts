import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compileErrors } from './compiled.js';
import { type Files, type Generated, Generator, monorepo, newApplication, type Run } from './generated.js';

let generator: Generator;

beforeAll(() => {
  generator = new Generator();
});
afterAll(() => generator.end());

const everything: readonly Run[] = [
  ['nest-add', {}],
  ['handler', { name: 'payments/capture:order-placed', fields: 'orderId:uuid,totalCents:int' }],
  [
    'handler',
    {
      name: 'payments/book',
      event: 'OrderPlaced',
      entity: 'Payment',
      publish: 'PaymentCaptured',
      flat: true,
    },
  ],
  ['handler', { name: 'payments/refund', event: 'OrderCancelled', entity: 'Payment', path: 'deep' }],
  ['handler', { name: 'note:PaymentCaptured', publish: 'OrderPlaced' }],
  ['event', { name: 'orders/order-shipped', fields: 'a:string,b:number,c:boolean,d:date,n:int' }],
  ['event', { name: 'orders/tick', fields: 'n:int' }],
  ['outbox-publisher', { name: 'orders/place:OrderPlaced' }],
  ['saga', { name: 'orders/checkout:reserve,charge,ship' }],
  ['saga', { name: 'orders/one:only', flat: true }],
];

/** An event as a user may have it: fields that no column keeps, rules that no sample keeps, and a base. */
const given: Files = {
  'src/events/order-event.ts': `import { IsUUID } from 'class-validator';

export abstract class OrderEvent {
  @IsUUID()
  orderId!: string;
}
`,
  'src/events/order-booked.event.ts': `import { EventType } from '@exactly-once/nestjs';
import { ArrayNotEmpty, IsIn, IsInt, IsNumber, Matches } from 'class-validator';
import { OrderEvent } from './order-event.js';

@EventType('order.booked', { topic: 'orders' })
export class OrderBooked extends OrderEvent {
  @IsInt() pieces!: number;
  @IsNumber() weight!: number;
  @ArrayNotEmpty() lines!: string[];
  @Matches(/^A/) label!: string;
  @IsIn(['a', 'b']) kind!: 'a' | 'b';
  at!: Date;
  gift?: boolean;
}
`,
};
const book: Run = [
  'handler',
  { name: 'make-booking:OrderBooked', entity: 'Booking', publish: 'BookingMade' },
];

const choices = ['postgres', 'embedded'].flatMap((database) =>
  ['database', 'kafka'].map((broker) => ({ database, broker })),
);
const services: readonly Run[] = choices.map((choice, at) => [
  'service',
  { name: `service-${at}`, ...choice },
]);

/** With the options that stand in comments, so that none is named that there is not. */
function uncommented({ files }: Generated): Files {
  const module = files['src/app.module.ts']!;
  return { ...files, 'src/app.module.ts': module.replace(/^ *\/\/ (\w+: .+,)(?= \/\/)/gm, '$1') };
}

const wrong: Files = {
  'package.json': '{}',
  'src/wrong.ts': "import { No } from '@exactly-once/nestjs';\nexport const a = No;\n",
};

describe('what the generators write', () => {
  it('compiles against the packages, as CommonJS on Nest 11 and as ES modules on Nest 12', async () => {
    const projects = await Promise.all([
      ...[11, 12].map((nest) => generator.run(newApplication(nest as 11), ...everything)),
      ...[11, 12].map((nest) => generator.run(monorepo(nest as 11), ...services)),
      generator.run({ ...newApplication(12), ...given }, ...everything, book),
    ]);
    const added = await Promise.all(
      choices.map((choice) => generator.run(newApplication(12), ['nest-add', choice])),
    );

    const files = [...projects.map((made) => made.files), ...added.map(uncommented), wrong];
    const errors = compileErrors(Object.fromEntries(files.map((one, at) => [`project-${at}`, one])));

    expect([...projects, ...added].map(({ error }) => error)).toEqual(files.slice(1).map(() => null));
    expect(Math.min(...projects.map((made) => Object.keys(made.files).length))).toBeGreaterThan(25);
    expect(uncommented(added[0]!)['src/app.module.ts']).toMatch(/^retention: \{ windowDays: 7 \}/m);
    expect(errors).toEqual([expect.stringMatching(/^project-9\/src\/wrong\.ts:1: .*No/)]);
  }, 120_000);
});
