/**
 * PKCS#12 files (RFC 7292), in today's form and in the one that old Windows and Java read. node-forge's own writer knows
 * RSA keys only and always signs with SHA-1, so the structure is put together here from its ASN.1 and its PBE.
 */
import type { KeyObject } from 'node:crypto';
import forge from 'node-forge';

const { asn1, md, pkcs12, pki, random, util } = forge;
type Asn1 = forge.asn1.Asn1;

/** How one era of PKCS#12 protects a file. */
export interface Pkcs12Era {
  readonly encryption: { readonly algorithm: 'aes256' | '3des'; readonly prfAlgorithm?: 'sha256' };
  readonly mac: { readonly oid: string; readonly octets: number; create(): forge.md.MessageDigest };
}

/** AES-256-CBC under PBKDF2 with HMAC-SHA-256, SHA-256 MAC: OpenSSL 1.1 and 3, Java 8u301 and later, Windows 10 and later. */
export const MODERN: Pkcs12Era = {
  encryption: { algorithm: 'aes256', prfAlgorithm: 'sha256' },
  mac: { oid: '2.16.840.1.101.3.4.2.1', octets: 32, create: () => md.sha256.create() },
};

/** Triple DES and SHA-1: what Windows before 10 and Java before 8u301 read. */
export const LEGACY: Pkcs12Era = {
  encryption: { algorithm: '3des' },
  mac: { oid: '1.3.14.3.2.26', octets: 20, create: () => md.sha1.create() },
};

export interface Pkcs12Content {
  readonly friendlyName: string;
  readonly privateKey: KeyObject;
  /** DER; the certificate of the key first, then its issuers. */
  readonly certificates: readonly Uint8Array[];
}

const ITERATIONS = 2048;
const MAC_KEY = 3;
const SALT_OCTETS = 16;

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  microsoftProvider: '1.3.6.1.4.1.311.17.1',
} as const;

/** Without this attribute .NET Framework puts RSA keys where they cannot sign with SHA-256. */
const RSA_PROVIDER = 'Microsoft Enhanced RSA and AES Cryptographic Provider';

/**
 * Writes a PKCS#12 file with one key and its chain.
 *
 * @param password printable ASCII
 */
export function writePkcs12(content: Pkcs12Content, password: string, era: Pkcs12Era): Uint8Array {
  const named = [
    attribute(OID.friendlyName, bmpString(content.friendlyName)),
    attribute(OID.localKeyId, octets('\x01')),
  ];
  const provider =
    content.privateKey.asymmetricKeyType === 'rsa' ? [attribute(OID.microsoftProvider, bmpString(RSA_PROVIDER))] : [];
  const pkcs8 = asn1.fromDer(binary(content.privateKey.export({ type: 'pkcs8', format: 'der' })));
  const keyBag = bag(OID.shroudedKeyBag, encrypt(pkcs8, password, era), [...named, ...provider]);
  const certBags = content.certificates.map((der, index) => {
    const certificate = sequence(oid(OID.x509Certificate), explicit(octets(binary(der))));
    return bag(OID.certBag, certificate, index === 0 ? named : []);
  });
  const safe = der(sequence(encryptedSafe(sequence(...certBags), password, era), dataSafe(der(sequence(keyBag)))));
  const file = sequence(integer(3), dataSafe(safe), macOf(safe, password, era));
  return Buffer.from(der(file), 'latin1');
}

/** An EncryptedPrivateKeyInfo is an algorithm and the encryption of whatever was given: of safe contents just as well. */
function encrypt(content: Asn1, password: string, era: Pkcs12Era): Asn1 {
  return pki.encryptPrivateKeyInfo(content, password, { ...era.encryption, count: ITERATIONS, saltSize: SALT_OCTETS });
}

function encryptedSafe(contents: Asn1, password: string, era: Pkcs12Era): Asn1 {
  const [algorithm, encrypted] = children(encrypt(contents, password, era));
  const ciphertext = asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0 as forge.asn1.Type, false, encrypted?.value ?? '');
  const content = sequence(oid(OID.data), ...(algorithm ? [algorithm] : []), ciphertext);
  return sequence(oid(OID.encryptedData), explicit(sequence(integer(0), content)));
}

function dataSafe(contents: string): Asn1 {
  return sequence(oid(OID.data), explicit(octets(contents)));
}

function macOf(safe: string, password: string, { mac }: Pkcs12Era): Asn1 {
  const salt = random.getBytesSync(SALT_OCTETS);
  const key = pkcs12.generateKey(password, util.createBuffer(salt), MAC_KEY, ITERATIONS, mac.octets, mac.create());
  const hmac = forge.hmac.create();
  hmac.start(mac.create(), key);
  hmac.update(safe);
  const digest = sequence(sequence(oid(mac.oid), universal(asn1.Type.NULL, '')), octets(hmac.digest().getBytes()));
  return sequence(digest, octets(salt), integer(ITERATIONS));
}

function bag(type: string, value: Asn1, attributes: readonly Asn1[]): Asn1 {
  return sequence(oid(type), explicit(value), ...(attributes.length > 0 ? [set(...attributes)] : []));
}

function attribute(type: string, value: Asn1): Asn1 {
  return sequence(oid(type), set(value));
}

function universal(type: forge.asn1.Type, value: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}

function sequence(...items: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, items);
}

function set(...items: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, items);
}

function explicit(item: Asn1): Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0 as forge.asn1.Type, true, [item]);
}

function oid(dotted: string): Asn1 {
  return universal(asn1.Type.OID, asn1.oidToDer(dotted).getBytes());
}

function integer(value: number): Asn1 {
  return universal(asn1.Type.INTEGER, asn1.integerToDer(value).getBytes());
}

function octets(value: string): Asn1 {
  return universal(asn1.Type.OCTETSTRING, value);
}

function bmpString(text: string): Asn1 {
  return universal(asn1.Type.BMPSTRING, text);
}

function der(value: Asn1): string {
  return asn1.toDer(value).getBytes();
}

function children({ value }: Asn1): readonly Asn1[] {
  return typeof value === 'string' ? [] : value;
}

/** forge's strings hold one octet in each character. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
