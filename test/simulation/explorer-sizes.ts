/**
 * How much the explorer goes through. `full` has 3 messages, 2 losses, 1 duplicate and 1 crash at once: some million states, for
 * `npm run explore`. `plain`, for the test run, goes through its four faces: each with less of one of them. `small` is for the
 * mutants.
 */
import type { Configuration } from './explorer-world.ts';

export type Size = Omit<Configuration, 'version' | 'ordered'>;

const usual = {
  losses: 0,
  duplicates: 0,
  early: 0,
  crashes: 0,
  room: 8,
  start: 'slow',
} as const;

export const sizes: ReadonlyMap<string, readonly Size[]> = new Map<string, readonly Size[]>([
  [
    'small',
    [
      { ...usual, messages: 2, losses: 1, duplicates: 1, crashes: 1 },
      { ...usual, messages: 3, losses: 1, room: 1 },
    ],
  ],
  [
    'plain',
    [
      { ...usual, messages: 3, losses: 2, duplicates: 1 },
      { ...usual, messages: 3, losses: 1, crashes: 1 },
      { ...usual, messages: 2, losses: 1, duplicates: 1, early: 1, crashes: 1 },
      { ...usual, messages: 2, losses: 1, room: 1 },
    ],
  ],
  [
    'full',
    [
      { ...usual, messages: 3, losses: 2, duplicates: 1, crashes: 1 },
      { ...usual, messages: 3, losses: 1, duplicates: 1, room: 1 },
      { ...usual, messages: 3, losses: 1, room: 2, start: 'open' },
      { ...usual, messages: 2, losses: 2, duplicates: 1, crashes: 2 },
    ],
  ],
]);

export function nameOf({ messages, losses, duplicates, early, crashes, room, start }: Size): string {
  const faults = [
    [losses, 'lost'],
    [duplicates, 'doubled'],
    [early, 'early timers'],
    [crashes, 'crashes'],
  ] as const;
  const named = faults.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const window = start === 'open' ? ['open window'] : [];
  return [`${messages} messages`, ...named, `room for ${room}`, ...window].join(', ');
}
