/**
 * Attacks on encryption (catalogue sections 3 and 4). Operations are counted, not timed: what asks for the same operations
 * in the same order and ends in the same error tells nothing.
 */
import { createSecretKey, generateKeyPairSync, type KeyObject, publicEncrypt } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { base64, concat, utf8, view } from '../../../src/base/bytes.ts';
import { SurewireError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import {
  type AcceptedEncryption,
  acceptedEncryption,
  aes128Cbc,
  aes128Gcm,
  aes256Gcm,
  type ContentCipher,
  concatKdf,
  ecdhEs,
  hkdf,
  hmacSha256,
  kwAes128,
  mgf1Sha1,
  rsaOaep,
  rsaOaepMgf1p,
  unsafeRsa15,
  x25519,
} from '../../../src/security/encryption/algorithms.ts';
import { Decryption, type DecryptionProfile, type EncryptedPart } from '../../../src/security/encryption/decrypt.ts';
import { type Decrypter, decrypter } from '../../../src/security/encryption/decrypter.ts';
import {
  contentKey,
  type EncryptionOptions,
  encryptContent,
  encryptElement,
  encryptHeader,
  encryptOctets,
} from '../../../src/security/encryption/encrypt.ts';
import { encryptKey, type Recipient } from '../../../src/security/encryption/encrypted-key.ts';
import { DecryptionError } from '../../../src/security/encryption/failure.ts';
import type { KeyHandle } from '../../../src/security/encryption/keyring.ts';
import { dsig11, xenc11 } from '../../../src/security/encryption/names.ts';
import { referencedData } from '../../../src/security/encryption/shapes.ts';
import { ds, wsse, wsse11, xenc } from '../../../src/security/names.ts';
import { sha256 } from '../../../src/security/suites.ts';
import type { XmlDocument, XmlElement } from '../../../src/xml/document.ts';
import { elementsById } from '../../../src/xml/find.ts';
import { XmlFragment } from '../../../src/xml/fragment.ts';
import { scan, type scanAdopted } from '../../../src/xml/scan.ts';
import { everything } from './rows.ts';
import { nameIn } from './vectors.ts';

const { operations } = vi.hoisted(() => ({ operations: [] as string[] }));

vi.mock('node:crypto', async (original) => {
  const real = await original<Record<string, unknown>>();
  const counted = ['privateDecrypt', 'createDecipheriv', 'hkdfSync', 'hash', 'diffieHellman', 'randomBytes'];
  const wrapped = counted.map((name) => {
    const operation = real[name] as (...args: readonly unknown[]) => unknown;
    return [
      name,
      (...args: readonly unknown[]) => {
        operations.push(typeof args[0] === 'string' ? `${name} ${args[0]}` : name);
        return operation(...args);
      },
    ];
  });
  return { ...real, ...Object.fromEntries(wrapped) };
});

vi.mock('../../../src/xml/scan.ts', async (original) => {
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

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const montgomery = generateKeyPairSync('x25519');
const shared = createSecretKey(seededRandom(1).bytes(16));
const known: ReadonlyMap<string, KeyHandle> = new Map<string, KeyHandle>([
  ['rsa', { kind: 'decrypter', decrypter: decrypter(rsa.privateKey) }],
  ['curve', { kind: 'decrypter', decrypter: decrypter(curve.privateKey) }],
  ['x25519', { kind: 'decrypter', decrypter: decrypter(montgomery.privateKey) }],
  ['shared', { kind: 'secret', key: shared }],
]);
const profile: DecryptionProfile = {
  accepted: everything,
  keys: { resolve: (keyInfo) => known.get(nameIn(keyInfo) ?? '') },
};

const named = (name: string): XmlFragment => XmlFragment.parse(`<d:KeyName xmlns:d="${ds}">${name}</d:KeyName>`);
const text = XmlFragment.parse('<b>attack at dawn</b>');

function everyElement(element: XmlElement, local: string): readonly XmlElement[] {
  const inside = element.children.flatMap((one) => everyElement(one, local));
  return element.local === local ? [element, ...inside] : inside;
}

function parts(document: XmlDocument): readonly EncryptedPart[] {
  return everyElement(document.root, 'EncryptedData').map((element) => ({ element }));
}

interface Failure {
  readonly error: DecryptionError;
  /** All that anybody may learn of the error, cause included. */
  readonly seen: string;
  readonly operations: readonly string[];
}

/** How the decryption of a document fails. */
async function failure(octets: Uint8Array, with_: DecryptionProfile = profile): Promise<Failure> {
  const document = scan(octets);
  operations.length = 0;
  const error = await new Decryption(with_).decrypt(document, parts(document)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DecryptionError)) throw new Error(`No failure, but ${error}`);
  const { cause } = error;
  const told = (one: unknown) =>
    one instanceof SurewireError ? [one.name, one.code, one.message, one.transient] : one;
  return { error, seen: JSON.stringify([told(error), told(cause), Object.keys(error)]), operations: [...operations] };
}

const code = ({ error }: Failure): unknown => (error.cause as SurewireError).code;

/** A document of one encrypted content with an EncryptedKey around these octets. */
function withKey(
  row: { readonly uri: string },
  wrapped: Uint8Array,
  name: string,
  data: Uint8Array,
  cipher: ContentCipher,
): Uint8Array {
  return utf8(
    `<b><x:EncryptedData xmlns:x="${xenc}" xmlns:d="${ds}" Type="${xenc}Content"><x:EncryptionMethod Algorithm="${cipher.uri}"/>` +
      `<d:KeyInfo><x:EncryptedKey><x:EncryptionMethod Algorithm="${row.uri}"/><d:KeyInfo><d:KeyName>${name}</d:KeyName></d:KeyInfo>` +
      `<x:CipherData><x:CipherValue>${base64(wrapped)}</x:CipherValue></x:CipherData></x:EncryptedKey></d:KeyInfo>` +
      `<x:CipherData><x:CipherValue>${base64(data)}</x:CipherValue></x:CipherData></x:EncryptedData></b>`,
  );
}

/** What stands in the CipherValue of a fragment. */
function cipherOctets(fragment: XmlFragment): Uint8Array {
  const [value] = everyElement(fragment.element, 'CipherValue').slice(-1);
  return Buffer.from(value?.text ?? '', 'base64');
}

beforeEach(() => {
  operations.length = 0;
});

describe('E1 Bleichenbacher, E3 Manger: nothing tells a right padding from a wrong one', () => {
  const raw = (block: Uint8Array) =>
    new Uint8Array(publicEncrypt({ key: rsa.publicKey, padding: 3 /* none */ }, view(block)));
  /** 0 ‖ 2 ‖ fill ‖ 0 ‖ key, with changes. */
  const block = (key: Uint8Array, change: (block: Buffer) => void = () => undefined): Uint8Array => {
    const octets = Buffer.concat([Buffer.of(0, 2), Buffer.alloc(256 - 3 - key.length, 0x77), Buffer.of(0), key]);
    change(octets);
    return raw(octets);
  };

  for (const cipher of [aes128Cbc, aes128Gcm, aes256Gcm]) {
    const key = seededRandom(5).bytes(cipher.keyLength);
    const variants: ReadonlyMap<string, Uint8Array> = new Map([
      ['a right padding around another key', block(seededRandom(6).bytes(cipher.keyLength))],
      ['first octet not 0', block(key, (octets) => (octets[0] = 1))],
      ['second octet not 2', block(key, (octets) => (octets[1] = 1))],
      ['no separator', block(key, (octets) => (octets[255 - key.length] = 0x77))],
      ['a separator too early', block(key, (octets) => (octets[100] = 0))],
      ['a separator within the first eight', block(key, (octets) => (octets[5] = 0))],
      ['a key that is too short', block(key.subarray(1))],
      ['a key that is too long', block(concat([key, Uint8Array.of(1)]))],
      ['an empty key', block(new Uint8Array())],
      ['nothing at all', raw(new Uint8Array(256))],
      ['not below the modulus', new Uint8Array(256).fill(0xff)],
    ]);

    test.each([unsafeRsa15, rsaOaepMgf1p])(`$uri carrying a key for ${cipher.name}`, async (row) => {
      const data = cipherOctets(encryptOctets(utf8('x'.repeat(64)), { cipher, key: createSecretKey(key) }));
      const failures: Failure[] = [];
      for (const [, wrapped] of variants) failures.push(await failure(withKey(row, wrapped, 'rsa', data, cipher)));
      expect(new Set(failures.map(({ seen }) => seen))).toHaveLength(1);
      const paths = failures.map((one) => one.operations.join(', '));
      expect(
        [...new Set(paths)],
        [...variants.keys()].map((name, at) => `${name}: ${paths[at]}`).join('\n'),
      ).toHaveLength(1);
      expect(paths[0]).toContain('privateDecrypt');
      expect(paths[0]).toContain(`createDecipheriv ${cipher.name}`);
    });

    test(`the same path as with the right key and changed ciphertext, ${cipher.name}`, async () => {
      const data = cipherOctets(encryptOctets(utf8('x'.repeat(64)), { cipher, key: createSecretKey(key) }));
      const garbage = data.map((octet, at) => (at === cipher.vectorLength ? octet ^ 0x55 : octet));
      const wrongKey = await failure(
        withKey(
          unsafeRsa15,
          block(key, (octets) => (octets[1] = 1)),
          'rsa',
          data,
          cipher,
        ),
      );
      const wrongData = await failure(withKey(unsafeRsa15, block(key), 'rsa', garbage, cipher));
      expect(wrongData.seen).toBe(wrongKey.seen);
      expect(wrongData.operations).toEqual(wrongKey.operations);
      expect(inspect(wrongData.error, { depth: 9 })).not.toContain('xxxx');
    });
  }

  test('E3 OAEP with a wrong label or digest fails as a wrong key does', async () => {
    const key = contentKey(aes128Gcm);
    const data = (recipient: Recipient) =>
      encryptContent(text, {
        cipher: aes128Gcm,
        key,
        keyInfo: [encryptKey(key, { ...recipient, keyInfo: named('rsa') })],
      });
    const right: Recipient = { kind: 'transport', row: rsaOaep, publicKey: rsa.publicKey, label: utf8('label') };
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const changed = [
      data(right)
        .toString()
        .replace(base64(utf8('label')), base64(utf8('lebal'))),
      data({ ...right, digest: sha256 })
        .toString()
        .replace(sha256.uri, 'http://www.w3.org/2000/09/xmldsig#sha1'),
      data({ ...right, publicKey: other }).toString(),
    ];
    const failures = await Promise.all(changed.map((one) => failure(utf8(one))));
    expect(new Set(failures.map(({ seen }) => seen))).toHaveLength(1);
  });

  test('E1 a device that tells whether the padding was right tells it to nobody', async () => {
    const key = contentKey(aes128Gcm);
    const toDevice: Recipient = { kind: 'transport', row: rsaOaep, publicKey: rsa.publicKey };
    const octets = encryptContent(text, { cipher: aes128Gcm, key, keyInfo: [encryptKey(key, toDevice)] }).bytes;
    const device = (answer: Decrypter['unwrap']): DecryptionProfile => ({
      accepted: everything,
      keys: { resolve: () => ({ kind: 'decrypter', decrypter: { unwrap: answer } }) },
    });
    const failures = [
      await failure(
        octets,
        device(() => Promise.reject(new Error('CKR_ENCRYPTED_DATA_INVALID'))),
      ),
      await failure(
        octets,
        device(() => Promise.resolve(new Uint8Array(16))),
      ),
      await failure(
        octets,
        device(() => new Uint8Array(15)),
      ),
      await failure(
        octets,
        device(() => {
          throw new SurewireError('DEVICE', 'wrong padding');
        }),
      ),
    ];
    expect(new Set(failures.map(({ seen }) => seen))).toHaveLength(1);
    const data = encryptOctets(utf8('text'), { cipher: aes128Cbc, key, keyInfo: [encryptKey(key, toDevice)] });
    for (let count = 0; count < 128; count++) {
      // One key in sixteen gives a padding that is right by chance.
      const chance = new Decryption(device(() => Promise.reject(new Error('CKR_ENCRYPTED_DATA_INVALID'))));
      await expect(chance.octets({ element: scan(data.bytes).root })).rejects.toThrow(DecryptionError);
    }
    const outage = new SurewireError('DEVICE', 'out of reach', { transient: true });
    const { error } = await failure(
      octets,
      device(() => Promise.reject(outage)),
    );
    expect(error).toMatchObject({ code: 'SECURITY_DECRYPTION', message: failures[0]?.error.message, transient: true });
  });
});

describe('E2 CBC: every bit of IV and ciphertext', () => {
  const key = shared;
  const sealed = encryptContent(text, { cipher: aes128Cbc, key, keyInfo: [named('shared')], random: seededRandom(9) });
  const octets = cipherOctets(sealed);

  test('fails as all the others, with the same operations, or changes a text that no signature covers', async () => {
    const seen = new Set<string>();
    const paths = new Set<string>();
    let failed = 0;
    for (let bit = 0; bit < octets.length * 8; bit++) {
      const changed = octets.map((octet, at) => (at === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet));
      const message = utf8(sealed.toString().replace(base64(octets), base64(changed)));
      const found = await failure(message).catch(() => undefined);
      if (found === undefined) continue;
      failed++;
      seen.add(found.seen);
      paths.add(found.operations.join(', '));
    }
    expect(failed).toBeGreaterThan(100);
    expect(seen).toHaveLength(1);
    expect([...paths]).toEqual(['createDecipheriv aes-128-cbc, scan']);
  });

  test('with signatures in between, a wrong padding is judged after them', async () => {
    const changed = octets.map((octet, at) => (at === octets.length - 17 ? octet ^ 0x80 : octet));
    const document = scan(utf8(sealed.toString().replace(base64(octets), base64(changed))));
    const attempt = await new Decryption(profile).attempt(document, parts(document));
    expect(attempt.document.root.local).toBe('b');
    expect(() => attempt.conclude()).toThrow(DecryptionError);
  });

  test('E2 what the padding is made of does not matter, only how long it is (section 5.2.1)', async () => {
    const short = encryptContent(XmlFragment.parse('<b>1234567890</b>'), {
      cipher: aes128Cbc,
      key,
      keyInfo: [named('shared')],
    });
    const whole = cipherOctets(short);
    // One block of ten octets and six of padding; through the IV, one of the padding that is not the last.
    const arbitrary = whole.map((octet, at) => (at === 12 ? octet ^ 0x3c : octet));
    const document = scan(utf8(short.toString().replace(base64(whole), base64(arbitrary))));
    const decrypted = await new Decryption(profile).decrypt(document, parts(document));
    expect(decrypted.document.root.text).toBe('1234567890');
  });

  test.each([0, 1, 15, 16, 17, 31])('ciphertext of %i octets', async (length) => {
    const message = sealed.toString().replace(base64(octets), base64(octets.subarray(0, length)));
    const found = await failure(utf8(message));
    expect(code(found)).toBe(length === 0 ? 'SECURITY_MALFORMED' : 'SECURITY_KEY');
  });
});

describe('E4 GCM: no short tags, nothing of a plaintext that is not authentic', () => {
  test('E4 a tag that is cut off, and a ciphertext that is too short', async () => {
    const sealed = encryptContent(text, { cipher: aes128Gcm, key: shared, keyInfo: [named('shared')] });
    const octets = cipherOctets(sealed);
    for (const length of [1, 12, 27, octets.length - 1, octets.length - 4, octets.length - 12]) {
      const found = await failure(utf8(sealed.toString().replace(base64(octets), base64(octets.subarray(0, length)))));
      expect(code(found)).toBe('SECURITY_KEY');
      expect(inspect(found.error, { depth: 9 })).not.toContain('dawn');
    }
  });
});

describe('E5 AES key wrap of other sizes, K8 points that are not on the curve', () => {
  test.each([8, 16, 20, 23, 32, 40])('a wrapped key of %i octets for one of 16', async (length) => {
    const found = await failure(
      withKey(kwAes128, new Uint8Array(length).fill(7), 'shared', new Uint8Array(48), aes128Gcm),
    );
    expect(code(found)).toBe('SECURITY_KEY');
    expect(found.error.message).toBe(
      (await failure(withKey(kwAes128, new Uint8Array(24), 'shared', new Uint8Array(48), aes128Gcm))).error.message,
    );
  });

  const agreed = (
    row: typeof ecdhEs,
    derivation: { readonly row: typeof hkdf; readonly hash: typeof sha256 },
    pair: { readonly publicKey: KeyObject },
    name: string,
  ) => {
    const key = contentKey(aes128Gcm);
    const recipient: Recipient = {
      kind: 'agreement',
      row,
      derivation,
      wrap: kwAes128,
      publicKey: pair.publicKey,
      keyInfo: named(name),
    };
    return encryptContent(text, { cipher: aes128Gcm, key, keyInfo: [encryptKey(key, recipient)] }).toString();
  };

  test('K8 a point beside the curve, at infinity, compressed, on another curve, and one of small order', async () => {
    const message = agreed(ecdhEs, { row: concatKdf, hash: sha256 }, curve, 'curve');
    const value = /(<dsig11:PublicKey>)[^<]*/;
    const point = Buffer.from(value.exec(message)?.[0].split('>')[1] ?? '', 'base64');
    const beside = Buffer.from(point);
    beside[64] = (beside[64] ?? 0) ^ 1;
    for (const wrong of [
      beside,
      Buffer.of(0),
      Buffer.concat([Buffer.of(2), point.subarray(1, 33)]),
      Buffer.alloc(65, 4),
    ]) {
      expect(code(await failure(utf8(message.replace(value, `$1${base64(wrong)}`))))).toBe('SECURITY_KEY');
    }
    const other = message.replace('urn:oid:1.2.840.10045.3.1.7', 'urn:oid:1.3.132.0.34');
    expect(code(await failure(utf8(other)))).toBe('SECURITY_KEY');
    const montgomeryMessage = agreed(x25519, { row: hkdf, hash: hmacSha256 }, montgomery, 'x25519');
    const der = /(<dsig11:DEREncodedKeyValue[^>]*>)([^<]*)/.exec(montgomeryMessage)?.[2] ?? '';
    const small = Buffer.from(der, 'base64').fill(0, 12);
    const found = await failure(utf8(montgomeryMessage.replace(der, base64(small))));
    expect(code(found)).toBe('SECURITY_KEY');
    expect(found.operations).toContain('createDecipheriv id-aes128-wrap');
    expect(montgomeryMessage).toContain(dsig11);
  });
});

describe('E7, E8 loops, depth and numbers', () => {
  const data = (keyInfo: string, more = ''): Uint8Array =>
    utf8(
      `<b xmlns:x="${xenc}" xmlns:d="${ds}"><x:EncryptedData Type="${xenc}Content"><x:EncryptionMethod Algorithm="${aes128Gcm.uri}"/>` +
        `<d:KeyInfo>${keyInfo}</d:KeyInfo><x:CipherData><x:CipherValue>AAAA</x:CipherValue></x:CipherData></x:EncryptedData>${more}</b>`,
    );
  const key = (id: string, keyInfo: string): string =>
    `<x:EncryptedKey Id="${id}"><x:EncryptionMethod Algorithm="${kwAes128.uri}"/><d:KeyInfo>${keyInfo}</d:KeyInfo>` +
    '<x:CipherData><x:CipherValue>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA</x:CipherValue></x:CipherData></x:EncryptedKey>';
  const to = (id: string): string => `<d:RetrievalMethod Type="${xenc}EncryptedKey" URI="#${id}"/>`;
  const name = (of: string): string => `<d:KeyName>${of}</d:KeyName>`;

  test.each([
    ['an EncryptedKey that is under itself', data(to('a'), key('a', to('a')))],
    ['two that are under one another', data(to('a'), key('a', to('b')) + key('b', to('a')))],
    ['three one under another', data(key('a', key('b', key('c', name('shared')))))],
    ['more candidates than anyone needs', data(to('a').repeat(65), key('a', name('stranger')))],
    [
      'references to references that multiply',
      data(to('a').repeat(60), key('a', to('b').repeat(60)) + key('b', name('stranger'))),
    ],
  ])('%s', async (_, message) => {
    const found = await failure(message);
    expect(code(found)).toBe('SECURITY_LIMIT');
    expect(found.operations.filter((one) => one !== 'scan')).toEqual([]);
  });

  test('E7 a key for a key is as deep as it goes', async () => {
    const outer = contentKey(aes128Gcm);
    const inner = contentKey(aes128Gcm);
    const first = encryptKey(outer, { kind: 'wrap', row: kwAes128, key: shared, keyInfo: named('shared') });
    const second = encryptKey(inner, { kind: 'wrap', row: kwAes128, key: outer, keyInfo: first });
    const sealed = encryptContent(text, { cipher: aes128Gcm, key: inner, keyInfo: [second] });
    const document = scan(sealed.bytes);
    const decrypted = await new Decryption(profile).decrypt(document, parts(document));
    expect(decrypted.document.root.text).toBe('attack at dawn');
  });

  test.each([
    ['a RetrievalMethod to elsewhere', '<d:RetrievalMethod Type="T" URI="http://example.org/key"/>'],
    ['a RetrievalMethod to nothing', to('nothing')],
    ['a RetrievalMethod with a transform', to('a').replace('/>', '><d:Transforms/></d:RetrievalMethod>')],
  ])('%s', async (_, keyInfo) => {
    expect(code(await failure(data(keyInfo, key('a', name('shared')))))).toBe('SECURITY_REFERENCE');
  });

  const options: EncryptionOptions = { cipher: aes128Gcm, key: shared, keyInfo: [named('shared')] };
  const many = (count: number) => utf8(`<b>${encryptElement(text, options).toString().repeat(count)}</b>`);

  test('E8 64 parts and not 65; nine EncryptedKeys; too much ciphertext', async () => {
    const document = scan(many(64));
    await new Decryption(profile).decrypt(document, parts(document));
    const found = await failure(many(65));
    expect(code(found)).toBe('SECURITY_LIMIT');
    expect(found.operations.filter((one) => one !== 'scan')).toEqual([]);
    const one = encryptKey(shared, { kind: 'wrap', row: kwAes128, key: shared, keyInfo: named('shared') });
    const keys = encryptElement(text, { ...options, keyInfo: [one] }).toString();
    expect(code(await failure(utf8(`<b>${keys.repeat(9)}</b>`)))).toBe('SECURITY_LIMIT');
    expect(code(await failure(many(3), { ...profile, limits: { octets: 64 } }))).toBe('SECURITY_LIMIT');
  });

  test('a ReferenceList names each part once, 64 of them, and nothing that is not here', () => {
    const list = (ids: readonly string[]) =>
      `<x:ReferenceList>${ids.map((id) => `<x:DataReference URI="${id}"/>`).join('')}</x:ReferenceList>`;
    const read = (ids: readonly string[]) => {
      const targets = Array.from({ length: 70 }, (_, at) => `<t Id="t${at}"/>`).join('');
      const document = scan(utf8(`<b xmlns:x="${xenc}">${list(ids)}${targets}</b>`));
      const [element] = document.root.children;
      return element && referencedData(element, elementsById(document), 64);
    };
    const all = Array.from({ length: 65 }, (_, at) => `#t${at}`);
    expect(read(all.slice(1))).toHaveLength(64);
    expect(() => read(all)).toThrow(expect.objectContaining({ code: 'SECURITY_LIMIT' }));
    for (const wrong of [['#t1', '#t1'], ['#none'], ['t1'], ['http://example.org/#t1'], ['']]) {
      expect(() => read(wrong)).toThrow(expect.objectContaining({ code: 'SECURITY_REFERENCE' }));
    }
  });

  test('one part twice, and a part in a part', async () => {
    const document = scan(many(1));
    const [part] = parts(document);
    if (part === undefined) throw new Error('There is no part.');
    await expect(new Decryption(profile).decrypt(document, [part, part])).rejects.toThrow(DecryptionError);
    const nested = scan(
      utf8(`<h:EncryptedHeader xmlns:h="${wsse11}">${encryptElement(text, options)}</h:EncryptedHeader>`),
    );
    const both = [{ element: nested.root }, ...parts(nested)];
    await expect(new Decryption(profile).decrypt(nested, both)).rejects.toThrow(DecryptionError);
  });
});

describe('E9 ciphertext that is elsewhere', () => {
  test.each(['http://example.org/secret', 'file:///etc/passwd', '#here', ''])('CipherReference "%s"', async (uri) => {
    const sealed = encryptContent(text, { cipher: aes128Gcm, key: shared, keyInfo: [named('shared')] }).toString();
    const reference = sealed.replace(
      /<xenc:CipherValue>.*<\/xenc:CipherValue>/,
      `<xenc:CipherReference URI="${uri}"/>`,
    );
    expect(code(await failure(utf8(reference)))).toBe('SECURITY_UNSUPPORTED');
  });
});

describe('E10 plaintext that changes what it does not replace', () => {
  const options: EncryptionOptions = { cipher: aes128Gcm, key: shared, keyInfo: [named('shared')] };
  const around = (...plaintexts: readonly string[]): Uint8Array => {
    const inner = plaintexts.map((one) => encryptOctets(utf8(one), options, 'content').toString());
    return utf8(`<a Id="a"><b>${inner.join('<kept/>')}</b><c/></a>`);
  };

  test.each([
    ['closes its parent and opens another', ['</b><b>']],
    ['closes what is around it in the proof', ['</plaintext><plaintext>']],
    ['closes it and hides the rest', ['</plaintext></b></a><!--']],
    ['hides what follows', ['<!--']],
    ['hides what stands between two parts', ['<!--', '-->']],
    ['hides it in CDATA', ['<![CDATA[', ']]>']],
    ['hides it in an instruction', ['<?x ', '?>']],
    ['spreads an element over two parts', ['<d>', '</d>']],
    ['spreads a start tag over two parts', ['<d a="', '"/>']],
    ['is a second declaration', ['<?xml version="1.0"?><d/>']],
    ['is a document type', ['<!DOCTYPE d [<!ENTITY e "x">]><d/>']],
    ['has an entity', ['&lol;']],
    ['has a prefix from nowhere', ['<p:d/>']],
    ['is no UTF-8 text', ['\u0000']],
    ['has an id that is here already', ['<d Id="a"/>']],
    ['has one id twice', ['<d Id="d"/>', '<d Id="d"/>']],
  ])('%s', async (_, plaintexts) => {
    const found = await failure(around(...plaintexts));
    expect(code(found)).toBe('SECURITY_KEY');
    expect(inspect(found.error, { depth: 9 })).not.toMatch(/lol|ENTITY|CDATA/);
  });

  test('closes a parent that is named as the frame of the proof is', async () => {
    const part = encryptOctets(utf8('</plaintext><plaintext>'), options, 'content');
    expect(code(await failure(utf8(`<a><plaintext>${part}</plaintext></a>`)))).toBe('SECURITY_KEY');
  });

  test('says in the place of the root in which encoding it is, or that it begins a document', async () => {
    const inUtf16 = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from('<d/>', 'utf16le')]);
    for (const plaintext of [utf8('<?xml version="1.0"?><d/>'), utf8('\ufeff<d/>'), inUtf16]) {
      expect(code(await failure(encryptOctets(plaintext, options, 'element').bytes))).toBe('SECURITY_KEY');
    }
  });

  test('a reference put together from what comes and what is there', async () => {
    const part = encryptOctets(utf8('x&l'), options, 'content');
    expect(code(await failure(utf8(`<a>t${part}t;</a>`)))).toBe('SECURITY_KEY');
  });

  test(']]> put together from what is there and what comes', async () => {
    const part = encryptOctets(utf8('>'), options, 'content');
    expect(code(await failure(utf8(`<a>]]${part}</a>`)))).toBe('SECURITY_KEY');
  });

  test.each(['', 'text', '<d/><d/>', '<d/>text', '<!-- c -->'])('an element that is "%s"', async (plaintext) => {
    const part = encryptOctets(utf8(plaintext), options, 'element');
    expect(code(await failure(utf8(`<a>${part}</a>`)))).toBe('SECURITY_KEY');
  });

  test('depth, that the scanner limits, is that of the whole', async () => {
    const deep = `${'<d>'.repeat(250)}${'</d>'.repeat(250)}`;
    const document = (levels: number) =>
      utf8(`${'<a>'.repeat(levels)}${encryptOctets(utf8(deep), options, 'element')}${'</a>'.repeat(levels)}`);
    const shallow = scan(document(5));
    await new Decryption(profile).decrypt(shallow, parts(shallow));
    expect(code(await failure(document(7)))).toBe('SECURITY_KEY');
  });

  test('E10 an EncryptedHeader that hides a Security header, holds two things, or content', async () => {
    const decryptHeader = (octets: Uint8Array) => {
      const document = scan(octets);
      return new Decryption(profile).decrypt(document, [{ element: document.root }]);
    };
    const header = encryptHeader(XmlFragment.parse('<h xmlns="urn:h"/>'), 'urn:soap', 'h', options);
    expect((await decryptHeader(header.bytes)).document.root.local).toBe('h');
    const security = encryptHeader(XmlFragment.parse(`<s:Security xmlns:s="${wsse}"/>`), 'urn:soap', 'h', options);
    await expect(decryptHeader(security.bytes)).rejects.toThrow(DecryptionError);
    const content = header.toString().replace(`${xenc}Element`, `${xenc}Content`);
    await expect(decryptHeader(utf8(content))).rejects.toThrow(DecryptionError);
    const two = header.toString().replace('</wsse11:EncryptedHeader>', '<x/></wsse11:EncryptedHeader>');
    await expect(decryptHeader(utf8(two))).rejects.toThrow(DecryptionError);
  });

  test('octets do not take the place of an element', async () => {
    const part = encryptOctets(utf8('<d/>'), options);
    expect(code(await failure(utf8(`<a>${part}</a>`)))).toBe('SECURITY_MALFORMED');
  });
});

describe('K4, K11 what the message names is only looked up', () => {
  const only = (rows: Parameters<typeof acceptedEncryption>[0]): AcceptedEncryption => acceptedEncryption(rows);
  const key = contentKey(aes128Gcm);
  const sealed = (recipient: Recipient, cipher: ContentCipher = aes128Gcm) =>
    encryptContent(text, { cipher, key, keyInfo: [encryptKey(key, recipient)] });
  const toRsa: Recipient = {
    kind: 'transport',
    row: rsaOaep,
    publicKey: rsa.publicKey,
    digest: sha256,
    keyInfo: named('rsa'),
  };
  const toCurve: Recipient = {
    kind: 'agreement',
    row: ecdhEs,
    derivation: { row: concatKdf, hash: sha256 },
    wrap: kwAes128,
    publicKey: curve.publicKey,
    keyInfo: named('curve'),
  };

  test.each([
    ['CBC where the policy has GCM', sealed(toRsa, aes128Cbc), only({})],
    ['a smaller key than the policy has', sealed(toRsa), only({ content: [aes256Gcm] })],
    ['RSA-1.5', sealed({ ...toRsa, row: unsafeRsa15 }), only({})],
    ['another transport', sealed(toRsa), only({ transports: [rsaOaepMgf1p] })],
    ['a digest of OAEP', sealed(toRsa), only({ oaepDigests: [] })],
    ['a mask of OAEP', sealed(toRsa), only({ masks: [] })],
    ['a wrap', sealed({ kind: 'wrap', row: kwAes128, key: shared, keyInfo: named('shared') }), only({ wraps: [] })],
    ['an agreement', sealed(toCurve), only({ agreements: [x25519] })],
    ['a derivation', sealed(toCurve), only({ derivations: [hkdf] })],
    ['a hash of a derivation', sealed(toCurve), only({ derivationDigests: [] })],
  ])('%s', async (_, fragment, accepted) => {
    const found = await failure(fragment.bytes, { ...profile, accepted });
    expect(code(found)).toBe('SECURITY_ALGORITHM');
    expect(found.operations.filter((one) => one !== 'scan')).toEqual([]);
    const { document } = await new Decryption(profile).decrypt(scan(fragment.bytes), []);
    expect(document.root.local).toBe('b');
  });

  test('parameters of an EncryptionMethod that has none, a mask for rsa-oaep-mgf1p, a child twice', async () => {
    const message = sealed({ ...toRsa, row: rsaOaepMgf1p }).toString();
    const masked = message.replace(
      '</ds:DigestMethod>',
      `</ds:DigestMethod><m:MGF xmlns:m="${xenc11}" Algorithm="${xenc11}mgf1sha256"/>`,
    );
    expect(code(await failure(utf8(masked)))).toBe('SECURITY_ALGORITHM');
    const silent = masked.replace('mgf1sha256', mgf1Sha1.uri.split('#')[1] ?? '');
    const document = scan(utf8(silent));
    await new Decryption(profile).decrypt(document, parts(document));
    const parameters = message.replace(/(aes128-gcm">)/, '$1<xenc:KeySize>256</xenc:KeySize>');
    expect(code(await failure(utf8(parameters)))).toBe('SECURITY_MALFORMED');
    const list = '<xenc:ReferenceList></xenc:ReferenceList>';
    for (const [lists, outcome] of [
      [list, undefined],
      [list + list, 'SECURITY_MALFORMED'],
    ] as const) {
      const listed = utf8(message.replace('</xenc:EncryptedKey>', `${lists}</xenc:EncryptedKey>`));
      expect(await failure(listed).then(code, () => undefined)).toBe(outcome);
    }
    const twice = message.replace(/<xenc:CipherData>.*?<\/xenc:CipherData>/, '$&$&');
    expect(code(await failure(utf8(twice)))).toBe('SECURITY_MALFORMED');
  });

  test('a part whose KeyInfo leads to another key than its ReferenceList', async () => {
    const other = contentKey(aes128Gcm);
    const first = encryptKey(key, toRsa).toString();
    const part = encryptElement(text, { cipher: aes128Gcm, key, keyInfo: [encryptKey(other, toRsa)] }).toString();
    const document = scan(utf8(`<b>${first}${part}</b>`));
    const [listed, element] = document.root.children;
    if (listed === undefined || element === undefined) throw new Error('There are no parts.');
    const named = { element, key: { kind: 'encrypted-key', element: listed } } as const;
    await expect(new Decryption(profile).decrypt(document, [named])).rejects.toMatchObject({
      code: 'SECURITY_DECRYPTION',
      cause: { code: 'SECURITY_MALFORMED' },
    });
  });

  test('no key is here', async () => {
    const found = await failure(sealed({ ...toRsa, keyInfo: named('stranger') }).bytes);
    expect(code(found)).toBe('SECURITY_TOKEN');
    expect(found.error.message).toBe(
      (await failure(withKey(kwAes128, new Uint8Array(24), 'shared', new Uint8Array(48), aes128Gcm))).error.message,
    );
  });
});
