/** Keys of passwords (UsernameToken Profile 1.1 section 4): what WSS4J derives, and attacks E14, K2, K17, K18. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { base64, fromBase64 } from '../../src/base/bytes.ts';
import { hasCode } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { signOctets, verifyOctets } from '../../src/security/crypto.ts';
import { hmacSha256, rsaSha256, unsafeHmacSha1 } from '../../src/security/suites.ts';
import { readUsernameToken } from '../../src/security/tokens/username.ts';
import {
  derivedUsernameKey,
  isDerivingToken,
  readDerivingToken,
  usernameKey,
  writeDerivingToken,
} from '../../src/security/tokens/username-key.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';

const vectors = join(import.meta.dirname, '../../../shared/vectors/crypto-primitives/wss-kdf.json');
const there = existsSync(vectors);
if (!there) console.info(`the key derivation of WSS4J is not checked: ${vectors} is absent`);

const source = { password: (user: string) => (user === 'alice' ? 'correct horse' : undefined) };
const credentials = { user: 'alice', password: 'correct horse' };
const written = (purpose: 'mac' | 'encryption' = 'mac') =>
  writeDerivingToken('u', credentials, purpose, seededRandom(3));
const read = (xml: string | Uint8Array) => readDerivingToken(XmlFragment.parse(xml).element);
const refused = (code: string, work: () => unknown): void => {
  let error: unknown;
  try {
    work();
  } catch (thrown) {
    error = thrown;
  }
  expect(hasCode(error, code), String(error)).toBe(true);
};

test.skipIf(!there)('the key that WSS4J derives', () => {
  const { usernameTokenDerivedKey } = JSON.parse(readFileSync(vectors, 'utf8')) as {
    usernameTokenDerivedKey: readonly { saltB64: string; iterations: number; derivedB64: string }[];
  };
  const password = createHash('sha1').update('password').digest();
  expect(usernameTokenDerivedKey.length).toBeGreaterThan(0);
  for (const one of usernameTokenDerivedKey) {
    expect(base64(usernameKey(password, fromBase64(one.saltB64) ?? new Uint8Array(), one.iterations))).toBe(
      one.derivedB64,
    );
  }
});

describe('a token with a key', () => {
  test('gives both ends the same key, for a MAC and for encryption', async () => {
    for (const purpose of ['mac', 'encryption'] as const) {
      const { token, key } = written(purpose);
      expect(isDerivingToken(token.element)).toBe(true);
      const found = await derivedUsernameKey(read(token.bytes), source, purpose);
      expect(found.equals(key)).toBe(true);
      expect(found.symmetricKeySize).toBe(purpose === 'mac' ? 20 : 16);
    }
  });
  test('K18 an unknown user gets a key that nobody has, and no error', async () => {
    const { token, key } = writeDerivingToken('u', { user: 'mallory', password: '' }, 'mac', seededRandom(3));
    const found = await derivedUsernameKey(read(token.bytes), source, 'mac');
    const octets = new Uint8Array(8);
    expect(verifyOctets(hmacSha256, found, octets, signOctets(hmacSha256, key, octets))).toBe(false);
    expect(found.equals(await derivedUsernameKey(read(token.bytes), source, 'mac'))).toBe(false);
  });
  test('a key for one purpose is not taken for the other', async () => {
    const { token } = written('mac');
    await expect(derivedUsernameKey(read(token.bytes), source, 'encryption')).rejects.toMatchObject({
      code: 'SECURITY_MALFORMED',
    });
  });
  test('passwords that are only checked derive nothing', async () => {
    const { token } = written();
    await expect(derivedUsernameKey(read(token.bytes), { check: () => true }, 'mac')).rejects.toMatchObject({
      code: 'SECURITY_POLICY',
    });
  });
});

describe('attacks', () => {
  const text = () => written().token.toString();
  test.each(['2147483648', '9999999999', '20001', '999', '0', '1'])(
    'E14 %s rounds are refused before the first',
    (rounds) => {
      refused('SECURITY_LIMIT', () => read(text().replace('>1000<', `>${rounds}<`)));
    },
  );
  test.each(['-1', '1e9', '0x7fff', '', '1000.0', '99999999999'])('E14 "%s" is no number of rounds', (rounds) => {
    refused('SECURITY_MALFORMED', () => read(text().replace('>1000<', `>${rounds}<`)));
  });
  test('K17 such a token has no password, and is none of those that have', () => {
    const withPassword = text().replace(
      '</wsse:UsernameToken>',
      '<wsse:Password>x</wsse:Password></wsse:UsernameToken>',
    );
    refused('SECURITY_MALFORMED', () => read(withPassword));
    refused('SECURITY_MALFORMED', () => readUsernameToken(XmlFragment.parse(withPassword).element));
  });
  test('a short salt, two salts, none', () => {
    const salt = /<wsse11:Salt[^>]*>[^<]*<\/wsse11:Salt>/.exec(text())?.[0] ?? '';
    refused('SECURITY_MALFORMED', () => read(text().replace(/(<wsse11:Salt[^>]*>)[^<]*/, '$1AQ==')));
    refused('SECURITY_MALFORMED', () => read(text().replace(salt, salt + salt)));
    refused('SECURITY_MALFORMED', () => read(text().replace(salt, '')));
  });
  test('K2 the derived key is a secret, and signs nothing but a MAC', () => {
    const { key } = written();
    expect(signOctets(unsafeHmacSha1, key, new Uint8Array(1))).toHaveLength(20);
    refused('SECURITY_KEY', () => signOctets(rsaSha256, key, new Uint8Array(1)));
  });
});
