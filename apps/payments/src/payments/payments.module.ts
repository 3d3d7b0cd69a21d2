/**
 * The domain: no forRoot, so it runs alone or beside others. PAYMENT_PROVIDER_URL names the provider; without it
 * a local one answers, which refuses a share of the payments: PAYMENT_REFUSAL_RATE, from 0 to 1, 0.05 by default.
 */
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Account } from './account.entity.js';
import { HttpPaymentProvider } from './http-payment-provider.js';
import { LocalPaymentProvider } from './local-payment-provider.js';
import { OrderHandlers } from './order.handlers.js';
import { Payment } from './payment.entity.js';
import { PaymentProvider } from './payment-provider.js';
import { Refusal } from './refusal.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([Payment, Refusal, Account])],
  controllers: [OrderHandlers],
  providers: [
    {
      provide: PaymentProvider,
      useFactory: () => {
        const { PAYMENT_PROVIDER_URL: url, PAYMENT_REFUSAL_RATE: rate = '0.05' } = process.env;
        return url ? new HttpPaymentProvider(url) : new LocalPaymentProvider(Number(rate));
      },
    },
  ],
})
export class PaymentsModule {}
