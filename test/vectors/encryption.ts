/** XML Encryption vectors: the plaintext, the one failure, or a refusal with the rule that makes it one. */
import { fromUtf8, utf8, view } from '../../src/base/bytes.ts';
import { asError, hasCode } from '../../src/base/errors.ts';
import { Decryption, type DecryptionProfile } from '../../src/security/encryption/decrypt.ts';
import { decrypter } from '../../src/security/encryption/decrypter.ts';
import { DecryptionError } from '../../src/security/encryption/failure.ts';
import type { KeyResolver } from '../../src/security/encryption/keyring.ts';
import { xenc11 } from '../../src/security/encryption/names.ts';
import { xenc } from '../../src/security/names.ts';
import { canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';
import { everything } from '../security/encryption/rows.ts';
import { certifiedIn, type Keys, keysOf, nameIn, read, type Vector } from '../security/encryption/vectors.ts';
import { errorOf, type Judge, pass, refusedBy, unjudged, type VectorResult, wrong } from './result.ts';

interface Rule {
  readonly ids: RegExp;
  /** Of the error, or of the cause that a `DecryptionError` has. */
  readonly code: string;
  readonly rule: string;
}

/** Cases that others decrypt and we refuse, and why. */
const rules: readonly Rule[] = [
  {
    ids: /enc-two-enc-keys|keyname-ref|keyname-(?:content|element)|five\.encrypt-(?:content|element)/,
    code: 'XML_DTD',
    rule: 'a document type declaration (SOAP 1.2 section 5)',
  },
  { ids: /isolatin1$/, code: 'XML_ENCODING', rule: 'neither UTF-8 nor UTF-16' },
  { ids: /dh-es|enc_dh_/, code: 'SECURITY_ALGORITHM', rule: 'Diffie-Hellman over integers has no row' },
  {
    ids: /concatkdf_sha(?:1|224|3_\d+)_/,
    code: 'SECURITY_ALGORITHM',
    rule: 'ConcatKDF over SHA-1, SHA-224 and SHA-3 has no row',
  },
  { ids: /_p256_pbkdf2_/, code: 'SECURITY_ALGORITHM', rule: 'PBKDF2: the sender would choose our work (attack E14)' },
  { ids: /dkey3?-example|\.enc_(?:pbkdf2|hkdf)_/, code: 'SECURITY_TOKEN', rule: 'xenc11:DerivedKey is not followed' },
  { ids: /camellia|chacha20/, code: 'SECURITY_ALGORITHM', rule: 'Camellia and ChaCha20 have no row' },
  { ids: /des3cbc-aes192/, code: 'SECURITY_ALGORITHM', rule: 'keys travel by transport, wrap and agreement only' },
  {
    ids: /rsa_oaep_(?:md5|ripemd160|sha224|sha3_)/,
    code: 'SECURITY_ALGORITHM',
    rule: 'OAEP over MD5, RIPEMD-160, SHA-224 and SHA-3 has no row',
  },
  {
    ids: /rsa_oaep_(?!enc11).*_mgf1_sha(?:224|256|384|512)$/,
    code: 'SECURITY_ALGORITHM',
    rule: 'rsa-oaep-mgf1p has one mask, MGF1 with SHA-1 (XML Encryption 1.1 section 5.5.2)',
  },
  {
    ids: /(?:p256|x\w*25519|x448)_concatkdf_sha(?:256|384|512)_kw_aes256_aes128gcm|enc\.aes1(?:28|92)-gcm-res/,
    code: 'SECURITY_KEY',
    rule: 'the key has 256 bits and the cipher wants fewer: nothing is cut off (section 5.2)',
  },
];

/** Without an oracle: what comes of them is written down, so that a change is seen. */
const unverified: ReadonlyMap<string, string> = new Map([
  ['auth0.test-okta-enc-response.xml', 'is not in the namespace of XML Encryption'],
  ['xmlseclibs.enc.oaep_sha1-content-res.xml', 'decrypts'],
  ['xmlseclibs.enc.oaep_sha1-res.xml', 'decrypts'],
  ['xmlseclibs.enc.saml-encrypted.xml', 'is for another key'],
]);

/** Text in the place of the root: the oracle printed a document without it, so what stands here is checked instead. */
const textAtRoot: ReadonlyMap<string, string> = new Map([['auth0.test-cbc256-padding.xml', 'content']]);

const message =
  'An encrypted part cannot be decrypted. See the cause, and agree with the sender on keys and algorithms.';

export const judgeEncryption: Judge = async (one): Promise<VectorResult> => {
  const vector = one as unknown as Vector;
  const rule = rules.find(({ ids }) => ids.test(one.id));
  if (rule !== undefined) {
    const error = await errorOf(() => decryption(vector));
    if (!hasCode(error instanceof DecryptionError ? error.cause : error, rule.code)) return wrong(`${error}`);
    return refusedBy(rule.code === 'XML_DTD' ? `${rule.rule}; ${await withoutDeclaration(vector)}` : rule.rule);
  }
  if (one.expect === 'invalid') {
    const error = await errorOf(() => decryption(vector));
    const uniform = error instanceof DecryptionError && error.message === message && !error.transient;
    return uniform ? pass('fails as everything fails') : wrong(`${error}`);
  }
  if (typeof vector.expect === 'string') {
    const expected = unverified.get(one.id) ?? 'nothing known';
    const found = await decryption(vector).then(
      () => 'decrypts',
      (thrown: unknown) => (thrown instanceof DecryptionError ? 'is for another key' : `${thrown}`),
    );
    return found.includes(expected) ? unjudged(expected) : wrong(found);
  }
  const found = await decryption(vector);
  const file = view(read(vector, vector.expect.plaintext));
  const expected = vector.dataEncoding === 'base64' ? Buffer.from(file.toString(), 'base64') : file;
  const text = textAtRoot.get(one.id);
  const same =
    text === undefined
      ? found.octets.equals(expected) || canonical(found.document) === canonical(expected)
      : found.octets.toString() === text;
  return same ? pass('decrypted') : wrong('another plaintext');
};

/** The plaintext as octets, and the document with it in place. */
async function decryption(
  one: Vector,
  file: Uint8Array = read(one),
): Promise<{ readonly octets: Buffer; readonly document: Uint8Array }> {
  const document = scan(file);
  const profile = profileOf(one);
  const parts = everyElement(document.root, 'EncryptedData');
  const [element] = parts;
  if (element === undefined) throw new Error('The file is not in the namespace of XML Encryption.');
  const octets = view(await new Decryption(profile).octets({ element }));
  if (element.attribute('Type') === undefined) return { octets, document: octets };
  const decrypted = await new Decryption(profile)
    .decrypt(
      document,
      parts.map((part) => ({ element: part })),
    )
    .catch(() => undefined);
  return { octets, document: decrypted?.document.bytes ?? octets };
}

/** What is refused for its declaration is decrypted once that is cut out; but for ciphertext that is elsewhere (E9). */
async function withoutDeclaration(one: Vector): Promise<string> {
  const bare = withoutDoctype(read(one));
  const found = await decryption(one, bare).catch((thrown: unknown) => asError(thrown));
  if (found instanceof DecryptionError) {
    if (!hasCode(found.cause, 'SECURITY_UNSUPPORTED') || !fromUtf8(bare).includes('CipherReference')) throw found;
    return 'without it, refused for its CipherReference (E9)';
  }
  if (found instanceof Error || typeof one.expect === 'string') throw found;
  if (canonical(found.document) !== canonical(withoutDoctype(read(one, one.expect.plaintext))))
    throw new Error('not the plaintext');
  return 'without it, decrypted';
}

function withoutDoctype(file: Uint8Array): Uint8Array {
  return utf8(fromUtf8(file).replace(/<!DOCTYPE[^\]]*\]>/, ''));
}

export function profileOf(one: Vector): DecryptionProfile {
  return { accepted: everything, keys: resolver(keysOf(one)) };
}

function canonical(document: Uint8Array): string {
  return fromUtf8(canonicalize(scan(document), exclusive));
}

export function everyElement(element: XmlElement, local: string): readonly XmlElement[] {
  if (element.is(xenc, local)) return [element];
  return element.children.flatMap((one) => everyElement(one, local));
}

/** By name where there is one; else the only key there is. */
function resolver({ own, others }: Keys): KeyResolver {
  return {
    resolve(keyInfo) {
      if (keyInfo?.children.some((one) => one.is(xenc11, 'DerivedKey'))) return undefined;
      const name = nameIn(keyInfo);
      const only = name === undefined && own.size === 1 ? [...own.values()][0] : undefined;
      const key = own.get(name ?? '') ?? own.get('') ?? only;
      if (key === undefined) return undefined;
      // Keys of 2002 are short.
      return key.type === 'secret' ? { kind: 'secret', key } : { kind: 'decrypter', decrypter: decrypter(key, 1024) };
    },
    originator: (keyInfo) => others.get(nameIn(keyInfo) ?? '') ?? certifiedIn(keyInfo),
  };
}
