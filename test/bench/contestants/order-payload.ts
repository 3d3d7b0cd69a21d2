/**
 * The payload as all contestants validate it, with class-validator, and what the hand-made ones do with a record.
 */
import { plainToInstance } from 'class-transformer';
import { IsInt, IsString, Min, validate } from 'class-validator';
import type { RunRequest } from '../harness/contestant-process.js';
import type { BenchOrder } from '../harness/produce-events.js';

export class OrderPayload implements BenchOrder {
  @IsString()
  orderId!: string;

  @IsInt()
  @Min(1)
  cents!: number;

  @IsString()
  note!: string;
}

/** Parses and validates a record's body. Rejects where it breaks a rule. */
export async function readOrder(value: Buffer | null): Promise<OrderPayload> {
  const order = plainToInstance(OrderPayload, JSON.parse(value!.toString()) as object);
  const errors = await validate(order);
  if (errors.length > 0) throw new Error(String(errors[0]));
  return order;
}

/** What this process was told to do. It ends when its parent is gone. */
export function request(): RunRequest {
  process.once('disconnect', () => process.exit(1));
  process.channel?.unref(); // so that it can end by itself
  return JSON.parse(process.argv[2]!) as RunRequest;
}
