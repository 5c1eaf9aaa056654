/** Every xmlenc vector of the shared manifests: the plaintext, the one failure, or a refusal with the rule that makes it one. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { fromBase64, view } from '../../../src/base/bytes.ts';
import { SurewireError } from '../../../src/base/errors.ts';
import {
  type AcceptedEncryption,
  acceptedEncryption,
  aes128Cbc,
  aes192Cbc,
  aes256Cbc,
  kwAes128,
  kwAes192,
  kwAes256,
  modernEncryption,
  rsaOaep,
  rsaOaepMgf1p,
  unsafeKwTripleDes,
  unsafeRsa15,
  unsafeTripleDesCbc,
} from '../../../src/security/encryption/algorithms.ts';
import { decrypter } from '../../../src/security/encryption/decrypter.ts';
import { decrypt, decryptOctets, type DecryptionProfile } from '../../../src/security/encryption/decrypt.ts';
import { DecryptionError } from '../../../src/security/encryption/errors.ts';
import type { KeyHandle, KeyResolver } from '../../../src/security/encryption/keyring.ts';
import { SecurityError } from '../../../src/security/errors.ts';
import { xenc } from '../../../src/security/names.ts';
import { canonicalize } from '../../../src/xml/canonicalize.ts';
import type { XmlDocument, XmlElement } from '../../../src/xml/document.ts';
import { canonicalizations } from '../../../src/xml/methods.ts';
import { scan } from '../../../src/xml/scan.ts';
import { certifiedIn, folder, type Keys, keysOf, nameIn, read, there, type Vector, vectors } from './vectors.ts';

export const everything: AcceptedEncryption = acceptedEncryption({
  content: [...modernEncryption.content, aes128Cbc, aes192Cbc, aes256Cbc, unsafeTripleDesCbc],
  transports: [rsaOaep, rsaOaepMgf1p, unsafeRsa15],
  wraps: [kwAes128, kwAes192, kwAes256, unsafeKwTripleDes],
});

const inclusive = canonicalizations.get('http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments');

async function run(vector: Vector): Promise<string> {
  let document: XmlDocument;
  document = scan(read(vector));
  const keys = keysOf(vector);
  const profile: DecryptionProfile = { accepted: everything, keys: resolver(keys) };
  const parts = [...everyData(document.root)];
  expect(parts.length).toBeGreaterThan(0);
  const [first] = parts;
  if (first === undefined) throw new Error('no EncryptedData');
  if (first === document.root || first.attribute('Type') === undefined) {
    const octets = await decryptOctets({ element: first }, profile);
    return view(octets).toString('base64');
  }
  const { document: done } = await decrypt(document, parts.map((element) => ({ element })), profile);
  return view(canonicalize(done, inclusive!)).toString();
}
function* everyData(element: XmlElement): Iterable<XmlElement> {
  if (element.is(xenc, 'EncryptedData')) yield element;
  else for (const child of element.children) yield* everyData(child);
}
function resolver({ own, others }: Keys): KeyResolver {
  return {
    resolve(keyInfo) {
      const name = nameIn(keyInfo);
      const key = (name === undefined ? undefined : own.get(name)) ?? own.get('') ?? (name === undefined && own.size === 1 ? [...own.values()][0] : undefined);
      if (key === undefined) return undefined;
      return key.type === 'secret' ? { kind: 'secret', key } : { kind: 'decrypter', decrypter: decrypter(key, 1024) };
    },
    originator: (keyInfo) => others.get(nameIn(keyInfo) ?? '') ?? certifiedIn(keyInfo),
  };
}
describe('explore', () => {
  test('all', async () => {
    const t = performance.now();
    for (const name of ['xmlsec', 'santuario', 'auth0-xml-encryption', 'xmlseclibs']) {
      for (const v of vectors(name, 'xmlenc')) {
        let out = '';
        try {
          const got = await run(v);
          if (typeof v.expect === 'string') out = `PLAINTEXT ${view(fromBase64(got) ?? new Uint8Array()).toString().slice(0, 50)} ${got.slice(0,60)}`;
          else {
            const want = view(read(v, v.expect.plaintext));
            const isB64 = fromBase64(got) !== undefined;
            const raw = isB64 ? Buffer.from(got, 'base64').toString('latin1') : got;
            const wantRaw = v.dataEncoding === 'base64' ? Buffer.from(want.toString(), 'base64').toString('latin1') : want.toString('latin1');
            if (raw === wantRaw) out = 'OK';
            else { 
              let c = (s: string) => { try { return view(canonicalize(scan(Buffer.from(s,'latin1')), inclusive!)).toString('latin1'); } catch (e) { return String(e) + s; } };
              out = c(raw) === c(wantRaw) || got === c(wantRaw)? 'OK-c14n' : `DIFF\n${JSON.stringify(raw.slice(0, 300))}\n${JSON.stringify(wantRaw.slice(0, 300))}`; }
          }
        } catch (e) {
          const err = e as Error;
          out = `FAIL ${(err as SurewireError).code ?? err} :: ${(err.cause as SecurityError)?.what ?? err.cause ?? err.message}`;
        }
        if (out !== 'OK' && !(v.expect === 'invalid' && out.startsWith('FAIL SECURITY_DEC'))) console.log(v.folder, v.id, typeof v.expect === 'string' ? v.expect : '', '=>', out);
      }
    }
    console.log('ms', performance.now() - t);
  }, 60000);
});
void createHash; void createPublicKey; void folder; void there; void DecryptionError; void afterAll;
export type X = KeyObject | KeyHandle;
