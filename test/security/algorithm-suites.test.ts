/** WS-SecurityPolicy 1.3 section 6.1: every suite is a row, weak ones ask for their weakness by name, and a row is all that is accepted. */
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasCode } from '../../src/base/errors.ts';
import {
  algorithmSuite,
  algorithmSuiteNames,
  type SuiteWeakness,
  unsafeSuiteRsa15,
  unsafeSuiteSha1,
  unsafeSuiteTripleDes,
} from '../../src/security/algorithm-suites.ts';
import { requireKeyWithin } from '../../src/security/key-ranges.ts';
import { hmacSha256, rsaSha256, unsafeHmacSha1, unsafeRsaSha1, unsafeSha1 } from '../../src/security/suites.ts';

const everything: readonly SuiteWeakness[] = [unsafeSuiteRsa15, unsafeSuiteSha1, unsafeSuiteTripleDes];
const thrown = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

/** The table of facts: name, content, wrap, transport, octets of derived keys. */
const table: readonly (readonly [string, string, string, number, number])[] = [
  ['Basic256', 'aes256-cbc', 'kw-aes256', 32, 24],
  ['Basic192', 'aes192-cbc', 'kw-aes192', 24, 24],
  ['Basic128', 'aes128-cbc', 'kw-aes128', 16, 16],
  ['TripleDes', 'tripledes-cbc', 'kw-tripledes', 24, 24],
];

describe('the sixteen suites of WS-SecurityPolicy', () => {
  test('are all there', () => {
    const names = table.flatMap(([name]) =>
      ['', 'Sha256'].flatMap((hash) => ['', 'Rsa15'].map((rsa) => name + hash + rsa)),
    );
    expect(names).toHaveLength(16);
    expect(algorithmSuiteNames).toEqual(expect.arrayContaining(names));
  });

  test.each(table)('%s', (name, content, wrap, encryptionKey, signatureKey) => {
    for (const hash of ['', 'Sha256'])
      for (const [suffix, transport] of [
        ['', 'rsa-oaep-mgf1p'],
        ['Rsa15', 'rsa-1_5'],
      ]) {
        const row = algorithmSuite(`${name}${hash}${suffix}`, { unsafe: everything });
        expect(row.content.uri).toBe(`http://www.w3.org/2001/04/xmlenc#${content}`);
        expect(row.wrap.uri).toBe(`http://www.w3.org/2001/04/xmlenc#${wrap}`);
        expect(row.transport.uri).toBe(`http://www.w3.org/2001/04/xmlenc#${transport}`);
        expect([row.encryptionKey, row.signatureKey]).toEqual([encryptionKey, signatureKey]);
        expect([...row.accepted.encryption.content.keys()]).toEqual([row.content.uri]);
        expect([...row.accepted.encryption.transports.keys()]).toEqual([row.transport.uri]);
        expect(row.accepted.digests).toEqual([row.digest]);
        expect(row.digest === unsafeSha1).toBe(hash === '');
      }
  });

  test('Sha256 is the digest only in the text, and the signatures as well in WCF', () => {
    const written = algorithmSuite('Basic256Sha256', { unsafe: [unsafeSuiteSha1], reading: 'as-written' });
    expect(written.symmetricSignature).toBe(unsafeHmacSha1);
    expect(written.accepted.signatures).toEqual(expect.arrayContaining([unsafeRsaSha1, rsaSha256]));
    const wcf = algorithmSuite('Basic256Sha256');
    expect(wcf.symmetricSignature).toBe(hmacSha256);
    expect(wcf.accepted.signatures).not.toContain(unsafeRsaSha1);
    expect(wcf.accepted.macs).toEqual([hmacSha256]);
  });
});

describe('weak rows are refused unless asked for', () => {
  const weak: readonly (readonly [string, readonly SuiteWeakness[]])[] = [
    ['Basic256', [unsafeSuiteSha1]],
    ['Basic128Rsa15', [unsafeSuiteSha1, unsafeSuiteRsa15]],
    ['TripleDesSha256', [unsafeSuiteTripleDes]],
    ['TripleDesSha256Rsa15', [unsafeSuiteTripleDes, unsafeSuiteRsa15]],
    ['TripleDesRsa15', everything],
  ];
  test.each(weak)('%s', (name, needed) => {
    expect(algorithmSuite(name, { unsafe: needed }).weaknesses).toEqual(expect.arrayContaining([...needed]));
    for (const left of needed) {
      const error = thrown(() => algorithmSuite(name, { unsafe: everything.filter((one) => one !== left) }));
      expect(hasCode(error, 'SECURITY_POLICY')).toBe(true);
      expect(String(error)).toContain(left.description);
    }
  });

  test('modern rows and the Sha256 rows of WCF need nothing', () => {
    for (const name of ['Basic256Sha256', 'Basic192Sha256', 'Basic128Sha256', 'Aes128GcmSha256', 'Aes256GcmSha512'])
      expect(algorithmSuite(name).weaknesses).toEqual([]);
    expect(
      hasCode(
        thrown(() => algorithmSuite('Basic512')),
        'SECURITY_POLICY',
      ),
    ).toBe(true);
  });

  test('a row accepts no SHA-1, RSA-1.5 or triple DES that it does not list as weakness', () => {
    for (const name of algorithmSuiteNames) {
      const row = algorithmSuite(name, { unsafe: everything });
      const { signatures, macs, digests, encryption } = row.accepted;
      const hashes = [...signatures, ...macs, ...digests].map((one) => one.hash);
      expect(hashes.includes('sha1'), name).toBe(row.weaknesses.includes(unsafeSuiteSha1));
      const pkcs1 = [...encryption.transports.values()].some((one) => one.padding === 'pkcs1');
      expect(pkcs1, name).toBe(row.weaknesses.includes(unsafeSuiteRsa15));
      const des = [...encryption.content.values()].some((one) => one.name === 'des-ede3-cbc');
      expect(des, name).toBe(row.weaknesses.includes(unsafeSuiteTripleDes));
    }
  });
});

test('keys outside the lengths of a suite are refused', () => {
  const row = algorithmSuite('Basic256Sha256');
  requireKeyWithin(row.keys, createSecretKey(new Uint8Array(32)));
  requireKeyWithin(row.keys, generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
  requireKeyWithin(row.keys, generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
  for (const key of [
    createSecretKey(new Uint8Array(16)),
    createSecretKey(new Uint8Array(64)),
    generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
  ])
    expect(
      hasCode(
        thrown(() => requireKeyWithin(row.keys, key)),
        'SECURITY_KEY',
      ),
    ).toBe(true);
});
