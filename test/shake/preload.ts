/**
 * Makes a process one on a slow and busy machine: `node --import …/preload.ts`. Only what such a machine may do: answers of
 * threads come in any order, octets late and in pieces, timers late. Microtasks and immediates keep their places.
 *
 * SHAKE_SEED chooses what is late, SHAKE_SCALE how much, SHAKE_KINDS (all, where it is absent) what can be.
 */
import { syncBuiltinESMExports } from 'node:module';
import { threadId } from 'node:worker_threads';
import { lateFiles, lateNames, latePool, lateWebCrypto } from './answers.ts';
import { Chance } from './chance.ts';
import { type Kind, kinds } from './kinds.ts';
import { lateSockets } from './sockets.ts';
import { lateTimers, standStill } from './timers.ts';

const shaking: Readonly<Record<Kind, (chance: Chance) => unknown>> = {
  webcrypto: lateWebCrypto,
  pool: latePool,
  files: lateFiles,
  names: lateNames,
  sockets: lateSockets,
  timers: lateTimers,
  stalls: standStill,
};

const { SHAKE_SEED, SHAKE_SCALE = '1', SHAKE_KINDS = kinds.join(), VITEST_POOL_ID = '0' } = process.env;
if (SHAKE_SEED !== undefined) {
  const wanted = new Set(SHAKE_KINDS.split(','));
  // Workers and threads have a weather of their own.
  const chance = new Chance(
    Number(SHAKE_SEED) + 1_000 * Number(VITEST_POOL_ID) + 100_000 * threadId,
    Number(SHAKE_SCALE),
  );
  for (const kind of kinds) if (wanted.has(kind)) await shaking[kind](chance);
  syncBuiltinESMExports();
}
