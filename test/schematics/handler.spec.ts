import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changed, Generator, monorepo, newApplication, paymentsModule, type Run } from './generated.js';

let generator: Generator;

beforeAll(() => {
  generator = new Generator();
});
afterAll(() => generator.end());

const domain = { ...newApplication(12), ...paymentsModule };
const generate = (...runs: Run[]) => generator.run(domain, ...runs);

describe('handler', () => {
  it('makes handler, event and spec, and registers in the nearest module', async () => {
    const made = await generate(['handler', { name: 'payments/capture:order-placed' }]);

    expect(changed(made, domain)).toEqual([
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
    const files = { ...domain, 'src/stock/sku.ts': event };

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
    expect(changed(made, domain)).toEqual(paths);
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
