import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../../src/certificates/folder.ts';

let at: string;
beforeAll(async () => {
  at = await mkdtemp(join(tmpdir(), 'surewire-folder-'));
});
afterAll(() => rm(at, { recursive: true }));

test('makes what is missing above, and is content with what is there', async () => {
  await makeFolder(join(at, 'a/b/c'), 0o700);
  await makeFolder(join(at, 'a/b/c'));
  const made = await stat(join(at, 'a/b/c'));
  expect([made.isDirectory(), made.mode & 0o777]).toEqual([true, 0o700]);
});

test('two at once make the same folder', async () => {
  await Promise.all([makeFolder(join(at, 'x/y/z')), makeFolder(join(at, 'x/y/z'))]);
  expect((await stat(join(at, 'x/y/z'))).isDirectory()).toBe(true);
});

test('a file in the way is an error', async () => {
  await writeFile(join(at, 'file'), '');
  await expect(makeFolder(join(at, 'file/below'))).rejects.toThrow(/ENOTDIR/);
});

test.skipIf(process.platform !== 'linux')(
  'a place where no folder can be made is an error at once (Linux only)',
  async () => {
    await expect(makeFolder('/proc/surewire/certificates')).rejects.toThrow(/ENOENT/);
  },
);
