/** Two runs in one folder at once leave one consistent set; a run that is killed keeps nobody out. */
import { spawn } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { alone } from '../../src/certificates/lock.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
let folder: string;
let config: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-lock-'));
  config = join(folder, 'config.json');
  await writeFile(config, '{"algorithms":["ec"]}');
});

afterEach(() => rm(folder, { recursive: true }));

const certs = () => {
  const child = spawn(process.execPath, [main, 'certs', '--out', join(folder, 'pki'), '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
};

/** Every chain and key in the folder belongs together, and to what the manifest says. */
async function consistent(): Promise<void> {
  const pki = join(folder, 'pki');
  const manifest = JSON.parse(await readFile(join(pki, 'pki.json'), 'utf8'));
  expect(manifest.complete).toBe(true);
  const root = new X509Certificate(await readFile(join(pki, 'ec/root.cert.pem')));
  const intermediate = new X509Certificate(await readFile(join(pki, 'ec/intermediate.cert.pem')));
  expect(await readFile(join(pki, 'trust.pem'), 'utf8')).toBe(await readFile(join(pki, 'ec/root.cert.pem'), 'utf8'));
  expect(intermediate.verify(root.publicKey)).toBe(true);
  for (const { certificate, key, role, fingerprint } of manifest.entries) {
    const found = new X509Certificate(await readFile(join(pki, certificate)));
    const privateKey = await readFile(join(pki, key));
    expect(found.publicKey.equals(createPublicKey(privateKey)), certificate).toBe(true);
    expect(found.fingerprint256.replaceAll(':', '').toLowerCase(), certificate).toBe(fingerprint);
    if (role !== 'root' && role !== 'intermediate')
      expect(found.verify(intermediate.publicKey), certificate).toBe(true);
  }
}

test('three processes at once in a new folder: one makes them, the others keep them', async () => {
  const outcomes = await Promise.all(
    [certs(), certs(), certs()].map(async (child) => {
      const closed = once(child, 'close');
      const printed = (await json(child.stdout)) as { readonly created: boolean };
      expect((await closed)[0]).toBe(0);
      return printed.created;
    }),
  );
  expect(outcomes.filter((created) => created)).toHaveLength(1);
  await consistent();
});

test('two that are forced, in one process: one after the other, and the last one’s stay', async () => {
  const options = { folder: join(folder, 'pki'), algorithms: ['ec'], force: true } as const;
  const made = await Promise.all([developmentPki(options), developmentPki(options)]);
  expect(made.map(({ created }) => created)).toEqual([true, true]);
  await consistent();
  const { entries } = await developmentPki({ folder: options.folder });
  expect(made.map((one) => one.entries[0]?.fingerprint)).toContain(entries[0]?.fingerprint);
});

/** What the manifest in the folder says, once there is one. */
async function manifest(): Promise<{ readonly complete: boolean }> {
  for (;;) {
    const text = await readFile(join(folder, 'pki/pki.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return JSON.parse(text);
    await new Promise((next) => setImmediate(next));
  }
}

/** Kills a run when it has begun; one that was done before it was killed does not count. */
async function killedInTheMiddle(): Promise<void> {
  for (;;) {
    const child = certs();
    const closed = once(child, 'close');
    await manifest();
    child.kill('SIGKILL');
    await closed;
    if (!(await manifest()).complete) return;
    await rm(join(folder, 'pki'), { recursive: true });
  }
}

test('a run that is killed in the middle keeps nobody out', async () => {
  await killedInTheMiddle();
  const { created } = await developmentPki({ folder: join(folder, 'pki'), algorithms: ['ec'] });
  expect(created).toBe(true);
  await consistent();
});

test('the lock is given back when the work fails', async () => {
  await expect(alone(folder, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await alone(folder, async () => 'mine')).toBe('mine');
});

test('CERTIFICATES_FOLDER_UNWRITABLE: a lock that cannot be made', async () => {
  await expect(alone(join(folder, 'missing'), async () => undefined)).rejects.toMatchObject({
    code: 'CERTIFICATES_FOLDER_UNWRITABLE',
  });
});
