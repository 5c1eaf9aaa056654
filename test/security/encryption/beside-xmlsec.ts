/** Encryption beside xmlsec1: what it encrypts opened here, what is encrypted here opened by it, for every algorithm that it has. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromUtf8 } from '../../../src/base/bytes.ts';
import { seededRandom } from '../../../src/base/random.ts';
import {
  aes128Cbc,
  aes128Gcm,
  aes192Cbc,
  aes192Gcm,
  aes256Cbc,
  aes256Gcm,
  type ContentCipher,
  kwAes128,
  kwAes192,
  kwAes256,
  rsaOaepMgf1p,
  unsafeKwTripleDes,
  unsafeRsa15,
  unsafeTripleDesCbc,
} from '../../../src/security/encryption/algorithms.ts';
import { Decryption, type DecryptionProfile } from '../../../src/security/encryption/decrypt.ts';
import { decrypter } from '../../../src/security/encryption/decrypter.ts';
import { contentKey, encryptContent, encryptElement } from '../../../src/security/encryption/encrypt.ts';
import { encryptKey, type Recipient } from '../../../src/security/encryption/encrypted-key.ts';
import { ds, xenc } from '../../../src/security/names.ts';
import { canonicalize } from '../../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../../src/xml/document.ts';
import { XmlFragment } from '../../../src/xml/fragment.ts';
import { exclusive } from '../../../src/xml/methods.ts';
import { scan } from '../../../src/xml/scan.ts';
import { everything } from './rows.ts';

export const version: string = spawnSync('xmlsec1', ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
if (version === '') console.info('encryption beside xmlsec1 skipped: the xmlsec1 command is absent');

/** Ciphers, and what xmlsec1 calls a session key for them. */
export const sessions: readonly (readonly [ContentCipher, session: string])[] = [
  [aes128Cbc, 'aes-128'],
  [aes192Cbc, 'aes-192'],
  [aes256Cbc, 'aes-256'],
  [aes128Gcm, 'aes-128'],
  [aes192Gcm, 'aes-192'],
  [aes256Gcm, 'aes-256'],
  [unsafeTripleDesCbc, 'des-192'],
];
/** Elements with one half, contents with the other; the next way of a key has them the other way round. */
export const type = (at: number): 'Element' | 'Content' => (at % 2 === 0 ? 'Element' : 'Content');
const folder = mkdtempSync(join(tmpdir(), 'encryption-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = join(folder, 'rsa.pem');
writeFileSync(pem, rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }));

/** A way for a key to travel, the options that give xmlsec1 the key, and ours. */
export interface Way {
  readonly name: string;
  readonly recipient: Recipient;
  readonly options: readonly string[];
  readonly own: KeyObject;
}

const keyName = XmlFragment.parse(`<d:KeyName xmlns:d="${ds}">k</d:KeyName>`);
export const ways: readonly Way[] = [
  ...[unsafeRsa15, rsaOaepMgf1p].map((row): Way => {
    const recipient: Recipient = { kind: 'transport', row, publicKey: rsa.publicKey, keyInfo: keyName };
    return { name: row.uri, recipient, options: ['--privkey-pem:k', pem], own: rsa.privateKey };
  }),
  ...[kwAes128, kwAes192, kwAes256, unsafeKwTripleDes].map((row): Way => {
    const key = createSecretKey(seededRandom(row.keyLength).bytes(row.keyLength));
    const file = join(folder, `${row.family}${row.keyLength}.key`);
    writeFileSync(file, key.export());
    const options = [row.family === 'aes' ? '--aeskey:k' : '--deskey:k', file];
    return { name: row.uri, recipient: { kind: 'wrap', row, key, keyInfo: keyName }, options, own: key };
  }),
];

export const plain =
  '<r:order xmlns:r="urn:r"><r:sku>A-1</r:sku> and &amp; ümlaut <x xmlns="urn:x"><y></y></x></r:order>';

function profile(own: KeyObject): DecryptionProfile {
  return { accepted: everything, keys: { resolve: () => ({ kind: 'decrypter', decrypter: decrypter(own) }) } };
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** What xmlsec1 opens of what is encrypted here, canonical. */
export function theirReading(way: Way, cipher: ContentCipher, type: 'Element' | 'Content'): string {
  const key = contentKey(cipher);
  const options = { cipher, key, keyInfo: [encryptKey(key, way.recipient)] };
  const sealed = (type === 'Element' ? encryptElement : encryptContent)(XmlFragment.parse(plain), options);
  const path = file('ours.xml', sealed.toString());
  return canonical(
    execFileSync('xmlsec1', ['--decrypt', ...way.options, path], { stdio: ['ignore', 'pipe', 'ignore'] }),
  );
}

/** What is opened here of what xmlsec1 encrypts, canonical. */
export async function ourReading(way: Way, cipher: ContentCipher, type: 'Element' | 'Content'): Promise<string> {
  const session = sessions.find(([row]) => row === cipher)?.[1] ?? '';
  const template = file('template.xml', templateFor(way.recipient, cipher, type));
  const args = ['--encrypt', ...way.options, '--session-key', session, '--xml-data', file('plain.xml', plain)];
  const node = ['--node-xpath', type === 'Element' ? '//*[local-name()="sku"]' : '/*', template];
  const sealed = execFileSync('xmlsec1', [...args, ...node], { stdio: ['ignore', 'pipe', 'ignore'] });
  const document = scan(sealed);
  const parts = everyData(document.root).map((element) => ({ element }));
  if (parts.length !== 1) throw new Error(`xmlsec1 encrypted ${parts.length} parts`);
  const { document: opened } = await new Decryption(profile(way.own)).decrypt(document, parts);
  return fromUtf8(canonicalize(opened, exclusive));
}

function templateFor(recipient: Recipient, cipher: ContentCipher, type: string): string {
  const row = recipient.kind === 'agreement' ? recipient.wrap : recipient.row;
  const value = '<CipherData><CipherValue/></CipherData>';
  return (
    `<EncryptedData xmlns="${xenc}" Type="${xenc}${type}"><EncryptionMethod Algorithm="${cipher.uri}"/>` +
    `<d:KeyInfo xmlns:d="${ds}"><EncryptedKey><EncryptionMethod Algorithm="${row.uri}"/>` +
    `<d:KeyInfo><d:KeyName>k</d:KeyName></d:KeyInfo>${value}</EncryptedKey></d:KeyInfo>${value}</EncryptedData>`
  );
}

function everyData(element: XmlElement): readonly XmlElement[] {
  if (element.is(xenc, 'EncryptedData')) return [element];
  return element.children.flatMap(everyData);
}

function canonical(document: Uint8Array): string {
  return fromUtf8(canonicalize(scan(document), exclusive));
}
