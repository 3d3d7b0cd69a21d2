/**
 * Keeps a record in the partition that was chosen for it first. Step 2 of an event's life.
 *
 * kafkajs chooses anew where it sends a request again, and gives it the numbers of the first one: a broker that has
 * written that takes the second for the same. Were its records others, they would be lost, and those twice on the topic.
 */
import type { ICustomPartitioner, Message } from 'kafkajs';

export function steadyPartitioner(create: ICustomPartitioner): ICustomPartitioner {
  return () => {
    const choose = create();
    return (given) => {
      const message: Message = given.message;
      message.partition ??= choose(given);
      return message.partition;
    };
  };
}
