/**
 * Handlers each with one mistake that a check has to find, and one without any. What they share stands in `./shop.ts`.
 */
import { randomUUID } from 'node:crypto';
import { EventType, ExactlyOnce, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { Controller, Module, type Type } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { InjectDataSource, InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import {
  Column,
  CreateDateColumn,
  DataSource,
  Entity,
  ManyToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type Relation,
  Repository,
  UpdateDateColumn,
} from 'typeorm';
import { elsewhere } from './escaping.js';
import { OrderPlaced, Payment, PaymentCaptured } from './shop.js';

@Entity()
export class Account {
  @PrimaryColumn('text')
  name!: string;

  @Column('int', { default: 0 })
  cents!: number;
}

/** With all that the database makes by itself, and a reference to such a value. */
@Entity()
export class Entry {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @ManyToOne(() => Payment)
  payment!: Relation<Payment>;

  @Column('text')
  note!: string;

  @CreateDateColumn({ type: 'timestamptz' })
  createdAt!: Date;

  @UpdateDateColumn({ type: 'timestamptz' })
  updatedAt!: Date;
}

/** Of what the database has made. */
@EventType<EntryMade>('entry.made', { topic: 'entries' })
class EntryMade {
  constructor(
    readonly entry: string,
    readonly paymentId: number,
    readonly at: Date,
  ) {}
}

@EventType<ReceiptSent>('receipt.sent', { topic: 'receipts', key: (event) => event.orderId })
class ReceiptSent {
  constructor(
    readonly orderId: string,
    readonly receipt: string,
    readonly sentAt: string,
  ) {}
}

export interface World {
  readonly payments: Repository<Payment>;
  readonly dataSource: DataSource;
  readonly outbox: OutboxRepository;
  readonly exactlyOnce: ExactlyOnce;
  /** As a property of the class would be. */
  readonly memory: { calls: number; seen: Set<string>; last: string };
}

export type Work = (order: OrderPlaced, world: World) => Promise<unknown>;

/** A module whose handler does `work`. */
export function moduleOf(work: Work): Type {
  @Controller()
  class Handlers {
    private readonly memory = { calls: 0, seen: new Set<string>(), last: '' };

    constructor(
      @InjectRepository(Payment) private readonly payments: Repository<Payment>,
      @InjectDataSource() private readonly dataSource: DataSource,
      private readonly outbox: OutboxRepository,
      private readonly exactlyOnce: ExactlyOnce,
    ) {}

    @IdempotentHandler(OrderPlaced)
    async capture(@Payload() order: OrderPlaced) {
      const { payments, dataSource, outbox, exactlyOnce, memory } = this;
      await work(order, { payments, dataSource, outbox, exactlyOnce, memory });
    }
  }

  @Module({ imports: [TypeOrmModule.forFeature([Payment, Account, Entry])], controllers: [Handlers] })
  class HandlersModule {}
  return HandlersModule;
}

const rowOf = ({ orderId, totalCents: cents }: OrderPlaced) => ({ orderId, cents });

export const withoutMistake: Work = async (order, { payments, dataSource, outbox }) => {
  await payments.insert(rowOf(order));
  await dataSource.transaction(async (manager) => {
    await manager.increment(Account, { name: 'takings' }, 'cents', order.totalCents);
  });
  await outbox.publish(new PaymentCaptured(order.orderId));
};

/** Nothing here is a mistake, though a check may well take it for one. */
export const unusual: Readonly<Record<string, Work>> = {
  'has the database make keys and times': async (order, { dataSource }) => {
    const payment = await dataSource.getRepository(Payment).save(rowOf(order));
    const entries = dataSource.getRepository(Entry);
    const entry = await entries.save({ payment, note: 'made' });
    await entries.update({ id: entry.id }, { note: 'changed' });
  },
  'can do without a write, behind a savepoint': async (order, { payments, dataSource }) => {
    await payments.insert(rowOf(order));
    await dataSource
      .transaction((manager) => manager.insert(Account, { name: 'extra' }))
      .catch(() => undefined);
  },
};

export const publishesWhatTheDatabaseMade: Work = async (order, { dataSource, outbox }) => {
  const payment = await dataSource.getRepository(Payment).save(rowOf(order));
  const entry = await dataSource.getRepository(Entry).save({ payment, note: 'made' });
  await outbox.publish(new EntryMade(entry.id, payment.id, entry.createdAt));
};

/** It only asks there. */
export const asksAnother: Work = async (order, { payments }) => {
  await fetch(`${elsewhere.url}/rates`).then((answer) => answer.text());
  await payments.insert(rowOf(order));
};

/** What it writes there is to survive a rollback, and so may be there twice. */
export const writesOutside: Work = async (order, { payments, exactlyOnce, dataSource }) => {
  await exactlyOnce.outside(() =>
    dataSource.getRepository(Account).upsert({ name: 'seen', cents: 1 }, ['name']),
  );
  await payments.insert(rowOf(order));
};

export const mistakes: Readonly<Record<string, Work>> = {
  'writes through another DataSource': async (order) => {
    await elsewhere.dataSource!.getRepository(Payment).insert(rowOf(order));
  },
  'does not await a write': async (order, { payments }) => {
    void payments.insert(rowOf(order)).catch(() => undefined);
  },
  'publishes a random value': async (order, { outbox }) => {
    await outbox.publish(new ReceiptSent(order.orderId, randomUUID(), 'today'));
  },
  'publishes under a random id': async (order, { outbox }) => {
    await outbox.publish(new PaymentCaptured(order.orderId), { id: randomUUID() });
  },
  'publishes the time of day': async (order, { outbox }) => {
    await outbox.publish(new ReceiptSent(order.orderId, 'r-1', new Date().toISOString()));
  },
  'counts in memory': async (order, { payments, memory }) => {
    memory.calls++;
    await payments.insert({ orderId: order.orderId, cents: memory.calls });
  },
  'remembers in memory what it has seen': async (order, { payments, memory }) => {
    if (memory.seen.has(order.orderId)) return;
    memory.seen.add(order.orderId);
    await payments.insert(rowOf(order));
  },
  'swallows an SQL error': async (order, { payments, outbox }) => {
    await payments.insert(rowOf(order)).catch(() => undefined);
    await outbox.publish(new PaymentCaptured(order.orderId));
  },
  'calls another system without a key': async (order, { payments }) => {
    await fetch(`${elsewhere.url}/charge`, { method: 'POST', body: order.orderId }).then((answer) =>
      answer.text(),
    );
    await payments.insert(rowOf(order));
  },
  'adds up what it has read before': async (order, { dataSource }) => {
    const accounts = dataSource.getRepository(Account);
    const { cents } = await accounts.findOneByOrFail({ name: 'takings' });
    await accounts.update({ name: 'takings' }, { cents: cents + order.totalCents });
  },
  'relies on the order of keys': async (order, { payments, memory }) => {
    if (memory.last === 'o-2') return;
    memory.last = order.orderId;
    await payments.insert(rowOf(order));
  },
};
