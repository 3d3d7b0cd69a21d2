/**
 * Body of `POST /orders`. What passes here fits into the database: a text with NUL, or an amount beyond an
 * `integer`, is the customer's mistake (400), not ours (500).
 */
import { IsInt, IsString, IsUUID, Length, Max, Min, NotContains, ValidateIf } from 'class-validator';

export class PlaceOrderRequest {
  /** Chosen by a customer who may have to ask again; made here where it is left out. */
  @ValidateIf((_, orderId) => orderId !== undefined)
  @IsUUID()
  orderId?: string;

  @IsString()
  @Length(1, 100)
  @NotContains('\0')
  customer!: string;

  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  totalCents!: number;
}
