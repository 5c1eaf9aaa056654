/**
 * E2, E6: the encrypted signature has no signature over it, so anything may be put in its place: what was tampered with, what
 * is none, and the ciphertext of the Body, to learn by the work that follows what it decrypts to. Operations are counted.
 */
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import type { scan } from '../../src/xml/scan.ts';
import { acceptor } from '../security/rig.ts';
import {
  asymmetricEnds,
  cbc,
  type Ends,
  every,
  type People,
  people,
  request,
  symmetricEnds,
} from './encrypted-support.ts';
import { fault, swap } from './support.ts';

const { operations } = vi.hoisted(() => ({ operations: [] as string[] }));

vi.mock('node:crypto', async (original) => {
  const real = await original<Record<string, unknown>>();
  const wrapped = ['privateDecrypt', 'createDecipheriv', 'verify', 'createHmac', 'hash'].map((name) => {
    const operation = real[name] as (...args: readonly unknown[]) => unknown;
    return [
      name,
      (...args: readonly unknown[]) => {
        operations.push(name);
        return operation(...args);
      },
    ];
  });
  return { ...real, ...Object.fromEntries(wrapped) };
});

vi.mock('../../src/xml/scan.ts', async (original) => {
  const real = await original<{ readonly scan: typeof scan }>();
  return {
    ...real,
    scan: (...args: Parameters<typeof scan>) => {
      operations.push('scan');
      return real.scan(...args);
    },
  };
});

let all: People;
beforeAll(async () => {
  all = await people();
});

const cipher = (part: string) => Buffer.from(/CipherValue>([^<]*)</.exec(part)?.[1] ?? '', 'base64');
const flipped = (octets: Buffer, at: number) => octets.map((octet, index) => (index === at ? octet ^ 0x80 : octet));

describe.each([
  ['certificates', () => asymmetricEnds(all, { suite: cbc, encryptSignature: true })],
  ['a secret', () => symmetricEnds(all, { suite: cbc })],
  ['a secret, no derived keys', () => symmetricEnds(all, { suite: cbc, derivedKeys: false })],
] as const)('%s', (_, make) => {
  test('one answer and one path, whatever is in the place of the signature and is none', async () => {
    const ends: Ends = make();
    const valid = await request(ends);
    const parts = every(valid, 'xenc:EncryptedData');
    const [part = '', body = ''] = [parts[0], parts.at(-1)];
    const [signature, content] = [cipher(part), cipher(body)];
    const changes: readonly (readonly [name: string, octets: Uint8Array])[] = [
      ['a wrong padding', flipped(signature, signature.length - 17)],
      ['a padding of nothing', flipped(signature, signature.length - 32)],
      ['no name', flipped(signature, 3)],
      ['one block less', signature.subarray(0, -16)],
      ['two blocks', signature.subarray(0, 32)],
      ['the content of the Body', content],
      ['the last block of the Body', content.subarray(-32)],
      ['the first block of the Body', content.subarray(0, 32)],
    ];
    const paths = new Map<string, string[]>();
    for (const [name, octets] of changes) {
      const end = acceptor(ends.service);
      const changed = part.replace(/(CipherValue>)[^<]*/, `$1${base64(octets)}`);
      operations.length = 0;
      expect(await end.receive(swap(valid, part, changed)), name).toBe(fault);
      expect(end.heard).toHaveLength(0);
      const path = operations.join(' ');
      paths.set(path, [...(paths.get(path) ?? []), name]);
    }
    expect([...paths.values()]).toEqual([changes.map(([name]) => name)]);
    expect([...paths.keys()][0]).toContain('createDecipheriv');
  });
});
