/**
 * Encrypted documents, changed. Under ciphers that protect what they encrypt, what is decrypted is what somebody encrypted, and
 * what fails fails as one error.
 */
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SurewireError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import {
  acceptedEncryption,
  aes128Gcm,
  aes256Gcm,
  type ContentCipher,
  concatKdf,
  ecdhEs,
  kwAes128,
  kwAes256,
  mgf1Sha256,
  rsaOaep,
  rsaOaepMgf1p,
} from '../../src/security/encryption/algorithms.ts';
import { Decryption, type DecryptionProfile } from '../../src/security/encryption/decrypt.ts';
import { type Decrypter, decrypter } from '../../src/security/encryption/decrypter.ts';
import { contentKey, encryptContent, encryptElement } from '../../src/security/encryption/encrypt.ts';
import { encryptKey, type Recipient } from '../../src/security/encryption/encrypted-key.ts';
import { DecryptionError } from '../../src/security/encryption/failure.ts';
import { ds, xenc } from '../../src/security/names.ts';
import { sha256 } from '../../src/security/suites.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { codeOf, Finding, type Target } from './target.ts';

const names = ['rsa', 'p256', 'wrap128', 'wrap256'] as const;
type Name = (typeof names)[number];

interface Ring {
  readonly decrypters: ReadonlyMap<string, Decrypter>;
  readonly recipients: readonly { readonly name: Name; readonly recipient: Recipient }[];
}

function ring(): Ring {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [small, large] = [16, 32].map((length) => createSecretKey(seededRandom(length).bytes(length)));
  if (small === undefined || large === undefined) throw new Error('no keys');
  const own: readonly (readonly [Name, KeyObject])[] = [
    ['rsa', rsa.privateKey],
    ['p256', p256.privateKey],
    ['wrap128', small],
    ['wrap256', large],
  ];
  const named = (name: Name) => XmlFragment.parse(`<d:KeyName xmlns:d="${ds}">${name}</d:KeyName>`);
  const to = (name: Name): { keyInfo: XmlFragment } => ({ keyInfo: named(name) });
  const publicKey = rsa.publicKey;
  return {
    decrypters: new Map(own.map(([name, key]) => [name, decrypter(key)])),
    recipients: [
      { name: 'rsa', recipient: { kind: 'transport', row: rsaOaepMgf1p, publicKey, ...to('rsa') } },
      {
        name: 'rsa',
        recipient: { kind: 'transport', row: rsaOaep, publicKey, digest: sha256, mask: mgf1Sha256, ...to('rsa') },
      },
      { name: 'wrap128', recipient: { kind: 'wrap', row: kwAes128, key: small, ...to('wrap128') } },
      { name: 'wrap256', recipient: { kind: 'wrap', row: kwAes256, key: large, ...to('wrap256') } },
      {
        name: 'p256',
        recipient: {
          kind: 'agreement',
          row: ecdhEs,
          derivation: { row: concatKdf, hash: sha256 },
          wrap: kwAes128,
          publicKey: p256.publicKey,
          ...to('p256'),
        },
      },
    ],
  };
}

const plain = '<r:order xmlns:r="urn:r"><r:sku>A-1</r:sku> and &amp; ümlaut <x xmlns="urn:x"><y></y></x></r:order>';

export function decryptTarget(): Target {
  const { decrypters, recipients } = ring();
  const profile: DecryptionProfile = {
    accepted: acceptedEncryption(),
    keys: {
      resolve(keyInfo) {
        const name = keyInfo?.children.find((one) => one.is(ds, 'KeyName'))?.text ?? '';
        const found = decrypters.get(name);
        return found && { kind: 'decrypter', decrypter: found };
      },
    },
  };
  const genuine = new Set<string>();
  const seeds: string[] = [];
  for (const { recipient } of recipients) {
    for (const cipher of [aes128Gcm, aes256Gcm] as readonly ContentCipher[]) {
      for (const encrypt of [encryptElement, encryptContent]) {
        const key = contentKey(cipher);
        const note = plain.replace('A-1', `A-${seeds.length}`);
        const part = encrypt(XmlFragment.parse(note), { cipher, key, keyInfo: [encryptKey(key, recipient)] });
        genuine.add(encrypt === encryptElement ? note : note.replace(/^<r:order[^>]*>|<\/r:order>$/g, ''));
        seeds.push(`<m:message xmlns:m="urn:m"><m:clear>1</m:clear>${part.toString()}</m:message>`);
      }
    }
  }
  return {
    name: 'decrypt',
    seeds,
    async handle(octets) {
      const parts: XmlElement[] = [];
      const code = codeOf(() => parts.push(...everyData(scan(octets).root)));
      if (code !== 'accepted') return code;
      const [element] = parts;
      if (element === undefined) return 'NOTHING';
      const said = await attempt(async () => {
        const { document, parts: opened } = await new Decryption(profile).decrypt(
          element.document,
          parts.map((part) => ({ element: part })),
        );
        return `${opened.length} of ${document.bytes.length}`;
      });
      if (said instanceof Error && !(said instanceof DecryptionError))
        throw new Finding(`another error: ${said}`, octets, said);
      const plaintext = await attempt(() => new Decryption(profile).octets({ element }));
      if (plaintext instanceof Error) {
        if (plaintext instanceof DecryptionError) return causeOf(plaintext);
        throw new Finding(`another error: ${plaintext}`, octets, plaintext);
      }
      const text = Buffer.from(plaintext).toString();
      if (!genuine.has(text)) throw new Finding(`decrypted, and nobody encrypted it: ${text}`, octets);
      return said instanceof Error ? 'octets only' : 'accepted';
    },
  };
}

async function attempt<Value>(work: () => Promise<Value>): Promise<Value | Error> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof SurewireError) return thrown;
    throw thrown;
  }
}

/** What it was, for the count of ways; the message says nothing of it. */
function causeOf({ cause }: DecryptionError): string {
  return cause instanceof SurewireError ? `DECRYPTION ${cause.code}` : 'DECRYPTION';
}

function everyData(element: XmlElement): readonly XmlElement[] {
  if (element.is(xenc, 'EncryptedData')) return [element];
  return element.children.flatMap(everyData);
}
