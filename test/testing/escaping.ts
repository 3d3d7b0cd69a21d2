/**
 * Handlers with mistakes that let a write leave its event's transaction; which one is asked for by the order's id.
 */
import { ExactlyOnce, IdempotentHandler } from '@exactly-once/nestjs';
import { Controller, Module } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { InjectDataSource, InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import pg from 'pg';
import { DataSource, Repository } from 'typeorm';
import { OrderPlaced, Payment } from './shop.js';

/** Of the database that the test has made, beside the module's DataSource. */
export const elsewhere: { url: string; pool: pg.Pool | null; dataSource: DataSource | null } = {
  url: '',
  pool: null,
  dataSource: null,
};

/** What was not awaited, so that the test can. */
export const late: Promise<unknown>[] = [];

@Controller()
class EscapingHandlers {
  constructor(
    @InjectRepository(Payment) private readonly payments: Repository<Payment>,
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly exactlyOnce: ExactlyOnce,
  ) {}

  /** A few turns of the event loop later. */
  private async ended(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  @IdempotentHandler(OrderPlaced)
  async capture(@Payload() { orderId, totalCents: cents }: OrderPlaced) {
    const row = { orderId, cents };
    const sql = `INSERT INTO payment ("orderId", cents) VALUES ('${orderId}', ${cents})`;
    switch (orderId) {
      case 'pool':
        await elsewhere.pool!.query(sql);
        break;
      case 'pool client': {
        const client = await elsewhere.pool!.connect();
        await client.query(sql).finally(() => client.release());
        break;
      }
      case 'other DataSource':
        await elsewhere.dataSource!.getRepository(Payment).insert(row);
        break;
      case 'swallowed':
        await this.payments.insert(row);
        await elsewhere.pool!.query(sql).catch(() => undefined);
        break;
      case 'insert not awaited':
        late.push(this.payments.insert(row).catch((error: unknown) => error));
        break;
      case 'save not awaited':
        late.push(this.payments.save(row).catch((error: unknown) => error));
        break;
      case 'after its end':
        late.push(
          new Promise((resolve) => setTimeout(resolve, 20))
            .then(() => this.payments.insert(row))
            .catch((error: unknown) => error),
        );
        break;
      case 'soon after its end':
        void this.ended().then(() => this.payments.insert(row).catch(() => undefined));
        break;
      case 'outside':
        await this.exactlyOnce.outside(() => elsewhere.pool!.query(sql));
        break;
      case 'reads elsewhere':
        await elsewhere.pool!.query('SELECT count(*) FROM payment');
        await this.payments.insert(row);
        break;
      default:
        await this.dataSource.transaction((manager) => manager.getRepository(Payment).save(row));
        await this.dataSource.query(sql);
    }
  }
}

@Controller()
class PoolHandlers {
  @IdempotentHandler(OrderPlaced)
  async capture() {
    await elsewhere.pool!.query(`INSERT INTO payment ("orderId", cents) VALUES ('by pool', 1)`);
  }
}

/** Without TypeORM. */
@Module({ controllers: [PoolHandlers] })
export class PoolModule {}

@Module({ imports: [TypeOrmModule.forFeature([Payment])], controllers: [EscapingHandlers] })
export class EscapingModule {}
