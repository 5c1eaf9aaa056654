/**
 * E7, E13, D9: references to EncryptedKeys by the SHA-1 of their octets. Whoever follows one has to make the digest of each EncryptedKey
 * that is there; a message with many of both must not make that a product. What is counted are the digests themselves.
 */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { encryptedKeySha1 } from '../../src/security/names.ts';
import { type Acceptor, acceptor } from '../security/rig.ts';
import { anonymousEnds, people, request } from './encrypted-support.ts';
import { cut, fault, receive } from './support.ts';

const counted = vi.hoisted(() => ({ sha1: 0 }));
vi.mock('../../src/security/crypto.ts', async (original) => {
  const real = await original<typeof import('../../src/security/crypto.ts')>();
  const digest: typeof real.digest = (algorithm, octets) => {
    if (algorithm.hash === 'sha1') counted.sha1++;
    return real.digest(algorithm, octets);
  };
  return { ...real, digest };
});

const most = 16;
let valid: string;
let end: Acceptor;
beforeEach(async () => {
  const ends = anonymousEnds(await people(), false);
  valid = await request(ends);
  end = acceptor(ends.service);
  counted.sha1 = 0;
});

/** EncryptedKeys that nobody here opens, and DerivedKeyTokens of keys that are in none of them. */
function crowded(keys: number, references: number, octets = 256): string {
  const encrypted = cut(valid, 'xenc:EncryptedKey');
  const derived = cut(valid, 'wsc:DerivedKeyToken');
  const reference = cut(derived, 'wsse:SecurityTokenReference');
  const unknown = (at: number): string =>
    '<wsse:SecurityTokenReference><wsse:KeyIdentifier EncodingType="http://docs.oasis-open.org/wss/2004/01/' +
    `oasis-200401-wss-soap-message-security-1.0#Base64Binary" ValueType="${encryptedKeySha1}">` +
    `${base64(Buffer.alloc(20, at))}</wsse:KeyIdentifier></wsse:SecurityTokenReference>`;
  const more = Array.from({ length: keys }, (_, at) =>
    encrypted
      .replace(/Id="[^"]*"/, `Id="key-${at}"`)
      .replace(/(<xenc:CipherValue>)[^<]*/, `$1${base64(Buffer.alloc(octets, at))}`),
  );
  const tokens = Array.from({ length: references }, (_, at) =>
    derived.replace(/wsu:Id="[^"]*"/, `wsu:Id="token-${at}"`).replace(reference, unknown(at)),
  );
  return valid.replace(encrypted, encrypted + more.join('')).replace(derived, tokens.join('') + derived);
}

async function refused(octets: string): Promise<string | undefined> {
  const { answer, codes } = await receive(end, octets);
  expect(end.heard).toHaveLength(0);
  expect(answer).toBe(fault);
  return codes[0];
}

describe('EncryptedKeySHA1', () => {
  test('the message that is attacked makes one digest', async () => {
    await end.receive(valid);
    expect(end.heard).toHaveLength(1);
    expect(counted.sha1).toBeLessThanOrEqual(1);
  });

  test.each([1, 4, most - 2])('%i references to none of 16 keys: a digest for each key, once', async (references) => {
    expect(await refused(crowded(most - 1, references))).toBe('SECURITY_TOKEN');
    expect(counted.sha1).toBeLessThanOrEqual(most);
  });

  test('one key more, or one token more, than a header may have: no digest at all', async () => {
    expect(await refused(crowded(most, 1))).toBe('SECURITY_LIMIT');
    expect(await refused(crowded(1, most))).toBe('SECURITY_LIMIT');
    expect(counted.sha1).toBe(0);
  });

  test('a key that is larger than any key is: no digest of it', async () => {
    expect(await refused(crowded(1, 1, 1 << 20))).toBe('SECURITY_LIMIT');
    expect(counted.sha1).toBeLessThanOrEqual(1);
  });
});
