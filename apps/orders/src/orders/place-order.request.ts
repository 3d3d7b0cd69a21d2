/** Body of `POST /orders`. */
import { IsInt, IsString, Length, Min } from 'class-validator';

export class PlaceOrderRequest {
  @IsString()
  @Length(1, 100)
  customer!: string;

  @IsInt()
  @Min(1)
  totalCents!: number;
}
