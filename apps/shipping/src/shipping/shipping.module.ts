/**
 * The domain: its handlers and their table.
 * No forRoot, so it runs alone or beside others in a process.
 */
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PaymentHandlers } from './payment.handlers.js';
import { Shipment } from './shipment.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([Shipment])],
  controllers: [PaymentHandlers],
})
export class ShippingModule {}
