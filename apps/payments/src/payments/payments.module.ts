/**
 * The domain: no forRoot, so it runs alone or beside others. PAYMENT_PROVIDER_URL names the provider; without it
 * a local one answers.
 */
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HttpPaymentProvider } from './http-payment-provider.js';
import { LocalPaymentProvider } from './local-payment-provider.js';
import { OrderHandlers } from './order.handlers.js';
import { Payment } from './payment.entity.js';
import { PaymentProvider } from './payment-provider.js';

@Module({
  imports: [TypeOrmModule.forFeature([Payment])],
  controllers: [OrderHandlers],
  providers: [
    {
      provide: PaymentProvider,
      useFactory: () => {
        const url = process.env['PAYMENT_PROVIDER_URL'];
        return url ? new HttpPaymentProvider(url) : new LocalPaymentProvider();
      },
    },
  ],
})
export class PaymentsModule {}
