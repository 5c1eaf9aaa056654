/** Every xmlenc vector of the shared manifests: the plaintext, the one failure, or a refusal with the rule that makes it one. */
import { afterAll, describe, expect, test } from 'vitest';
import { Decryption } from '../../../src/security/encryption/decrypt.ts';
import { scan } from '../../../src/xml/scan.ts';
import { everyElement, judgeEncryption, profileOf } from '../../vectors/encryption.ts';
import { vectorCases } from '../../vectors/manifest.ts';
import { openssl, read, there, vectors } from './vectors.ts';

const counts = new Map<string, number>();

describe.skipIf(!there || !openssl)('encryption vectors', () => {
  test.each(vectorCases('xmlenc'))('$folder: $id', async (one) => {
    const { outcome, reason } = await judgeEncryption(one);
    expect(outcome, reason).not.toBe('wrong');
    counts.set(`${outcome}: ${reason}`, (counts.get(`${outcome}: ${reason}`) ?? 0) + 1);
  });

  test('there were vectors of every kind', () => {
    expect(counts.get('pass: decrypted')).toBe(189);
    expect(counts.get('pass: fails as everything fails')).toBe(89);
  });

  afterAll(() => {
    const lines = [...counts].map(([what, number]) => `  ${number} ${what}`);
    console.info(`encryption vectors:\n${lines.toSorted().join('\n')}`);
  });
});

describe.skipIf(!there)('key agreement, step by step', () => {
  for (const one of vectors('santuario', 'xmlenc').filter(({ intermediate }) => intermediate !== undefined)) {
    test(`${one.id} leads to the key that was measured`, async () => {
      const { root } = scan(read(one));
      const [encryptedKey] = everyElement(root, 'EncryptedKey');
      const cek = one.intermediate?.cekHex ?? '';
      if (encryptedKey === undefined) throw new Error('There is no EncryptedKey.');
      const key = await new Decryption(profileOf(one)).key(encryptedKey, cek.length / 2);
      expect(key.export().toString('hex')).toBe(cek);
    });
  }
});
