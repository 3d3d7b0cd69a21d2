/**
 * Orders over HTTP: the beginning of an event's life.
 * Answers 201 only after the order and its event are committed; whether Kafka is there does not matter to it.
 */
import { Body, Controller, Get, NotFoundException, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import type { Order } from './order.entity.js';
import { OrdersService } from './orders.service.js';
import { PlaceOrderRequest } from './place-order.request.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  place(@Body() request: PlaceOrderRequest): Promise<Order> {
    return this.orders.place(request);
  }

  @Get(':id')
  async show(@Param('id', ParseUUIDPipe) id: string): Promise<Order> {
    const order = await this.orders.find(id);
    if (order === null) throw new NotFoundException(`there is no order ${id}`);
    return order;
  }
}
