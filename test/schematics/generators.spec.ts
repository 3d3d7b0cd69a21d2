import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compileErrors } from './compiled.js';
import { type Files, type Generated, Generator, monorepo, newApplication, type Run } from './generated.js';

let generator: Generator;

beforeAll(() => {
  generator = new Generator();
});
afterAll(() => generator.end());

const paymentsModule: Files = {
  'src/payments/payments.module.ts': `import { Module } from '@nestjs/common';

@Module({})
export class PaymentsModule {}
`,
};
const generate = (...runs: Run[]) => generator.run({ ...newApplication(12), ...paymentsModule }, ...runs);

/** Files that a run has made or changed. */
function changed(
  { files }: Generated,
  before: Files = { ...newApplication(12), ...paymentsModule },
): string[] {
  return Object.keys(files)
    .filter((path) => files[path] !== before[path])
    .sort();
}

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

describe('what the generators write', () => {
  it('compiles against the packages, as CommonJS on Nest 11 and as ES modules on Nest 12', async () => {
    const services: Run[] = ['postgres', 'embedded'].map((database, at) => [
      'service',
      { name: `service-${at}`, database, broker: at === 0 ? 'kafka' : 'database' },
    ]);
    const [eleven, twelve, mono11, mono12] = await Promise.all([
      generator.run(newApplication(11), ...everything),
      generator.run({ ...newApplication(12), ...paymentsModule }, ...everything),
      generator.run(monorepo(11), ...services),
      generator.run(monorepo(12), ...services),
    ]);

    expect([eleven, twelve, mono11, mono12].map(({ error }) => error)).toEqual([null, null, null, null]);
    expect(Object.keys(twelve.files).length).toBeGreaterThan(30);
    const projects = {
      eleven: eleven.files,
      twelve: twelve.files,
      mono11: mono11.files,
      mono12: mono12.files,
    };
    expect(compileErrors(projects)).toEqual([]);
  }, 120_000);

  it('is looked at by the compiler', () => {
    const files = {
      'package.json': '{}',
      'src/wrong.ts': "import { No } from '@exactly-once/nestjs';\nexport const a = No;\n",
    };

    expect(compileErrors({ wrong: files })).toEqual([
      expect.stringMatching(/^wrong\/src\/wrong\.ts:1: .*No/),
    ]);
  }, 60_000);
});

describe('handler', () => {
  it('makes handler, event and spec, and registers in the nearest module', async () => {
    const made = await generate(['handler', { name: 'payments/capture:order-placed' }]);

    expect(changed(made)).toEqual([
      'src/payments/capture/capture.handler.spec.ts',
      'src/payments/capture/capture.handler.ts',
      'src/payments/capture/order-placed.event.ts',
      'src/payments/payments.module.ts',
    ]);
    expect(made.files['src/payments/capture/capture.handler.ts']).toContain(
      "@IdempotentHandler(OrderPlaced, { name: 'payments/capture' })",
    );
    expect(made.files['src/payments/capture/capture.handler.spec.ts']).toContain(
      'await checkExactlyOnce(app, event);',
    );
    expect(made.files['src/payments/payments.module.ts']).toBe(`import { Module } from '@nestjs/common';
import { CaptureHandler } from './capture/capture.handler.js';

@Module({
  controllers: [CaptureHandler],
})
export class PaymentsModule {}
`);
  });

  it('uses the event that the project has, whatever case the Nest CLI leaves it, and makes one that its rules accept', async () => {
    const event = `import { EventType } from '@exactly-once/nestjs';
import { IsInt, IsUUID, Min } from 'class-validator';

@EventType<SKUSold>('sku.sold', { topic: 'skus' })
export class SKUSold {
  @IsUUID() skuId!: string;
  @IsInt() @Min(3) pieces!: number;
  note?: string;
  tags!: Map<string, string>;

  constructor(readonly shop: string) {}
}
`;
    const files = { ...newApplication(12), ...paymentsModule, 'src/stock/sku.ts': event };

    const made = await generator.run(files, ['handler', { name: 'payments/count:skusold' }]);

    const spec = made.files['src/payments/count/count.handler.spec.ts']!;
    expect(spec).toContain("import { SKUSold } from '../../stock/sku.js';");
    expect(spec).toMatch(
      /Object\.create\(SKUSold\.prototype\) as SKUSold, \{\n {4}skuId: '[\da-f-]{36}',\n {4}pieces: 3,\n {4}tags: undefined as never .*\n {4}shop: 'text',/,
    );
    expect(Object.keys(made.files).filter((path) => path.endsWith('.event.ts'))).toEqual([]);
  });

  it('writes a row of an entity and publishes, with what the event has, where that is said', async () => {
    const options = { event: 'OrderPlaced', entity: 'Payment', publish: 'OrderPaid', flat: true };

    const { files } = await generate(['handler', { name: 'payments/capture', ...options }]);

    expect(files['src/payments/capture.handler.ts']).toContain(
      'await this.payments.insert({ orderId: event.orderId });',
    );
    expect(files['src/payments/capture.handler.ts']).toContain(
      'Object.assign(new OrderPaid(), {\n        orderId: event.orderId,\n      }),',
    );
    expect(files['src/payments/payments.module.ts']).toContain('TypeOrmModule.forFeature([Payment])');
    expect(files['src/payments/capture.handler.spec.ts']).toContain(
      'expect(app.published(OrderPaid)).toHaveLength(1);',
    );
  });

  it.each<[option: string, options: object, paths: string[]]>([
    [
      '--flat',
      { flat: true, spec: false },
      [
        'src/payments/capture.handler.ts',
        'src/payments/order-placed.event.ts',
        'src/payments/payments.module.ts',
      ],
    ],
    [
      '--no-spec',
      { spec: false },
      [
        'src/payments/capture/capture.handler.ts',
        'src/payments/capture/order-placed.event.ts',
        'src/payments/payments.module.ts',
      ],
    ],
    [
      '--skip-import',
      { flat: true, spec: false, skipImport: true },
      ['src/payments/capture.handler.ts', 'src/payments/order-placed.event.ts'],
    ],
    [
      '--path',
      { flat: true, spec: false, path: 'shop' },
      [
        'src/app.module.ts',
        'src/shop/payments/capture.handler.ts',
        'src/shop/payments/order-placed.event.ts',
      ],
    ],
    [
      '--spec-file-suffix',
      { flat: true, specFileSuffix: 'test', skipImport: true },
      [
        'src/payments/capture.handler.test.ts',
        'src/payments/capture.handler.ts',
        'src/payments/order-placed.event.ts',
      ],
    ],
    [
      '--module',
      { flat: true, spec: false, module: 'src/app.module.ts' },
      ['src/app.module.ts', 'src/payments/capture.handler.ts', 'src/payments/order-placed.event.ts'],
    ],
  ])('%s', async (_, options, paths) => {
    const made = await generate(['handler', { name: 'payments/capture:OrderPlaced', ...options }]);

    expect(made.error).toBeNull();
    expect(changed(made)).toEqual(paths);
  });

  it('--project and --source-root say where', async () => {
    const name = 'payments/capture:OrderPlaced';

    const byProject = await generator.run(monorepo(11), ['handler', { name, project: 'shop' }]);
    const bySource = await generator.run(monorepo(11), ['handler', { name, sourceRoot: 'apps/shop/src' }]);

    expect(byProject.files).toHaveProperty(['apps/shop/src/payments/capture/capture.handler.ts']);
    expect(byProject.files['apps/shop/src/app.module.ts']).toContain(
      'controllers: [AppController, CaptureHandler],',
    );
    expect(bySource.files).toEqual(byProject.files);
  });

  it('adds to arrays of any shape, and to imports that are there', async () => {
    const module = `import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { A } from './a.js';

@Module({
  imports: [TypeOrmModule.forFeature([A])],
  controllers: [
    A, // the first
  ],
  providers: [],
})
export class PaymentsModule {}
`;
    const files = { ...newApplication(12), 'src/payments/payments.module.ts': module };
    const options = { name: 'payments/capture:OrderPlaced', flat: true, entity: 'Payment' };

    const made = await generator.run(files, ['handler', options]);

    expect(made.files['src/payments/payments.module.ts']).toBe(`import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { A } from './a.js';
import { Payment } from './payment.entity.js';
import { CaptureHandler } from './capture.handler.js';

@Module({
  imports: [TypeOrmModule.forFeature([A, Payment])],
  controllers: [
    A, // the first
    CaptureHandler,
  ],
  providers: [],
})
export class PaymentsModule {}
`);
  });

  it.each<[what: string, options: object, message: RegExp]>([
    ['no event', { name: 'payments/capture' }, /Which event.*payments\/capture:OrderPlaced/],
    [
      'a name that is none',
      { name: 'payments/1st:OrderPlaced' },
      /"payments\/1st:OrderPlaced" cannot be a name/,
    ],
    ['an event that is none', { name: 'payments/a', event: 'Order Placed' }, /"Order Placed"/],
    ['fields that are none', { name: 'payments/a:B', fields: 'x:money' }, /uuid, string, int/],
    [
      'a handler that exists',
      { name: 'payments/capture:OrderPlaced' },
      /capture\.handler\.ts exists already/,
    ],
    ['a module that is none', { name: 'a:B', module: 'x.module.ts' }, /no x\.module\.ts/],
  ])('refuses %s, and writes nothing', async (what, options, message) => {
    const before: Run[] = what.includes('exists') ? [['handler', options]] : [];

    const { error, files } = await generate(...before, ['handler', options]);

    expect(error).toMatch(message);
    expect(error).toContain('Nothing was changed');
    expect(files).toEqual({});
  });

  it('refuses a project without a module, and a list that is no array', async () => {
    const { 'src/app.module.ts': module, ...files } = newApplication(12);
    const variable = module!.replace('controllers: [AppController]', 'controllers: all');
    const handler: Run = ['handler', { name: 'a:B' }];

    const none = await generator.run(files, handler);
    const odd = await generator.run({ ...files, 'src/app.module.ts': variable }, handler);

    expect(none.error).toMatch(/no \*\.module\.ts in src\/a or above/);
    expect(odd.error).toMatch(/`controllers` of AppModule is no array literal.*Add by hand: AHandler/);
  });
});

describe('event', () => {
  it('derives type, topic and key from the name, or takes what is said', async () => {
    const { files } = await generate(
      ['event', { name: 'orders/order-placed' }],
      [
        'event',
        { name: 'OrderLineAdded', flat: true, type: 'line-added', topic: 'lines', fields: 'n:int,at:date' },
      ],
    );

    expect(
      files['src/orders/order-placed/order-placed.event.ts'],
    ).toContain(`@EventType<OrderPlaced>('order.placed', {
  topic: 'orders',
  key: (event) => event.orderId,
})`);
    expect(files['src/order-line-added.event.ts']).toContain(`@EventType<OrderLineAdded>('line-added', {
  topic: 'lines',
  key: (event) => String(event.n),
})`);
  });

  it('refuses a class that the project has', async () => {
    const { error } = await generate(['event', { name: 'a/paid' }], ['event', { name: 'b/paid' }]);

    expect(error).toMatch(/Paid stands in src\/a\/paid\/paid\.event\.ts/);
  });
});

describe('outbox-publisher, saga', () => {
  it('register their classes', async () => {
    const { files } = await generate(
      ['outbox-publisher', { name: 'payments/pay:Paid', flat: true }],
      ['saga', { name: 'payments/checkout:reserve,charge', flat: true }],
    );

    expect(files['src/payments/payments.module.ts']).toContain('providers: [PayPublisher, CheckoutSteps]');
    expect(files['src/payments/payments.module.ts']).toContain('controllers: [CheckoutSaga]');
  });

  it('a refused step goes back the way it came', async () => {
    const { files } = await generate([
      'saga',
      { name: 'checkout', steps: 'reserve, charge,ship', flat: true },
    ]);

    const saga = files['src/checkout.saga.ts']!;
    const refusals = [...saga.matchAll(/isDone \? (\w+) : (\w+)/g)].map(([, done, back]) => [done, back]);
    expect(refusals).toEqual([
      ['CheckoutReserveDone', 'CheckoutFailed'],
      ['CheckoutChargeDone', 'CheckoutUndoReserve'],
      ['CheckoutCompleted', 'CheckoutUndoCharge'],
    ]);
  });

  it.each<[schematic: string, options: object, message: RegExp]>([
    ['outbox-publisher', { name: 'pay' }, /Which event/],
    ['saga', { name: 'checkout' }, /no steps/],
    ['saga', { name: 'checkout:a,b,a' }, /"a" twice/],
    ['saga', { name: 'checkout:a b' }, /"a b"/],
  ])('%s refuses %j', async (schematic, options, message) => {
    expect((await generate([schematic, options])).error).toMatch(message);
  });
});

describe('service', () => {
  it('makes a microservice beside the others, with health and an image', async () => {
    const made = await generator.run(monorepo(11), [
      'service',
      { name: 'payments', broker: 'kafka', port: 3002 },
    ]);

    expect(changed(made, monorepo(11))).toEqual([
      'apps/payments/Dockerfile',
      'apps/payments/src/health.controller.ts',
      'apps/payments/src/main.module.ts',
      'apps/payments/src/main.ts',
      'apps/payments/src/payments/payments.module.ts',
      'apps/payments/tsconfig.app.json',
      'nest-cli.json',
      'package.json',
    ]);
    expect(made.files['apps/payments/Dockerfile']).toContain('CMD ["node", "dist/apps/payments/main.js"]');
    expect(JSON.parse(made.files['nest-cli.json']!)).toMatchObject({
      projects: { payments: { sourceRoot: 'apps/payments/src' }, shop: {} },
    });
    expect(made.files['package.json']).toContain('"@nestjs/terminus": "^11.0.0"');
  });

  it('has a module that its handlers find', async () => {
    const handler: Run = ['handler', { name: 'payments/capture:OrderPlaced', project: 'payments' }];

    const { files } = await generator.run(monorepo(11), ['service', { name: 'payments' }], handler);

    expect(files['apps/payments/src/payments/payments.module.ts']).toContain('controllers: [CaptureHandler]');
  });

  it.each<[what: string, files: Files, name: string, message: RegExp]>([
    ['a workspace that is no monorepo', newApplication(11), 'payments', /"nest g app payments"/],
    ['a name that is taken', monorepo(11), 'shop', /project "shop" already/],
    ['a folder', monorepo(11), 'a/b', /no folder in front/],
  ])('refuses %s', async (_, files, name, message) => {
    expect((await generator.run(files, ['service', { name }])).error).toMatch(message);
  });
});
