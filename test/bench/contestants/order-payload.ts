/** The payload as all contestants validate it. */
import { plainToInstance } from 'class-transformer';
import { IsInt, IsString, Min, validate } from 'class-validator';
import type { RunRequest } from '../benchmark.js';
import type { BenchOrder } from '../produce-events.js';

export class OrderPayload implements BenchOrder {
  @IsString()
  orderId!: string;

  @IsInt()
  @Min(1)
  cents!: number;

  @IsString()
  note!: string;
}

/** What the hand-made contestants do with each record. */
export async function readOrder(value: Buffer | null): Promise<OrderPayload> {
  const order = plainToInstance(OrderPayload, JSON.parse(value!.toString()) as object);
  const errors = await validate(order);
  if (errors.length > 0) throw new Error(String(errors[0]));
  return order;
}

export function request(): RunRequest {
  return JSON.parse(process.argv[2]!) as RunRequest;
}

let started = false;

/** Starts the clock at the first record that the contestant is handed. */
export function recordArrived(): void {
  if (started) return;
  started = true;
  process.send?.(Date.now());
}
