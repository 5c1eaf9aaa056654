import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { sqlite } from '../../src/stores/sqlite.ts';
import { CrashChild, expectWhole } from './crashing.ts';

const SEED = 20_240_229;
const CRASHES = 8;

test(`M25 kill -9 at ${CRASHES} random points (seed ${SEED}): every acknowledged commit is there, none is half there`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'surewire-crash-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'sessions.db');
  const random = seededRandom(SEED);
  let before: ReadonlyMap<string, number> = new Map();
  for (let crash = 0; crash < CRASHES; crash++) {
    const child = new CrashChild(path, SEED);
    await child.read(1 + Math.floor(random.fraction() * 400));
    child.process.kill('SIGKILL');
    await child.read(Number.POSITIVE_INFINITY);
    expect(await child.ended, 'the child was to die by kill -9 and by nothing else').toMatchObject({
      signal: 'SIGKILL',
    });
    const store = sqlite(path);
    await expectWhole(store, new Map([...before, ...child.acknowledged]), SEED);
    before = new Map((await store.sessions()).map(({ session, state }) => [session, Number(state)]));
    await store.close();
  }
});
