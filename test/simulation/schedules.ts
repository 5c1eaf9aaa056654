/** Random schedules as tests: for each shape a share through the full stack, and the rest through drivers and reducers. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { obey } from './laws.ts';
import { hasLevel, type Level, type Shape, shapeName } from './shapes.ts';

/** Schedules of each shape: 20,000 in all, duplex with octets only and so with fewer. The mutants are content with less. */
const usual = 1_210;
const { SUREWIRE_SCHEDULES = String(usual) } = process.env;

interface Plan {
  readonly level: Level;
  readonly schedules: number;
  readonly how: string;
}

function plansOf(perShape: number): readonly Plan[] {
  const withOctets = Math.ceil(perShape / 13);
  return [
    { level: 'octets', schedules: withOctets, how: 'full stack: every leg written to octets and read again' },
    {
      level: 'messages',
      schedules: perShape - withOctets,
      how: 'elements, drivers and reducers: messages cross as values, without octets',
    },
  ];
}

const plans = plansOf(Number(SUREWIRE_SCHEDULES));

/** How many schedules of these shapes the plain test run goes through. */
export function schedulesIn(some: readonly Shape[]): number {
  const counts = some.flatMap((shape) => plansOf(usual).filter(({ level }) => hasLevel(shape, level)));
  return counts.reduce((sum, { schedules }) => sum + schedules, 0);
}

/** Declares the schedules of these shapes. */
export function schedulesOf(some: readonly Shape[]): void {
  const { stackTraceLimit } = Error;
  // What a bad network throws, nobody reads: a seed that fails is run again.
  beforeAll(() => {
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  describe.each(
    some.map((shape) => ({
      shape,
      name: shapeName(shape).replaceAll(',', ', '),
    })),
  )('WS-RM $name: once, in order where asked, knowledge that only grows, a good end', ({ shape }) => {
    test.each(plans.filter(({ level }) => hasLevel(shape, level)))(
      '$schedules schedules, $how',
      async ({ level, schedules }) => {
        for (let seed = 1; seed <= schedules; seed += 1) {
          await obey(shape, level, seed).catch((thrown: unknown) => {
            const again = `npm run laws -- --shape ${shapeName(shape)} --level ${level} --seed ${seed} --runs 1`;
            throw new Error(`seed ${seed} (have it again: ${again})`, {
              cause: thrown,
            });
          });
        }
      },
      300_000,
    );
  });
}
