/**
 * E1, E2, E6: nothing tells what was wrong with a ciphertext. Every octet of the Body's ciphertext is changed in messages that are
 * signed and then encrypted with CBC: the wire says one thing, and the work that was done is the same. Operations are
 * counted, not timed: what asks for the same operations takes the same time.
 */
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { algorithmSuite, unsafeSuiteRsa15 } from '../../src/security/algorithm-suites.ts';
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
  withCiphertext,
} from './encrypted-support.ts';
import { fault, swap } from './support.ts';

const { operations } = vi.hoisted(() => ({ operations: [] as string[] }));

vi.mock('node:crypto', async (original) => {
  const real = await original<Record<string, unknown>>();
  const counted = ['privateDecrypt', 'createDecipheriv', 'hkdfSync', 'verify', 'timingSafeEqual'];
  const wrapped = counted.map((name) => {
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

const rsa15 = algorithmSuite('Basic256Sha256Rsa15', { unsafe: [unsafeSuiteRsa15] });
const cases: readonly (readonly [name: string, ends: () => Ends])[] = [
  ['certificates', () => asymmetricEnds(all, { suite: cbc })],
  ['certificates, the signature encrypted', () => asymmetricEnds(all, { suite: cbc, encryptSignature: true })],
  ['a secret, derived keys, the signatures encrypted', () => symmetricEnds(all, { suite: cbc })],
  ['a secret, no derived keys', () => symmetricEnds(all, { suite: cbc, derivedKeys: false, encryptSignature: false })],
];

describe.each(cases)('%s', (_, make) => {
  test('every octet of the ciphertext of the Body', async () => {
    const ends = make();
    const valid = await request(ends);
    const data = every(valid, 'xenc:EncryptedData').at(-1) ?? '';
    const paths = new Map<string, number>();
    const answers = new Set<string | undefined>();
    const { length } = Buffer.from(/CipherValue>([^<]*)</.exec(data)?.[1] ?? '', 'base64');
    for (let at = 0; at < length; at++) {
      const changed = withCiphertext(data, (octets) => {
        octets[at] = (octets[at] ?? 0) ^ (1 + (at % 7));
        return octets;
      });
      const end = acceptor(ends.service);
      operations.length = 0;
      answers.add(await end.receive(swap(valid, data, changed)));
      expect(end.heard).toHaveLength(0);
      const path = operations.join(' ');
      paths.set(path, (paths.get(path) ?? 0) + 1);
    }
    expect([...answers]).toEqual([fault]);
    expect([...paths.keys()]).toHaveLength(1);
    expect([...paths.keys()][0]).toMatch(/verify|timingSafeEqual/);
  });
});

test('E1: RSA-1.5, where it is forced: every kind of wrong padding asks for the same work and gets the same answer', async () => {
  const ends = asymmetricEnds(all, { suite: rsa15 });
  const valid = await request(ends);
  const [key = ''] = every(valid, 'xenc:EncryptedKey');
  const paths = new Set<string>();
  const answers = new Set<string | undefined>();
  for (let at = 0; at < 64; at++) {
    const changed = withCiphertext(key, (octets) => {
      const place = (at * 4) % octets.length;
      octets[place] = (octets[place] ?? 0) ^ (1 + at);
      return octets;
    });
    const end = acceptor(ends.service);
    operations.length = 0;
    answers.add(await end.receive(swap(valid, key, changed)));
    expect(end.heard).toHaveLength(0);
    paths.add(operations.join(' '));
  }
  expect([...answers]).toEqual([fault]);
  expect(paths.size).toBe(1);
});
