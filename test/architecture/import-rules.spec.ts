import { describe, expect, it } from '@jest/globals';
import { cycles } from './cycles.js';
import {
  clientBehindPort,
  declaredDependencies,
  dependencyLaw,
  kitBehindDoor,
  noWayRound,
} from './import-rules.js';
import type { SourceFile } from './source-files.js';

const core = 'libs/core/src/inbox/inbox.ts';
const kafka = 'libs/kafka/src/kafka-consumer.ts';
const nestjs = 'libs/nestjs/src/tokens.ts';
const app = 'apps/orders/src/main.ts';
const tool = 'src/exactly-once.ts';
const file = (path: string, text: string): SourceFile => ({ path, text });

describe('the dependency law', () => {
  it.each([
    [core, "import { createHash } from 'node:crypto';", 0],
    [core, "import { LRUCache } from 'lru-cache';", 0],
    [core, "import { DataSource } from 'typeorm';", 1],
    [core, "import type { DataSource } from 'typeorm';", 1],
    [core, "export { Kafka } from 'kafkajs';", 1],
    [core, "const { Kafka } = await import('kafkajs');", 1],
    [core, "let kafka: import('kafkajs').Kafka;", 1],
    [core, "import kafkajs = require('kafkajs');", 1],
    [core, "import { Injectable } from '@nestjs/common';", 1],
    [core, "import { randomUUID } from 'crypto';", 1],
    [kafka, "import { Engine } from '@exactly-once/core';", 0],
    [kafka, "import { typeOrmStorage } from '@exactly-once/typeorm';", 1],
    [nestjs, "import { HealthIndicatorService } from '@nestjs/terminus';", 0],
    [nestjs, "import { Kafka } from 'kafkajs';", 1],
    ['libs/unheard-of/src/index.ts', "import { Engine } from '@exactly-once/core';", 1],
    [app, "import { exactlyOnce } from '@exactly-once/nestjs';", 0],
    [app, "import { InMemoryStorage } from '@exactly-once/testing';", 1],
    [tool, "import { InMemoryStorage } from '@exactly-once/testing';", 1],
    [app, "import { PaymentsModule } from '@exactly-once/app-payments';", 1],
    ['apps/shop/src/shop.module.ts', "import { PaymentsModule } from '@exactly-once/app-payments';", 0],
    ['libs/kafka/src/kafka-consumer.spec.ts', "import { it } from '@jest/globals';", 0],
  ])('%s: %s', (path, text, found) => {
    expect(dependencyLaw(file(path, text))).toHaveLength(found);
  });
});

describe('the Kafka client', () => {
  it.each([
    [kafka, "import type { Consumer } from 'kafkajs';", 1],
    ['libs/kafka/src/transactions/kafka-transactions.ts', "import { Kafka } from 'kafkajs';", 1],
    ['libs/kafka/src/index.ts', "export type { KafkaConfig } from 'kafkajs';", 1],
    ['libs/kafka/src/kafkajs/kafkajs-member.ts', "import type { Consumer } from 'kafkajs';", 0],
    ['test/kafka/fake-kafka.ts', "import type { Kafka } from 'kafkajs';", 0],
  ])('%s: %s', (path, text, found) => {
    expect(clientBehindPort(file(path, text))).toHaveLength(found);
  });
});

describe('the test kit', () => {
  it.each([
    ['libs/testing/src/manual-clock.ts', "import type { Clock } from '@exactly-once/core';", 0],
    ['libs/testing/src/manual-clock.ts', "import type { Type } from '@nestjs/common';", 1],
    ['libs/testing/src/application/recipe.ts', "await import('typeorm');", 1],
    ['libs/testing/src/application/peers.ts', "await import('typeorm');", 0],
    [kafka, "import { Kafka } from 'kafkajs';", 0],
  ])('%s: %s', (path, text, found) => {
    expect(kitBehindDoor(file(path, text))).toHaveLength(found);
  });
});

describe('ways round an index', () => {
  it.each([
    [kafka, "import { a } from './partition-queue.js';", 0],
    [kafka, "import { a } from '../../core/src/inbox/inbox-store.js';", 1],
    [kafka, "import { a } from '@exactly-once/core/dist/inbox/inbox-store.js';", 1],
    [kafka, "import { a } from './index.js';", 1],
    [core, "import type { a } from '../index.js';", 1],
    [core, "import { a } from '..';", 1],
    [core, "import { a } from './index.js';", 0],
    ['libs/core/src/clock.spec.ts', "import { a } from './index.js';", 1],
    [app, "import { a } from '../../payments/src/main.js';", 1],
    [tool, "import { a } from '../test/services/postgres.js';", 1],
  ])('%s: %s', (path, text, found) => {
    expect(noWayRound(file(path, text))).toHaveLength(found);
  });
});

describe('declared dependencies', () => {
  it.each([
    [core, "import { LRUCache } from 'lru-cache';", 0],
    [core, "import { v7 } from 'nanoid';", 1],
    [core, "import fs from 'fs';", 1],
    [kafka, "import { Kafka } from 'kafkajs';", 0],
    [app, "import { Module } from '@nestjs/common';", 0],
    [app, "import { commander } from 'commander';", 1],
    [tool, "import { Command } from 'commander';", 0],
    [tool, "import { knip } from 'knip';", 1],
    ['test/engine/world.ts', "import { knip } from 'knip';", 0],
  ])('%s: %s', (path, text, found) => {
    expect(declaredDependencies(file(path, text))).toHaveLength(found);
  });
});

describe('cycles', () => {
  it('finds two files that import each other, if only types', () => {
    const found = cycles([
      file('libs/core/src/a.ts', "import type { B } from './event/b.js';"),
      file('libs/core/src/event/b.ts', "import { a } from '../a.js';"),
    ]);

    expect(found).toEqual(['libs/core/src/a.ts -> libs/core/src/event/b.ts -> libs/core/src/a.ts']);
  });

  it('finds a file that imports itself, and a long way round', () => {
    const found = cycles([
      file('src/a.ts', "import './a.js';"),
      file('src/b.ts', "export { c } from './c.js';"),
      file('src/c.ts', "const d = await import('./d.js');"),
      file('src/d.ts', "import './b.js'; import './a.js';"),
    ]);

    expect(found).toEqual(['src/a.ts -> src/a.ts', 'src/b.ts -> src/c.ts -> src/d.ts -> src/b.ts']);
  });

  it('admits two ways to one file', () => {
    const found = cycles([
      file('src/a.ts', "import './b.js'; import './c.js';"),
      file('src/b.ts', "import './c.js';"),
      file('src/c.ts', ''),
    ]);

    expect(found).toEqual([]);
  });
});
