/**
 * What the test kit needs beyond core, loaded when a test asks for it: the rest of this package works without Nest and
 * without TypeORM. The only file that imports them.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { ExactlyOnceOptions } from '@exactly-once/nestjs';
import type { INestMicroservice, Type } from '@nestjs/common';
import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';

export type { DataSource, ExactlyOnceOptions, INestMicroservice, Type, TypeOrmModuleOptions };

export interface NestPeers {
  readonly exactlyOnce: typeof import('@exactly-once/nestjs');
  readonly common: typeof import('@nestjs/common');
  readonly core: typeof import('@nestjs/core');
}

export interface TypeOrmPeers {
  readonly storage: typeof import('@exactly-once/typeorm');
  readonly nest: typeof import('@nestjs/typeorm');
  readonly typeorm: typeof import('typeorm');
}

/** Throws EO_PACKAGE_MISSING. */
export async function loadNest(): Promise<NestPeers> {
  return {
    exactlyOnce: await load('@exactly-once/nestjs', () => import('@exactly-once/nestjs')),
    common: await load('@nestjs/common', () => import('@nestjs/common')),
    core: await load('@nestjs/core', () => import('@nestjs/core')),
  };
}

/** Throws EO_PACKAGE_MISSING. */
export async function loadTypeOrm(): Promise<TypeOrmPeers> {
  return {
    storage: await load('@exactly-once/typeorm', () => import('@exactly-once/typeorm')),
    nest: await load('@nestjs/typeorm', () => import('@nestjs/typeorm')),
    typeorm: await load('typeorm', () => import('typeorm')),
  };
}

async function load<T>(name: string, importing: () => Promise<T>): Promise<T> {
  try {
    return await importing();
  } catch (cause) {
    const what = `testExactlyOnce() could not load ${name}: npm install --save-dev ${name}`;
    throw new ExactlyOnceError('EO_PACKAGE_MISSING', what, { cause });
  }
}
