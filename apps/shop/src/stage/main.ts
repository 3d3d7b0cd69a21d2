/**
 * The shop's process in the show: the shop as it is, on staged ports. Started by the supervisor, told what to do over
 * the IPC channel, and ended with it.
 */
import type { AddressInfo } from 'node:net';
import { ExactlyOnceHealthIndicator, exactlyOnce } from '@exactly-once/nestjs';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DataSource } from 'typeorm';
import { readBooks } from '../audit/books.js';
import { ShopModule } from '../shop.module.js';
import { lookAt } from './books-look.js';
import { Hold } from './hold.js';
import type { Command, StagePlan } from './messages.js';
import { tellSupervisor } from './report-pipe.js';
import { StagedPorts } from './staged-ports.js';
import { wantedOrders } from './wanted-orders.js';
import { WatchInterceptor } from './watch.interceptor.js';
import { Watch } from './watch.js';

/** Without its supervisor nobody would end it. */
process.on('disconnect', () => process.exit(1));

const plan = JSON.parse(process.argv[2]!) as StagePlan;
const hold = new Hold(tellSupervisor);
const watch = new Watch(tellSupervisor, hold);
const staged = new StagedPorts(plan, watch);
const acknowledged: string[] = [];
const wanted = wantedOrders(plan.seed, plan.orders).map(({ orderId }) => orderId);

const app = await NestFactory.create<NestExpressApplication>(
  ShopModule.on({ folder: plan.folder }, staged.ports),
  { logger: ['error', 'warn'] },
);
app.useGlobalPipes(new ValidationPipe({ transform: true }));
app.useGlobalInterceptors(new WatchInterceptor(watch));
app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
app.enableShutdownHooks();
await app.startAllMicroservices();
await app.listen(0, '127.0.0.1');

const health = app.get(ExactlyOnceHealthIndicator);
while ((await health.isHealthy('events'))['events']?.status !== 'up') {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

process.on('message', (command: Command) => {
  if (command.kind === 'hold') hold.ask(command.where);
  else void look(command);
});
const { port } = app.getHttpServer().address() as AddressInfo;
tellSupervisor({ kind: 'ready', port });

/**
 * The books are read after the last of `confirmed` was answered, so each of them must be there. Rest holds for what was
 * read where it holds before and after the reading.
 */
async function look({ acknowledged: confirmed, final }: Extract<Command, { kind: 'look' }>): Promise<void> {
  acknowledged.push(...confirmed);
  const restedBefore = final && (await staged.atRest());
  const source = app.get(DataSource);
  const books = { ...(await readBooks((sql) => source.query(sql))), acknowledged, wanted };
  const atRest = restedBefore && (await staged.atRest());
  const memoryMiB = process.memoryUsage.rss() / 2 ** 20;
  const mostMemoryMiB = process.resourceUsage().maxRSS / 2 ** 10;
  tellSupervisor({ kind: 'look', look: { ...lookAt(books, atRest), memoryMiB, mostMemoryMiB } });
}
