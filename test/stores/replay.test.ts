/** Replay caches: the one in memory, and the one in a file that several processes share. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { sqlite } from '../../src/stores/sqlite.ts';
import { sqliteReplayCache } from '../../src/stores/sqlite-replay.ts';
import { replayContract } from '../contracts/replay.ts';
import { program } from '../program.ts';
import { acceptor, pki, policyOf, secured } from '../security/rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'replay-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const file = (): string => join(folder, `replay-${++files}.db`);

replayContract('MemoryReplayCache', (entries) => new MemoryReplayCache(entries));
replayContract('sqliteReplayCache', (maxEntries) => sqliteReplayCache(file(), { maxEntries }));

test('R6 what one node has let through, another refuses, and so does the next one after a restart', async () => {
  const path = file();
  const { client, service, root } = await pki();
  const octets = await secured(policyOf(client, root));
  const node = () => {
    const replay = sqliteReplayCache(path);
    return { replay, end: acceptor(policyOf(service, root), { replay }) };
  };
  const [one, other] = [node(), node()];
  await one.end.receive(octets);
  await other.end.receive(octets);
  expect([one.end.heard.length, other.end.heard.length]).toEqual([1, 0]);
  one.replay.close();
  other.replay.close();
  const restarted = node();
  await restarted.end.receive(octets);
  expect(restarted.end.heard).toHaveLength(0);
  restarted.replay.close();
});

test('R3 of three processes that race for 200 keys one gets each', async () => {
  const path = file();
  sqliteReplayCache(path).close();
  const child = fileURLToPath(new URL('replay-child.ts', import.meta.url));
  const runs = await Promise.all(Array.from({ length: 3 }, () => program([child, path, '200'])));
  const won = runs.flatMap((printed) => printed.trim().split('\n').filter(Boolean));
  expect(won).toHaveLength(200);
  expect(new Set(won).size).toBe(200);
});

test('what cannot be remembered is not let through', () => {
  const cache = sqliteReplayCache(file());
  cache.close();
  expect(() => cache.remember('a', instant(2), instant(1))).toThrow(
    expect.objectContaining({ code: 'SECURITY_REPLAY_FULL' }),
  );
});

test('the file of something else is left alone', async () => {
  const sessions = file();
  await sqlite(sessions).close();
  expect(() => sqliteReplayCache(sessions)).toThrow(expect.objectContaining({ code: 'STORE_FOREIGN' }));
  const text = file();
  writeFileSync(text, 'no database, but a text that is long enough to be looked at as one'.repeat(100));
  expect(() => sqliteReplayCache(text)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^STORE_/) }));
});
