/** Business transactions by TypeORM alone, without any event. */
import { DataSource } from 'typeorm';
import { AccountEntity } from '../contestants/account.entity.js';
import { EffectEntity } from '../contestants/effect.entity.js';
import { request } from '../contestants/order-payload.js';
import { business, type OutboxSetting, spareConnections, timed } from './business.js';

const { databaseUrl, events, setting } = request();
const { work, count } = JSON.parse(setting) as OutboxSetting;
const dataSource = new DataSource({
  type: 'postgres',
  url: databaseUrl,
  poolSize: count + spareConnections,
  entities: [AccountEntity, EffectEntity],
});
await dataSource.initialize();
process.once('SIGTERM', () => dataSource.destroy());
await timed(count, events, (number) => dataSource.transaction((manager) => business(manager, work, number)));
