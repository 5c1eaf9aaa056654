/** A thread of `npm run laws`: runs the schedules it is given, tells how far it is, and of each law that does not hold. */
import { parentPort } from 'node:worker_threads';
import { obey } from './laws.ts';
import { type Level, shapeName, shapes } from './shapes.ts';

/** Schedules from `from` on: each seed once for each shape. */
export interface Batch {
  readonly level: Level;
  /** Names of shapes. */
  readonly shapes: readonly string[];
  readonly from: number;
  readonly count: number;
}

export interface Failure {
  readonly shape: string;
  readonly level: Level;
  readonly seed: number;
  readonly law: string;
}

export interface Progress {
  readonly done: number;
  readonly failures: readonly Failure[];
}

// A schedule throws many errors that nobody reads.
Error.stackTraceLimit = 0;

parentPort?.on('message', async (batch: Batch) => {
  const failures: Failure[] = [];
  const some = batch.shapes.flatMap((name) => shapes.filter((shape) => shapeName(shape) === name));
  for (let at = batch.from; at < batch.from + batch.count; at += 1) {
    const shape = some[at % some.length];
    if (shape === undefined) continue;
    const seed = Math.floor(at / some.length);
    try {
      await obey(shape, batch.level, seed);
    } catch (thrown) {
      const law = thrown instanceof Error ? thrown.message : String(thrown);
      failures.push({ shape: shapeName(shape), level: batch.level, seed, law });
    }
  }
  parentPort?.postMessage({ done: batch.count, failures } satisfies Progress);
});
