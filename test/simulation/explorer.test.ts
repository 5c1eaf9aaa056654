/**
 * The explorer's findings: nothing is accepted, handed up or finished twice, messages come in order where asked,
 * acknowledgements only grow and are true and durable, and from every state a healed network ends the session well.
 *
 * The whole of 3 messages, 2 losses, 1 duplicate and 1 crash at once has 7.6 million states and takes some minutes: it runs
 * with SUREWIRE_EXPLORER=full. The plain run goes through its four faces: each with less of one of them.
 */
import { describe, expect, test } from 'vitest';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { explore } from './explorer.ts';
import type { Configuration } from './explorer-world.ts';

type Size = Omit<Configuration, 'version' | 'ordered'>;

const usual = { losses: 0, duplicates: 0, early: 0, crashes: 0, room: 8, start: 'slow' } as const;

const small: readonly Size[] = [
  { ...usual, messages: 2, losses: 1, duplicates: 1, crashes: 1 },
  { ...usual, messages: 3, losses: 1, room: 1 },
];

const plain: readonly Size[] = [
  { ...usual, messages: 3, losses: 2, duplicates: 1 },
  { ...usual, messages: 3, losses: 1, crashes: 1 },
  { ...usual, messages: 2, losses: 1, duplicates: 1, early: 1, crashes: 1 },
  { ...usual, messages: 3, losses: 1, room: 1 },
];

const full: readonly Size[] = [
  { ...usual, messages: 3, losses: 2, duplicates: 1, crashes: 1 },
  { ...usual, messages: 3, losses: 1, duplicates: 1, room: 1 },
  { ...usual, messages: 3, losses: 1, room: 2, start: 'open' },
  { ...usual, messages: 2, losses: 2, duplicates: 1, crashes: 2 },
];

/** `small` for the mutants, `full` for the whole of it. */
const { SUREWIRE_EXPLORER } = process.env;
const sizes = SUREWIRE_EXPLORER === 'full' ? full : SUREWIRE_EXPLORER === 'small' ? small : plain;

function nameOf({ messages, losses, duplicates, early, crashes, room, start }: Size): string {
  const faults = [
    [losses, 'lost'],
    [duplicates, 'doubled'],
    [early, 'early timers'],
    [crashes, 'crashes'],
  ] as const;
  const named = faults.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [`${messages} messages`, ...named, `room for ${room}`, ...(start === 'open' ? ['open window'] : [])].join(
    ', ',
  );
}

const shapes = reliableVersions.flatMap((version) => [true, false].map((ordered) => ({ version, ordered })));

describe.each(shapes)('WS-RM $version.name, one-way, ordered: $ordered: every schedule', ({ version, ordered }) => {
  test.each(sizes.map((size) => ({ name: nameOf(size), size })))(
    '$name',
    ({ name, size }) => {
      const { states, steps, broken } = explore({ version, ordered, ...size });
      const count = `${states.toLocaleString('en')} states, ${steps.toLocaleString('en')} steps`;
      console.info(`explorer: WS-RM ${version.name}, ${ordered ? 'ordered' : 'unordered'}, ${name}: ${count}`);
      expect(broken).toBeUndefined();
      expect(states).toBeGreaterThan(100);
    },
    sizes === full ? 900_000 : 60_000,
  );
});
