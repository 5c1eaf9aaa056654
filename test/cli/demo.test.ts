/** The demo keeps its promise, and what it prints is what it saw. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ran } from './running.ts';

test('40 signed documents through 30 % loss: all of them, once, in order', async () => {
  const { exitCode, out, err } = await ran(['demo', '--messages', '40', '--loss', '0.3', '--seed', '3', '--json']);
  expect(err).toBe('');
  expect(exitCode).toBe(0);
  expect(out.trim().split('\n')).toHaveLength(1);
  const seen = JSON.parse(out);
  expect(Object.keys(seen)).toEqual([
    'sent',
    'delivered',
    'inOrder',
    'duplicatesDropped',
    'retransmissions',
    'verified',
    'seconds',
    'report',
    'verdict',
  ]);
  expect(seen).toMatchObject({ sent: 40, delivered: 40, verified: 40, inOrder: true, verdict: 'sound' });
  expect(await readFile(seen.report, 'utf8')).toMatch(/<script type="application\/json" id="report">.*"messages":40,/);
  await rm(seen.report);
  // Both are more than nothing on a network like this one, whatever the timing.
  expect(seen.retransmissions).toBeGreaterThan(0);
  expect(seen.duplicatesDropped).toBeGreaterThan(0);
});

test('without loss, for people: a table, where to look next, and with --keep what was made', async () => {
  const { exitCode, out } = await ran(['demo', '--messages', '5', '--loss', '0', '--keep', '--no-report']);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/delivered once +5\n/);
  expect(out).toMatch(/in order +yes\n/);
  expect(out).toContain('surewire serve --help');
  const kept = /certificates: (.*)\n/.exec(out)?.[1] ?? '';
  expect(existsSync(`${kept}/serve.db`)).toBe(true);
  await rm(kept, { recursive: true });
});
