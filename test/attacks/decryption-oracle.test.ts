/**
 * E1, E2, E3, E6, K13: nothing tells what was wrong with a ciphertext. Octets of ciphertexts are changed in messages that are signed and
 * then encrypted with CBC, ours and those of a recorded conversation: the wire says one thing, and the work that was done is the same.
 * Operations are counted, not timed: what asks for the same operations takes the same time.
 */
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { algorithmSuite, unsafeSuiteRsa15 } from '../../src/security/algorithm-suites.ts';
import type { scan, scanAdopted } from '../../src/xml/scan.ts';
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
import { Letter } from './letter.ts';
import { contexts, type PeerScene } from './peer-stage.ts';
import { fault, swap } from './support.ts';

const { operations } = vi.hoisted(() => ({ operations: [] as string[] }));

vi.mock('node:crypto', async (original) => {
  const real = await original<Record<string, unknown>>();
  const counted = ['privateDecrypt', 'createDecipheriv', 'hkdfSync', 'verify', 'hash', 'timingSafeEqual'];
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
  const real = await original<{ readonly scan: typeof scan; readonly scanAdopted: typeof scanAdopted }>();
  return {
    ...real,
    scan: (...args: Parameters<typeof scan>) => {
      operations.push('scan');
      return real.scan(...args);
    },
    scanAdopted: (...args: Parameters<typeof scanAdopted>) => {
      operations.push('scan');
      return real.scanAdopted(...args);
    },
  };
});

let all: People;
beforeAll(async () => {
  all = await people();
});

/** Every message is refused with the one fault; what was asked for meanwhile, and by which of them. */
async function pathsOf(
  messages: Iterable<readonly [name: string, octets: string]>,
  receiver: () => Promise<{ readonly heard: readonly unknown[]; receive(octets: string): Promise<string | undefined> }>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const paths = new Map<string, string[]>();
  for (const [name, octets] of messages) {
    const end = await receiver();
    const before = end.heard.length;
    operations.length = 0;
    expect(await end.receive(octets), name).toBe(fault);
    const path = operations.join(' ');
    expect(end.heard, name).toHaveLength(before);
    paths.set(path, [...(paths.get(path) ?? []), name]);
  }
  return paths;
}

const service = (ends: Ends) => async () => acceptor(ends.service);
const octetsOf = (part: string): Buffer => Buffer.from(/CipherValue>([^<]*)</.exec(part)?.[1] ?? '', 'base64');
const flipped = (octets: Buffer, at: number, by = 0x80): Buffer => {
  const copy = Buffer.from(octets);
  copy[at] = (copy[at] ?? 0) ^ by;
  return copy;
};
/** The message with each octet of a ciphertext changed, one at a time. */
const eachOctet = (valid: string, data: string): readonly (readonly [string, string])[] =>
  Array.from(octetsOf(data), (_, at) => {
    const changed = withCiphertext(data, (octets) => flipped(octets, at, 1 + (at % 7)));
    return [`octet ${at}`, swap(valid, data, changed)];
  });

const rsa15 = algorithmSuite('Basic256Sha256Rsa15', { unsafe: [unsafeSuiteRsa15] });
const cases: readonly (readonly [name: string, ends: () => Ends])[] = [
  ['certificates', () => asymmetricEnds(all, { suite: cbc })],
  ['certificates, the signature encrypted', () => asymmetricEnds(all, { suite: cbc, encryptSignature: true })],
  ['a secret, derived keys, the signatures encrypted', () => symmetricEnds(all, { suite: cbc })],
  ['a secret, no derived keys', () => symmetricEnds(all, { suite: cbc, derivedKeys: false, encryptSignature: false })],
];

test.each(cases)('E2 %s: every octet of the ciphertext of the Body', async (_, make) => {
  const ends = make();
  const valid = await request(ends);
  const paths = await pathsOf(eachOctet(valid, every(valid, 'xenc:EncryptedData').at(-1) ?? ''), service(ends));
  expect([...paths.keys()]).toHaveLength(1);
  expect([...paths.keys()][0]).toMatch(/verify|timingSafeEqual/);
});

test('E1 RSA-1.5, where it is forced: every kind of wrong padding asks for the same work and gets the same answer', async () => {
  const ends = asymmetricEnds(all, { suite: rsa15 });
  const valid = await request(ends);
  const [key = ''] = every(valid, 'xenc:EncryptedKey');
  const messages = Array.from({ length: 64 }, (_, at) => {
    const changed = withCiphertext(key, (octets) => flipped(octets, (at * 4) % octets.length, 1 + at));
    return [`octet ${at * 4}`, swap(valid, key, changed)] as const;
  });
  expect(await pathsOf(messages, service(ends))).toHaveProperty('size', 1);
});

test('E3 OAEP: every octet of the EncryptedKey that is another asks for the same work and gets the same answer', async () => {
  const ends = asymmetricEnds(all, { suite: cbc });
  const valid = await request(ends);
  const [key = ''] = every(valid, 'xenc:EncryptedKey');
  const messages = Array.from({ length: 64 }, (_, at) => {
    const changed = withCiphertext(key, (octets) => flipped(octets, (at * 4) % octets.length, 1 + at));
    return [`octet ${at * 4}`, swap(valid, key, changed)] as const;
  });
  expect(await pathsOf(messages, service(ends))).toHaveProperty('size', 1);
});

/** The encrypted signature has no signature over it, so anything may be put in its place. */
test.each([
  ['certificates', () => asymmetricEnds(all, { suite: cbc, encryptSignature: true })],
  ['a secret', () => symmetricEnds(all, { suite: cbc })],
  ['a secret, no derived keys', () => symmetricEnds(all, { suite: cbc, derivedKeys: false })],
] as const)(
  'E6 %s: one answer and one path, whatever is in the place of the signature and is none',
  async (_, make) => {
    const ends = make();
    const valid = await request(ends);
    const parts = every(valid, 'xenc:EncryptedData');
    const [part = '', body = ''] = [parts[0], parts.at(-1)];
    const [signature, content] = [octetsOf(part), octetsOf(body)];
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
    const messages = changes.map(([name, octets]) => {
      const changed = part.replace(/(CipherValue>)[^<]*/, `$1${base64(octets)}`);
      return [name, swap(valid, part, changed)] as const;
    });
    const paths = await pathsOf(messages, service(ends));
    expect([...paths.values()]).toEqual([changes.map(([name]) => name)]);
    expect([...paths.keys()][0]).toContain('createDecipheriv');
  },
);

/** Digests are made where the MAC is right, whatever was decrypted before. */
const withoutDigests = (paths: ReadonlyMap<string, unknown>): readonly string[] => [
  ...new Set([...paths.keys()].map((path) => path.replaceAll(/\bhash /g, ''))),
];

/** Every message of a conversation is decrypted under session keys, so an oracle would have all the time it wants. */
describe.each(contexts)('$name', (target) => {
  let scene: PeerScene;
  let letter: Letter;
  beforeAll(async () => {
    scene = await target.scene();
    letter = new Letter(scene.valid);
  });
  const receiver = async () => ({
    heard: scene.heard,
    receive: async (octets: string) => (await scene.receive(octets)).answer,
  });
  const flips = (): readonly (readonly [string, string])[] => {
    const value = letter.one('CipherValue', letter.body);
    const octets = Buffer.from(value.text, 'base64');
    return Array.from(octets, (_, at) => [
      `octet ${at}`,
      letter.saying(value, flipped(octets, at, 1 + (at % 7)).toString('base64')).text,
    ]);
  };

  test('E2 every octet of the ciphertext, another key and another signature value: one path, and nothing comes of it', async () => {
    const paths = await pathsOf(flips(), receiver);
    expect([...paths.keys()]).toHaveLength(1);
    const [path] = withoutDigests(paths);
    expect(path).toMatch(/createDecipheriv .*timingSafeEqual/);
    const nonces = letter.all('Nonce').map((nonce, at) => {
      return [`nonce ${at}`, letter.saying(nonce, `AAAA${nonce.text.slice(4)}`).text] as const;
    });
    expect(withoutDigests(await pathsOf(nonces, receiver))).toEqual([path]);
    const value = letter.one('SignatureValue');
    const other = letter.saying(value, `AAAA${value.text.slice(4)}`).text;
    expect(withoutDigests(await pathsOf([['the value', other]], receiver))).toEqual([path]);
  });

  test('K13 a MAC is compared in constant time, however much of it is right', async () => {
    const value = letter.one('SignatureValue');
    const octets = Buffer.from(value.text, 'base64');
    const wrong = Array.from(octets, (_, at) => {
      return [`octet ${at}`, letter.saying(value, flipped(octets, at).toString('base64')).text] as const;
    });
    const paths = await pathsOf(wrong, receiver);
    expect([...paths.keys()]).toHaveLength(1);
    expect([...paths.keys()][0]).toContain('timingSafeEqual');
  });
});
