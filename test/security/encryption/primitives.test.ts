/** The operations under XML Encryption against the vectors of Wycheproof (test/vectors/primitives.ts) and of their RFCs. */
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { deriveKey, sharedSecret } from '../../../src/security/encryption/agreement.ts';
import { ecdhEs, hmacSha256, unsafeKwTripleDes, x25519 } from '../../../src/security/encryption/algorithms.ts';
import { joinBitStrings } from '../../../src/security/encryption/derivations.ts';
import { unwrapKey, wrapKey } from '../../../src/security/encryption/wraps.ts';
import { vectorCases } from '../../vectors/manifest.ts';
import { judgeDerivations, judgePrimitive } from '../../vectors/primitives.ts';

const files = vectorCases('crypto');

describe.skipIf(files.length === 0)('Wycheproof (skipped where ../shared/vectors is missing)', () => {
  test.each(files)('$id', async (one) => {
    const { outcome, reason } = await judgePrimitive(one);
    expect(outcome, reason).toMatch(/^(pass|refused)$/);
  });

  test.each(vectorCases('crypto-kdf'))('$id', async (one) => {
    expect(await judgeDerivations(one)).toMatchObject({ outcome: 'pass' });
  });
});

describe('key wrap (section 5.7)', () => {
  test('triple DES: what is wrapped is unwrapped, and one bit changed is not', () => {
    const by = createSecretKey(Buffer.alloc(24, 'three keys of eight'));
    const key = Buffer.alloc(24, 7);
    const wrapped = wrapKey(unsafeKwTripleDes, by, key, seededRandom(3));
    expect(wrapped).toHaveLength(40);
    expect(unwrapKey(unsafeKwTripleDes, by, wrapped, 24)).toEqual(key);
    for (let at = 0; at < wrapped.length; at++) {
      const changed = wrapped.map((octet, index) => (index === at ? octet ^ 1 : octet));
      expect(unwrapKey(unsafeKwTripleDes, by, changed, 24)).toBeUndefined();
    }
  });
});

describe('key agreement (section 5.6; attack K8)', () => {
  test('two keys on two curves agree on nothing', () => {
    const one = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    expect(() => sharedSecret(ecdhEs, one, publicKey)).toThrow(/on two curves/);
    expect(() => sharedSecret(x25519, privateKey, publicKey)).toThrow(/on no curve/);
  });
});

describe('derivation (section 5.4.1)', () => {
  test('HKDF is that of RFC 5869, appendix A.1', () => {
    const key = deriveKey(
      {
        method: 'hkdf',
        hash: hmacSha256,
        salt: Buffer.from('000102030405060708090a0b0c', 'hex'),
        info: Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex'),
      },
      Buffer.alloc(22, 0x0b),
      42,
    );
    expect(Buffer.from(key).toString('hex')).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  test('bit strings are joined without their padding', () => {
    expect(Buffer.from(joinBitStrings(['00123456', '', '00ab'])).toString('hex')).toBe('123456ab');
    // 11011 and 101: five bits and three.
    expect(Buffer.from(joinBitStrings(['03d8', '05a0'])).toString('hex')).toBe('dd');
    expect(Buffer.from(joinBitStrings(['0000', '00'])).toString('hex')).toBe('00');
    for (const wrong of [['03d8'], ['0'], ['08ff'], ['zz'], ['03']]) {
      expect(() => joinBitStrings(wrong)).toThrow(expect.objectContaining({ code: 'SECURITY_MALFORMED' }));
    }
    expect(() => joinBitStrings([`00${'aa'.repeat(513)}`])).toThrow(
      expect.objectContaining({ code: 'SECURITY_LIMIT' }),
    );
  });
});
