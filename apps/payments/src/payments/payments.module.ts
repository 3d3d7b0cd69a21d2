/** The domain: no forRoot, so it runs alone or beside others. */
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OrderHandlers } from './order.handlers.js';
import { Payment } from './payment.entity.js';
import { HttpPaymentProvider, LocalPaymentProvider, PaymentProvider } from './payment-provider.js';

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
