/**
 * The domain: controllers, handlers and their tables.
 * No forRoot, so it runs alone or beside others in a process.
 */
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Order } from './order.entity.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { PaymentHandlers } from './payment.handlers.js';
import { ShippingHandlers } from './shipping.handlers.js';

@Module({
  imports: [TypeOrmModule.forFeature([Order])],
  controllers: [OrdersController, PaymentHandlers, ShippingHandlers],
  providers: [OrdersService],
  exports: [OrdersService],
})
export class OrdersModule {}
