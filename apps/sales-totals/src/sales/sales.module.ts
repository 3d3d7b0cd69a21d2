/**
 * The domain: a handler, and nothing that would be stored.
 * No forRoot, so it runs alone or beside others in a process.
 */
import { Module } from '@nestjs/common';
import { PaymentHandlers } from './payment.handlers.js';

@Module({ controllers: [PaymentHandlers] })
export class SalesModule {}
