import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Files, Generator, newApplication, paymentsModule, type Run } from './generated.js';

let generator: Generator;

beforeAll(() => {
  generator = new Generator();
});
afterAll(() => generator.end());

const domain = { ...newApplication(12), ...paymentsModule };
const modulePath = 'src/payments/payments.module.ts';
const withModule = (text: string): Files => ({ ...domain, [modulePath]: text });
const handler: Run = ['handler', { name: 'payments/capture:OrderPlaced', flat: true, entity: 'Payment' }];

describe('registration', () => {
  it.each<[schematic: string, word: string, options: object]>([
    ['handler', 'CaptureHandler', { event: 'OrderPlaced' }],
    ['outbox-publisher', 'CapturePublisher', { event: 'OrderPlaced' }],
    ['saga', 'CaptureSaga', { steps: 'a,b' }],
  ])('refuses a second %s of the same class name from another path', async (schematic, word, options) => {
    const run = (name: string): Run => [schematic, { name, ...options }];

    const { error } = await generator.run(domain, run('payments/one/capture'), run('payments/two/capture'));

    expect(error).toMatch(
      new RegExp(`${modulePath} has a ${word} already, of '\\./one/.*'.*Nothing was changed.*another name`),
    );
  });

  it('refuses a class that the file of the module declares itself', async () => {
    const text = `import { Module } from '@nestjs/common';\n\nexport class CaptureHandler {}\n\n@Module({})\nexport class PaymentsModule {}\n`;

    expect((await generator.run(withModule(text), handler)).error).toMatch(
      /declares a CaptureHandler itself/,
    );
  });

  it('takes the same file under another specifier for what it is', async () => {
    const text = `import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Payment } from 'src/payments/payment.entity.js';

@Module({ imports: [TypeOrmModule.forFeature([Payment])] })
export class PaymentsModule {}
`;
    const entity = `import { Entity, PrimaryGeneratedColumn } from 'typeorm';\n\n@Entity()\nexport class Payment {\n  @PrimaryGeneratedColumn() id!: number;\n}\n`;
    const files = { ...withModule(text), 'src/payments/payment.entity.ts': entity };

    const made = await generator.run(files, handler);

    expect(made.error).toBeNull();
    expect(made.files[modulePath]!.match(/Payment \}/g)).toHaveLength(1);
  });

  it('leaves metadata that another object may hold to the user', async () => {
    const text = `import { Module } from '@nestjs/common';\nimport { base } from './base.js';\n\n@Module({ ...base })\nexport class PaymentsModule {}\n`;
    const plain: Run = ['handler', { name: 'payments/capture:OrderPlaced' }];

    const { error } = await generator.run(withModule(text), plain);

    expect(error).toMatch(/`controllers` of PaymentsModule.*Add by hand: CaptureHandler/);
  });
});

describe('names', () => {
  it('keeps folders as Nest does, and dashes in the file of the class', async () => {
    const { files, error } = await generator.run(domain, [
      'handler',
      { name: 'order_lines/add_line:LineAdded', flat: true },
    ]);

    expect(error).toBeNull();
    expect(files['src/order_lines/add-line.handler.ts']).toContain('class AddLineHandler');
  });

  it.each<[schematic: string, options: object, message: RegExp]>([
    ['handler', { name: 'payments:Paid', entity: 'Payment' }, /both be called "payments"/],
    ['handler', { name: 'outbox:Paid', publish: 'Booked' }, /both be called "outbox"/],
    ['handler', { name: 'a:Paid', publish: 'Paid' }, /Paid would be two things/],
    ['handler', { name: 'a:Paid', entity: 'paid' }, /would be two things/],
    ['outbox-publisher', { name: 'outbox:Paid' }, /"outbox" is what it publishes by/],
    ['outbox-publisher', { name: 'exactly-once:Paid' }, /"exactlyOnce" is what it publishes by/],
    ['saga', { name: 'a:steps' }, /"steps" itself/],
    ['saga', { name: 'a:reserve,outbox' }, /"outbox" itself/],
    ['saga', { name: 'a:constructor' }, /"constructor" itself/],
    ['saga', { name: 'a:reserve,undo-reserve,ship' }, /"undoReserve" twice/],
  ])('%s refuses %j: two things of one name', async (schematic, options, message) => {
    const { error } = await generator.run(domain, [schematic, options]);

    expect(error).toMatch(message);
    expect(error).toContain('Nothing was changed');
  });
});
