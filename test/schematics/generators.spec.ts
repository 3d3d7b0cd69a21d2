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
const generate = (...runs: Run[]) => generator.run(domain, ...runs);

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
    const made = await generator.run(monorepo(11), ['service', { name: 'payments', port: 3002 }]);

    expect(changed(made, monorepo(11))).toEqual([
      '.dockerignore',
      'apps/payments/Dockerfile',
      'apps/payments/src/health.controller.ts',
      'apps/payments/src/main.module.ts',
      'apps/payments/src/main.ts',
      'apps/payments/src/migrations/1-create-tables.ts',
      'apps/payments/src/payments/payments.module.ts',
      'apps/payments/tsconfig.app.json',
      'nest-cli.json',
      'package.json',
    ]);
    expect(made.files['apps/payments/src/main.module.ts']).toMatch(
      /migrations: \[CreatePaymentsTables\],\s+migrationsRun: process\.env\.NODE_ENV !== 'development'/,
    );
    expect(made.files['apps/payments/src/migrations/1-create-tables.ts']).toMatch(
      /CreatePaymentsTables\d{13}'/,
    );
    expect(made.files['apps/payments/Dockerfile']).toMatch(/HEALTHCHECK [\s\S]*\/health/);
    expect(made.files['apps/payments/Dockerfile']).toContain('CMD ["node", "dist/apps/payments/main.js"]');
    const { files } = await generator.run(monorepo(12), ['service', { name: 'payments' }]);
    expect(files['apps/payments/Dockerfile']).toContain('"dist/apps/payments/apps/payments/src/main.js"');
    expect(JSON.parse(made.files['nest-cli.json']!)).toMatchObject({
      projects: { payments: { sourceRoot: 'apps/payments/src' }, shop: {} },
    });
    expect(made.files['package.json']).toContain('"@nestjs/terminus": "^11.0.0"');
  });

  it('takes events from Kafka unless something else is said: those in its own database reach no other service', async () => {
    const { files } = await generator.run(monorepo(11), ['service', { name: 'payments' }]);

    expect(files['apps/payments/src/main.module.ts']).toContain('kafkaBroker(');
  });

  it('ends with 0 where Nest has that, and is listed as Nest 12 lists applications', async () => {
    const newer = 'node_modules/@nestjs/common/interfaces/shutdown-hooks-options.interface.d.ts';
    const ofEleven = await generator.run(monorepo(11), ['service', { name: 'payments' }]);
    const ofNewer = await generator.run({ ...monorepo(11), [newer]: '' }, ['service', { name: 'payments' }]);
    const ofTwelve = await generator.run(monorepo(12), ['service', { name: 'payments' }]);

    const exits = [ofEleven, ofNewer, ofTwelve].map(({ files }) =>
      files['apps/payments/src/main.ts']!.includes('app.enableShutdownHooks([], { useProcessExit: true });'),
    );
    expect(exits).toEqual([false, true, true]);
    expect(JSON.parse(ofTwelve.files['tsconfig.json']!)).toMatchObject({
      references: [{ path: './apps/payments/tsconfig.app.json' }],
    });
    expect(ofEleven.files['tsconfig.json']).not.toContain('references');
  });

  it('has an embedded database of its own, which its image can write, and its packages in production', async () => {
    const options = { name: 'payments', database: 'embedded', broker: 'database' };
    const added: Run = ['nest-add', { project: 'shop' }];

    const { files } = await generator.run(monorepo(11), added, ['service', options]);

    expect(files['apps/payments/src/main.module.ts']).toContain(
      "embeddedPostgres({ folder: './data/payments' })",
    );
    expect(files['apps/payments/Dockerfile']).toMatch(
      /mkdir -p data\/payments && chown -R node:node data\nUSER node/,
    );
    expect(files).not.toHaveProperty(['apps/payments/src/migrations/1-create-tables.ts']);
    const manifest = JSON.parse(files['package.json']!) as Record<string, Record<string, string>>;
    expect(manifest['dependencies']).toHaveProperty('@electric-sql/pglite');
    expect(manifest['devDependencies']).not.toHaveProperty('@electric-sql/pglite');
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
