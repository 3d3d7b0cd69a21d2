/**
 * What another workspace composes of this service: its domain without any `forRoot`, and the migration of its tables.
 * `main.ts` is the service as a process of its own.
 */
export { CreatePaymentTables } from './migrations/1-create-tables.js';
export { Account } from './payments/account.entity.js';
export { Payment } from './payments/payment.entity.js';
export { type ChargeAnswer, type ChargeRequest, PaymentProvider } from './payments/payment-provider.js';
export { PaymentsModule } from './payments/payments.module.js';
export { Refusal } from './payments/refusal.entity.js';
