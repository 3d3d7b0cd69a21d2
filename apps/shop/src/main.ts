/**
 * The shop as a process: HTTP on PORT (default 3000), everything else inside it. DATABASE_URL names a PostgreSQL
 * server; without it the data are kept in the folder SHOP_DATA (default `shop-data`), and nothing but Node is needed.
 */
import { exactlyOnce } from '@exactly-once/nestjs';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ShopModule } from './shop.module.js';

const { DATABASE_URL: url, SHOP_DATA: folder = 'shop-data', PORT: port = '3000' } = process.env;

const app = await NestFactory.create(ShopModule.on(url ? { url } : { folder }));
app.useGlobalPipes(new ValidationPipe({ transform: true }));
app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
app.enableShutdownHooks();
await app.startAllMicroservices();
await app.listen(port);
