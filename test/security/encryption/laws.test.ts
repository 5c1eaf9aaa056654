/** Laws of encryption: what is encrypted is decrypted, where it stood, with every algorithm; and keys are never printed. */
import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromUtf8, utf8 } from '../../../src/base/bytes.ts';
import { SurewireError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import {
  aes128Cbc,
  aes128Gcm,
  aes256Gcm,
  type ContentCipher,
  concatKdf,
  ecdhEs,
  hkdf,
  hmacSha256,
  hmacSha384,
  hmacSha512,
  kwAes128,
  kwAes192,
  kwAes256,
  mgf1Sha1,
  mgf1Sha256,
  mgf1Sha384,
  mgf1Sha512,
  oaepSha1,
  rsaOaep,
  rsaOaepMgf1p,
  unsafeKwTripleDes,
  unsafeRsa15,
  x448,
  x25519,
} from '../../../src/security/encryption/algorithms.ts';
import { type DecryptedPart, Decryption, type DecryptionProfile } from '../../../src/security/encryption/decrypt.ts';
import { decrypter } from '../../../src/security/encryption/decrypter.ts';
import {
  contentKey,
  encryptContent,
  encryptElement,
  encryptHeader,
  encryptOctets,
} from '../../../src/security/encryption/encrypt.ts';
import { encryptKey, type Recipient } from '../../../src/security/encryption/encrypted-key.ts';
import type { KeyHandle } from '../../../src/security/encryption/keyring.ts';
import { ds, wsse11, xenc } from '../../../src/security/names.ts';
import { sha256, sha384, sha512 } from '../../../src/security/suites.ts';
import { canonicalize } from '../../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../../src/xml/document.ts';
import { XmlFragment } from '../../../src/xml/fragment.ts';
import { exclusive } from '../../../src/xml/methods.ts';
import { scan } from '../../../src/xml/scan.ts';
import { XmlWriter } from '../../../src/xml/write.ts';
import { everything } from './rows.ts';
import { nameIn } from './vectors.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pairs = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  X25519: generateKeyPairSync('x25519'),
  X448: generateKeyPairSync('x448'),
};
const ciphers = [...everything.content.values()];

function profile(handles: Readonly<Record<string, KeyObject>>): DecryptionProfile {
  const known = new Map(Object.entries(handles));
  return {
    accepted: everything,
    keys: {
      resolve(keyInfo): KeyHandle | undefined {
        const key = known.get(nameIn(keyInfo) ?? '');
        if (key === undefined) return undefined;
        return key.type === 'secret' ? { kind: 'secret', key } : { kind: 'decrypter', decrypter: decrypter(key) };
      },
    },
  };
}

function named(name: string): XmlFragment {
  return new XmlWriter().element(ds, 'KeyName', name, 'ds').finish();
}

const recipients: readonly (readonly [name: string, recipient: Recipient, key: KeyObject])[] = [
  ...[unsafeRsa15, rsaOaepMgf1p].map(
    (row) => [row.uri, { kind: 'transport', row, publicKey: rsa.publicKey }, rsa.privateKey] as const,
  ),
  ...[oaepSha1, sha256, sha384, sha512].flatMap((digest) =>
    [mgf1Sha1, mgf1Sha256, mgf1Sha384, mgf1Sha512].map((mask): readonly [string, Recipient, KeyObject] => {
      const recipient: Recipient = { kind: 'transport', row: rsaOaep, publicKey: rsa.publicKey, digest, mask };
      return [`rsa-oaep ${digest.hash} ${mask.hash}`, { ...recipient, label: utf8('a label') }, rsa.privateKey];
    }),
  ),
  [
    'rsa-oaep-mgf1p sha256',
    { kind: 'transport', row: rsaOaepMgf1p, publicKey: rsa.publicKey, digest: sha256 },
    rsa.privateKey,
  ],
  ...[kwAes128, kwAes192, kwAes256, unsafeKwTripleDes].map((row): readonly [string, Recipient, KeyObject] => {
    const key = createSecretKey(seededRandom(row.keyLength).bytes(row.keyLength));
    return [row.uri, { kind: 'wrap', row, key }, key];
  }),
  ...Object.entries(pairs).flatMap(([name, pair]) =>
    [
      { row: concatKdf, hash: sha256 },
      { row: hkdf, hash: name === 'P-384' ? hmacSha384 : name === 'P-521' ? hmacSha512 : hmacSha256 },
    ].map((derivation): readonly [string, Recipient, KeyObject] => {
      const row = name === 'X448' ? x448 : name === 'X25519' ? x25519 : ecdhEs;
      const recipient: Recipient = { kind: 'agreement', row, derivation, wrap: kwAes256, publicKey: pair.publicKey };
      return [`${name} ${derivation.row.method}`, recipient, pair.privateKey];
    }),
  ),
];

describe('round trips', () => {
  test.each(recipients)('a key travels by %s, and content under each cipher with it', async (_, recipient, own) => {
    for (const cipher of ciphers) {
      const key = contentKey(cipher);
      const encryptedKey = encryptKey(key, { ...recipient, keyInfo: named('bob') }, { id: 'k', references: ['d'] });
      const data = encryptOctets(utf8('attack at dawn'), { cipher, key, id: 'd', keyInfo: [encryptedKey] });
      const element = scan(data.bytes).root;
      expect(fromUtf8(await new Decryption(profile({ bob: own })).octets({ element }))).toBe('attack at dawn');
      expect(canonicalize(element, exclusive)).toEqual(data.bytes);
    }
  });

  test('several recipients: each opens the EncryptedKey that is for it, however the others are encrypted', async () => {
    const key = contentKey(aes256Gcm);
    const all = recipients.map(([name, recipient]) => encryptKey(key, { ...recipient, keyInfo: named(name) }));
    const data = encryptOctets(utf8('for all'), { cipher: aes256Gcm, key, keyInfo: all });
    for (const [name, , own] of recipients) {
      const element = scan(data.bytes).root;
      expect(fromUtf8(await new Decryption(profile({ [name]: own })).octets({ element }))).toBe('for all');
    }
  });

  test('octets of any length under any cipher', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 100 }),
        fc.constantFrom(...ciphers),
        fc.nat(),
        async (octets, cipher, seed) => {
          const random = seededRandom(seed);
          const key = contentKey(cipher, random);
          const data = encryptOctets(octets, { cipher, key, random, keyInfo: [named('k')] });
          const found = await new Decryption(profile({ k: key })).octets({ element: scan(data.bytes).root });
          expect(Buffer.from(found)).toEqual(Buffer.from(octets));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a text stands for its UTF-8 under any cipher', async () => {
    for (const cipher of ciphers) {
      const random = seededRandom(7);
      const key = contentKey(cipher, random);
      const data = encryptOctets('a\u20ac\u{1f600}é'.repeat(9), { cipher, key, random, keyInfo: [named('k')] });
      const found = await new Decryption(profile({ k: key })).octets({ element: scan(data.bytes).root });
      expect(Buffer.from(found).toString('utf8')).toBe('a\u20ac\u{1f600}é'.repeat(9));
    }
  });

  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  const text = fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .filter((one) => /^[\t\n\x20-\ud7ff\u{10000}-\u{10ffff}]*$/u.test(one));
  const uri = fc.constantFrom('', 'urn:a', 'urn:b', 'urn:c');
  interface Tree {
    readonly uri: string;
    readonly local: string;
    readonly prefix: string;
    readonly attribute: string;
    readonly parts: readonly (Tree | string)[];
  }
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.record({
      uri,
      local: word,
      prefix: fc.constantFrom('p', 'q', 'xenc', 'ds'),
      attribute: text,
      parts: fc.array(fc.oneof({ maxDepth: 3 }, text, tie('tree')), { maxLength: 3 }),
    }),
  }));
  function write(writer: XmlWriter, of: Tree): XmlWriter {
    writer.start(of.uri, of.local, of.uri === '' ? '' : of.prefix).attribute('', 'a', of.attribute);
    for (const part of of.parts) {
      if (typeof part === 'string') writer.text(part);
      else write(writer, part);
    }
    return writer.end();
  }

  test('elements, contents and headers come back where they stood, all in one pass', async () => {
    const key = contentKey(aes128Gcm);
    const options = { cipher: aes128Gcm, key, keyInfo: [named('k')] };
    await fc.assert(
      fc.asyncProperty(fc.array(tree, { minLength: 1, maxLength: 4 }), fc.nat(), async (trees, choices) => {
        const plain = new XmlWriter().start('urn:root', 'root', 'r');
        const secret = new XmlWriter().start('urn:root', 'root', 'r');
        for (const [index, one] of trees.entries()) {
          const fragment = write(new XmlWriter(), one).finish();
          plain.text(`<${index}>`).fragment(fragment);
          secret
            .text(`<${index}>`)
            .fragment(
              [
                () => encryptElement(fragment, options),
                () => encryptContent(fragment, options),
                () => encryptHeader(fragment, 'urn:soap', `h${index}`, options),
              ][(choices >> (2 * index)) % 3]?.() ?? fragment,
            );
        }
        const document = scan(secret.end().finish().bytes);
        const parts = everyPart(document.root);
        const decrypted = await new Decryption(profile({ k: key })).decrypt(
          document,
          parts.map((element) => ({ element })),
        );
        expect(fromUtf8(canonicalize(decrypted.document, exclusive))).toBe(fromUtf8(plain.end().finish().bytes));
        expect(parts).toHaveLength(trees.length);
        for (const [index, { place, type }] of decrypted.parts.entries() satisfies Iterable<[number, DecryptedPart]>) {
          expect(place).toBe(decrypted.document.root.children[index]);
          if (type === 'element') expect(place?.local).toBe(trees[index]?.local);
        }
        expect(decrypted.locate(document.root)).toBe(decrypted.document.root);
      }),
      { numRuns: 150 },
    );
  });

  function everyPart(element: XmlElement): readonly XmlElement[] {
    if (element.is(wsse11, 'EncryptedHeader') || element.is(xenc, 'EncryptedData')) return [element];
    return element.children.flatMap(everyPart);
  }

  test('one octet changed anywhere: the same plaintext, or one of our errors', async () => {
    const key = contentKey(aes256Gcm);
    const wrapping = createSecretKey(seededRandom(4).bytes(32));
    const recipient: Recipient = { kind: 'wrap', row: kwAes256, key: wrapping, keyInfo: named('k') };
    const options = { cipher: aes256Gcm, key, keyInfo: [encryptKey(key, recipient)] };
    const octets = encryptContent(XmlFragment.parse('<b><c>attack at dawn</c></b>'), options).bytes.subarray(3, -4);
    const bound = concatOf('<b>', octets, '</b>');
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: octets.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = bound.map((octet, index) => (index === at + 3 ? octet ^ change : octet));
        try {
          const document = scan(changed);
          const found = everyPart(document.root).map((element) => ({ element }));
          if (found.length === 0) return;
          const opened = await new Decryption(profile({ k: wrapping })).decrypt(document, found);
          expect(fromUtf8(opened.document.bytes)).toBe('<b><c>attack at dawn</c></b>');
        } catch (thrown) {
          if (!(thrown instanceof SurewireError)) throw thrown;
        }
      }),
      { numRuns: 500 },
    );
  });

  function concatOf(...texts: readonly (string | Uint8Array)[]): Uint8Array {
    return concat(texts.map((one) => (typeof one === 'string' ? utf8(one) : one)));
  }

  test('an empty content, and one that is text only', async () => {
    for (const cipher of [aes128Cbc, aes128Gcm] satisfies ContentCipher[]) {
      const key = contentKey(cipher);
      for (const content of ['', 'text &amp; more']) {
        const body = XmlFragment.parse(`<b xmlns="urn:b" q="a>b">${content}</b>`);
        const sealed = encryptContent(body, { cipher, key, keyInfo: [named('k')] });
        const document = scan(sealed.bytes);
        const [element] = document.root.children;
        if (element === undefined) throw new Error('Nothing is encrypted.');
        const { document: found } = await new Decryption(profile({ k: key })).decrypt(document, [{ element }]);
        expect(fromUtf8(canonicalize(found, exclusive))).toBe(body.toString());
      }
    }
  });

  test('a document in UTF-16 with a declaration that says so', async () => {
    const key = contentKey(aes128Gcm);
    const part = encryptElement(XmlFragment.parse('<é>ü</é>'), { cipher: aes128Gcm, key, keyInfo: [named('k')] });
    const text = `\ufeff<?xml version="1.0" encoding="UTF-16"?><r>${part.toString()}</r>`;
    const document = scan(Buffer.from(text, 'utf16le'));
    const [element] = document.root.children;
    if (element === undefined) throw new Error('Nothing is encrypted.');
    const { document: found } = await new Decryption(profile({ k: key })).decrypt(document, [{ element }]);
    expect(fromUtf8(found.bytes)).toBe('<r><é>ü</é></r>');
  });
});

describe('keys elsewhere', () => {
  test('a decrypter may answer later, from another place', async () => {
    const key = contentKey(aes256Gcm);
    const local = decrypter(rsa.privateKey);
    const asked: string[] = [];
    const remote: KeyHandle = {
      kind: 'decrypter',
      decrypter: {
        unwrap: (operation) =>
          new Promise((resolve) => {
            asked.push(operation.kind);
            setImmediate(() => resolve(local.unwrap(operation)));
          }),
      },
    };
    const encryptedKey = encryptKey(key, { kind: 'transport', row: rsaOaep, publicKey: rsa.publicKey });
    const data = encryptOctets(utf8('far'), { cipher: aes256Gcm, key, keyInfo: [encryptedKey] });
    const keys = { resolve: () => remote };
    const found = await new Decryption({ accepted: everything, keys }).octets({ element: scan(data.bytes).root });
    expect(fromUtf8(found)).toBe('far');
    expect(asked).toEqual(['transport']);
  });

  test('nothing prints a key', () => {
    const secret = createSecretKey(Buffer.from('0123456789abcdef'));
    for (const one of [decrypter(rsa.privateKey), decrypter(pairs.X25519.privateKey), decrypter(secret)]) {
      const printed = `${inspect(one, { depth: 9, showHidden: true })}${JSON.stringify(one)}${JSON.stringify({ one })}`;
      expect(printed).toMatch(/^Decrypter \{ (rsa|x25519|secret) \}/);
      expect(printed).not.toMatch(/0123456789|MDEyMz|30 31 32 33|rejection/);
    }
    expect(inspect(contentKey(aes256Gcm), { showHidden: true })).not.toMatch(/[0-9a-f]{2} [0-9a-f]{2}/);
    expect(() => decrypter(createPublicKey(rsa.publicKey.export({ format: 'pem', type: 'spki' })))).toThrow(
      expect.objectContaining({ code: 'SECURITY_KEY' }),
    );
  });

  test('a key that does not fit is refused when encrypting', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    const key = contentKey(aes128Gcm);
    const wrong: readonly (() => unknown)[] = [
      () => encryptOctets(utf8(''), { cipher: aes256Gcm, key }),
      () => encryptKey(key, { kind: 'transport', row: rsaOaep, publicKey: weak }),
      () => encryptKey(key, { kind: 'transport', row: rsaOaep, publicKey: pairs['P-256'].publicKey }),
      () => encryptKey(key, { kind: 'wrap', row: kwAes256, key }),
      () => encryptKey(createSecretKey(Buffer.alloc(8)), { kind: 'wrap', row: kwAes128, key }),
      () =>
        encryptKey(key, {
          kind: 'agreement',
          row: ecdhEs,
          derivation: { row: hkdf, hash: hmacSha256 },
          wrap: kwAes128,
          publicKey: pairs.X25519.publicKey,
        }),
      () => decrypter(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
    ];
    for (const one of wrong) expect(one).toThrow(expect.objectContaining({ code: 'SECURITY_KEY' }));
    const recipient: Recipient = { kind: 'transport', row: rsaOaepMgf1p, publicKey: rsa.publicKey, mask: mgf1Sha256 };
    expect(() => encryptKey(key, recipient)).toThrow(expect.objectContaining({ code: 'SECURITY_ALGORITHM' }));
  });
});
