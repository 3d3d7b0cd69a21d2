import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  changed,
  type Files,
  Generator,
  monorepo,
  newApplication,
  paymentsModule,
  type Run,
} from './generated.js';

let generator: Generator;

beforeAll(() => {
  generator = new Generator();
});
afterAll(() => generator.end());

const domain = { ...newApplication(12), ...paymentsModule };
const specPath = 'src/payments/capture.handler.spec.ts';
const handlerOf = (more: object = {}): Run => [
  'handler',
  { name: 'payments/capture:OrderPlaced', flat: true, ...more },
];
const eventOf = (members: string, heading = 'export class OrderPlaced') =>
  `import { EventType } from '@exactly-once/nestjs';\nimport * as v from 'class-validator';\n\n@EventType<OrderPlaced>('order.placed', { topic: 'orders' })\n${heading} {\n${members}\n}\n`;
const withEvent = (members: string, heading?: string): Files => ({
  ...domain,
  'src/events/order-placed.event.ts': eventOf(members, heading),
});

describe('an event that is there', () => {
  it('is none in a spec, and none where it is not exported', async () => {
    const hidden = {
      ...domain,
      'src/a.spec.ts': eventOf('a!: string;'),
      'src/b.test.ts': eventOf('a!: string;'),
    };

    const ofSpecs = await generator.run(hidden, handlerOf());
    const ofOthers = await generator.run(withEvent('a!: string;', 'class OrderPlaced'), handlerOf());

    for (const { files } of [ofSpecs, ofOthers])
      expect(files['src/payments/capture.handler.ts']).toContain("from './order-placed.event.js'");
  });

  it('is found in a library of the workspace', async () => {
    const { 'nest-cli.json': config, ...workspace } = monorepo(11);
    const { projects, ...more } = JSON.parse(config!) as { projects: object };
    const events = { type: 'library', root: 'libs/events', sourceRoot: 'libs/events/src' };
    const files = {
      ...workspace,
      'nest-cli.json': JSON.stringify({ ...more, projects: { ...projects, events } }),
      'libs/events/src/order-placed.event.ts': eventOf('@v.IsUUID() orderId!: string;'),
    };

    const made = await generator.run(files, ['handler', { name: 'capture:OrderPlaced', project: 'shop' }]);

    expect(changed(made, files).filter((path) => path.endsWith('.event.ts'))).toEqual([]);
    expect(made.files['apps/shop/src/capture/capture.handler.ts']).toContain(
      "from '../../../../libs/events/src/order-placed.event'",
    );
  });

  it('is made with inherited fields, and values that its rules accept', async () => {
    const base = `import { IsUUID } from 'class-validator';\n\nexport abstract class OrderEvent {\n  @IsUUID() orderId!: string;\n}\n`;
    const event = eventOf(
      `  @IsIn(['EUR', 'USD']) currency!: string;
  @Length(6, 8) code!: string;
  @IsInt() @Max(-5) depth!: number;
  @Matches(/^A/) label!: string;
  @ArrayNotEmpty() @IsString({ each: true }) lines!: string[];`,
      'export class OrderPlaced extends OrderEvent',
    );
    const files = {
      ...domain,
      'src/events/order-event.ts': base,
      'src/events/order-placed.event.ts': `import { OrderEvent } from './order-event.js';\n${event}`,
    };

    const made = await generator.run(files, handlerOf());

    expect(made.files[specPath]).toContain(`Object.assign(new OrderPlaced(), {
    orderId: '5f0c7b5e-2a4d-4c57-9d0e-8a1f4b6c3d21',
    currency: 'EUR',
    code: 'textxx',
    depth: -5,
    label: 'text' /* TODO: as @Matches(/^A/) wants it */,
    lines: [] /* TODO: as @ArrayNotEmpty() wants it */,
  });`);
  });

  it('says so where it extends what nobody can find', async () => {
    const { files } = await generator.run(
      withEvent('  note!: string;', 'export class OrderPlaced extends PartialType(Order)'),
      handlerOf(),
    );

    expect(files[specPath]).toContain('// TODO: what it inherits of PartialType(Order)');
  });
});

describe('--entity', () => {
  it('has columns for the simple fields of an event, and leaves the others to the user', async () => {
    const members = `  @v.IsUUID() orderId!: string;
  @IsInt() pieces!: number;
  @v.IsNumber() weight!: number;
  gift!: boolean;
  lines!: string[];
  at!: Date;
  state!: 'new' | 'old';`;

    const { files } = await generator.run(withEvent(members), handlerOf({ entity: 'Payment' }));

    expect(files['src/payments/payment.entity.ts']).toContain(`  @Column()
  orderId!: string;

  @Column()
  pieces!: number;

  @Column('double precision')
  weight!: number;

  @Column()
  gift!: boolean;

  // TODO: a column for lines

  // TODO: a column for at

  // TODO: a column for state
}`);
    expect(files['src/payments/capture.handler.ts']).toMatch(
      /insert\(\{ orderId: event\.orderId, pieces: event\.pieces, weight: event\.weight, gift: event\.gift \}\)/,
    );
  });
});

describe('a spec of a module whose database a test cannot read', () => {
  const root = (imports: string, more = '') => `import { Module } from '@nestjs/common';
${more}
@Module({ imports: [${imports}, ExactlyOnceModule.forRoot({ service: 'shop' })], controllers: [] })
export class AppModule {}
`;

  it('starts it with the option for that', async () => {
    const computed = root(
      'TypeOrmModule.forRootAsync({ inject: [Config], useFactory: (one) => one.database })',
    );

    const { files } = await generator.run({ ...newApplication(12), 'src/app.module.ts': computed }, [
      'handler',
      { name: 'capture:OrderPlaced', flat: true },
    ]);

    expect(files['src/capture.handler.spec.ts']).toContain('testExactlyOnce(AppModule, { typeOrm: {} })');
  });

  it('says what to do where another module connects', async () => {
    const database =
      "import { Module } from '@nestjs/common';\n\n@Module({ imports: [TypeOrmModule.forRoot({ type: 'postgres' })] })\nexport class DatabaseModule {}\n";
    const files = {
      ...newApplication(12),
      'src/app.module.ts': root('DatabaseModule'),
      'src/database/database.module.ts': database,
    };

    const { said } = await generator.run(files, ['handler', { name: 'capture:OrderPlaced', flat: true }]);

    expect(said.join('\n')).toMatch(/src\/database\/database\.module\.ts connects.*domain module/);
  });
});
