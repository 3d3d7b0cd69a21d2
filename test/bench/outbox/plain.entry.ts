/** Business transactions by TypeORM alone, without any event. */
import { request } from '../contestants/order-payload.js';
import { business, businessSource } from './business.js';
import { type OutboxSetting, timed } from './timed-transactions.js';

const { databaseUrl, events, setting } = request();
const { work, count } = JSON.parse(setting) as OutboxSetting;
const dataSource = businessSource(databaseUrl, count);
await dataSource.initialize();
process.once('SIGTERM', () => dataSource.destroy());
await timed(count, events, (number) => dataSource.transaction((manager) => business(manager, work, number)));
