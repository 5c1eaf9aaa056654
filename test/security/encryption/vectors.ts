/** The encryption vectors of foreign projects: where they are, and the keys that their manifests name. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, createSecretKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBase64 } from '../../../src/base/bytes.ts';
import { certificates } from '../../../src/security/certificates.ts';
import { ds } from '../../../src/security/names.ts';
import type { XmlElement } from '../../../src/xml/document.ts';
import { scan } from '../../../src/xml/scan.ts';

export const folder: string = join(import.meta.dirname, '../../../../shared/vectors');
export const there: boolean = existsSync(folder);
/** OpenSSL's tool reads the key files. */
export const openssl: boolean = found('openssl');
if (!openssl) console.info('encryption vectors skipped: the openssl command is absent');

function found(command: string): boolean {
  return spawnSync(command, ['version']).status === 0;
}

if (!there) console.info(`encryption vectors skipped: ${folder} is absent`);

export interface Vector {
  readonly folder: string;
  readonly id: string;
  readonly file: string;
  readonly kind: string;
  readonly expect: string | { readonly plaintext: string };
  readonly dataEncoding?: string;
  readonly keys: readonly {
    readonly type: string;
    readonly file: string;
    readonly name?: string;
    readonly password?: string;
    readonly pem?: string;
  }[];
  readonly intermediate?: { readonly kekHex: string; readonly cekHex: string };
  readonly observed?: readonly { readonly action: string; readonly secretHex?: string }[];
  readonly decryptedEnvelopeSha256?: string;
  readonly decryptOracle?: {
    readonly keys: readonly { readonly encryptedKey?: string; readonly keyHex: string }[];
    readonly fragments: readonly { readonly id: string; readonly keyHex: string; readonly plaintext: string }[];
  };
  readonly encryptedData?: readonly { readonly plaintext: string }[];
}

export function vectors(name: string, kind: string): readonly Vector[] {
  const manifest = join(folder, name, 'MANIFEST.json');
  if (!existsSync(manifest)) return [];
  const { cases } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly cases: readonly Vector[] };
  return cases.filter((one) => one.kind === kind).map((one) => ({ ...one, folder: name }));
}

export function read(vector: Vector, file: string = vector.file): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, vector.folder, file)));
}

/** Private, secret and public keys by name; what has no name, and what is asked for by another, is under ''. */
export interface Keys {
  readonly own: ReadonlyMap<string, KeyObject>;
  readonly others: ReadonlyMap<string, KeyObject>;
}

export function keysOf(vector: Vector): Keys {
  const own = new Map<string, KeyObject>();
  const others = new Map<string, KeyObject>();
  for (const { type, file, name: given = '', password = '', pem } of vector.keys) {
    const name = renamed.get(vector.id) ?? given;
    const path = join(folder, vector.folder, pem ?? file);
    if (type === 'keys-file') for (const [key, value] of named(path)) own.set(key, value);
    else if (pem !== undefined || type === 'privkey-pem') own.set('', createPrivateKey(readFileSync(path)));
    else if (type === 'pkcs12') own.set(name, pkcs12(path, password));
    else if (type === 'pubkey-cert-der') others.set(name, publicKey(path));
    else if (/^(?:aes|des|camellia|chacha20|hkdf|pbkdf2|concatkdf)-?key$/.test(type)) {
      own.set(name, createSecretKey(readFileSync(path)));
    } else throw new Error(`a key of type ${type}`);
  }
  return { own, others };
}

/** xmlsec1 was told to take any key that fits; the message names it. */
const renamed: ReadonlyMap<string, string> = new Map([['aleksey-xmlenc-01.enc-two-recipients#2', 'pub2']]);

const cache = new Map<string, KeyObject | ReadonlyMap<string, KeyObject>>();

function cached<Value extends KeyObject | ReadonlyMap<string, KeyObject>>(path: string, make: () => Value): Value {
  const known = cache.get(path) ?? make();
  cache.set(path, known);
  return known as Value;
}

/** OpenSSL reads what neither the platform nor PKI.js reads: RC2 of 1998, keys of X25519. */
function pkcs12(path: string, password: string): KeyObject {
  return cached(path, () => {
    const args = ['pkcs12', '-in', path, '-nocerts', '-nodes', '-legacy', '-passin', `pass:${password}`];
    return createPrivateKey(execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] }));
  });
}

function publicKey(path: string): KeyObject {
  return cached(path, () => new X509Certificate(readFileSync(path)).publicKey);
}

/** The keys of xmlsec's own file format. */
function named(path: string): ReadonlyMap<string, KeyObject> {
  return cached(path, () => {
    const found = new Map<string, KeyObject>();
    for (const info of scan(new Uint8Array(readFileSync(path))).root.children) {
      const name = info.children.find((one) => one.is(ds, 'KeyName'))?.text.trim() ?? '';
      const value = info.children.find((one) => one.is(ds, 'KeyValue'))?.children[0];
      const octets = fromBase64(value?.text ?? '');
      if (octets?.length && value?.namespace === 'http://www.aleksey.com/xmlsec/2002') {
        found.set(name, createSecretKey(octets));
      }
    }
    return found;
  });
}

/** The name in ds:KeyName, wherever it is in a KeyInfo, and the certificates that are in one. */
export function nameIn(keyInfo: XmlElement | undefined): string | undefined {
  for (const part of keyInfo?.children ?? []) {
    const name = part.is(ds, 'KeyName') ? part.text.trim() : undefined;
    if (name !== undefined) return name;
  }
  return undefined;
}

export function certifiedIn(keyInfo: XmlElement | undefined): KeyObject | undefined {
  const data = keyInfo?.children.find((one) => one.is(ds, 'X509Data'));
  const held = data?.children.find((one) => one.is(ds, 'X509Certificate'));
  const octets = held && fromBase64(held.text);
  return octets && certificates(octets)[0]?.key;
}
