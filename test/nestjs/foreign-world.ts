/**
 * Applications whose bare handlers are served by Nest's own Kafka or RabbitMQ: what their tests share.
 */
import type { ExactlyOnceOptions } from '@exactly-once/nestjs';
import { type INestApplication, Module, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { findRabbitmq, type RabbitmqServer } from '../services/rabbitmq.js';
import { NestWorld } from './nest-world.js';

export class ForeignWorld {
  private constructor(
    readonly nest: NestWorld,
    readonly rabbit: RabbitmqServer,
    readonly queue: string,
    private readonly groupId: string,
  ) {}

  static async open(prefix: string): Promise<ForeignWorld> {
    const [nest, rabbit] = [await NestWorld.open(prefix), await findRabbitmq()];
    return new ForeignWorld(nest, rabbit, rabbit.queue(prefix), nest.kafka.group('foreign'));
  }

  /** Not started yet. */
  async create(
    controller: Type,
    options: Partial<ExactlyOnceOptions> = {},
    providers: Provider[] = [],
  ): Promise<INestApplication> {
    @Module({
      imports: [this.nest.typeOrm(), this.nest.exactlyOnce({ broker: false, ...options })],
      controllers: [controller],
      providers,
    })
    class MainModule {}
    const app = await NestFactory.create(MainModule, { logger: false, abortOnError: false });
    this.nest.apps.push(app);
    return app;
  }

  /** Nothing beside `server`: Nest's for RabbitMQ cannot be closed before its consumer is confirmed, and never says so. */
  async start(app: INestApplication, server: MicroserviceOptions): Promise<INestApplication> {
    app.connectMicroservice(server, { inheritAppConfig: true });
    await app.init();
    await app.startAllMicroservices();
    return app;
  }

  rabbitmq(options: { noAck?: boolean }): MicroserviceOptions {
    const { rabbit, queue } = this;
    return {
      transport: Transport.RMQ,
      options: { urls: [rabbit.url], queue, prefetchCount: 1, queueOptions: { durable: false }, ...options },
    };
  }

  kafka(): MicroserviceOptions {
    return {
      transport: Transport.KAFKA,
      options: {
        client: { brokers: this.nest.kafka.brokers, logLevel: 0 },
        consumer: { groupId: this.groupId },
        subscribe: { fromBeginning: true },
      },
    };
  }

  async tell(pattern: string, data: unknown, messageId?: string): Promise<void> {
    const { rabbit, queue } = this;
    await rabbit.channel(async (channel) => {
      await channel.assertQueue(queue, { durable: false });
      const content = Buffer.from(JSON.stringify({ pattern, data }));
      channel.sendToQueue(queue, content, messageId === undefined ? {} : { messageId });
    });
  }

  async close(): Promise<void> {
    await this.nest.close();
    await this.rabbit.stop();
  }
}
