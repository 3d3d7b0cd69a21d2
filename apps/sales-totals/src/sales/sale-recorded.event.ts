/**
 * What this service tells the others: one sale, in the transaction that moves the payment's offset.
 * All sales of a day have one key, so a reader has them in order and adds them up in one place.
 */
import { EventType } from '@exactly-once/nestjs';
import { IsISO8601, IsString, IsUUID } from 'class-validator';

@EventType<SaleRecorded>('sale.recorded', { topic: 'sales', key: (event) => event.day })
export class SaleRecorded {
  @IsUUID()
  orderId: string;

  /** Two decimals, as text: a sum of floating-point numbers would be wrong by cents. */
  @IsString()
  euros: string;

  /** In UTC, for example `2026-11-25`. */
  @IsISO8601()
  day: string;

  constructor(orderId: string, euros: string, day: string) {
    this.orderId = orderId;
    this.euros = euros;
    this.day = day;
  }
}
