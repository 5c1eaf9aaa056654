/**
 * Where signing keys come from. A `SigningKey` is all that the rest of the room sees: a certificate and a way to sign, so
 * that a key in a file and a key in a device look alike. Private keys are never printable.
 */
import { createPrivateKey, type JsonWebKey, KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { fromBase64 } from '../base/bytes.ts';
import { type Certificate, type CertificateSource, certificates } from './certificates.ts';
import { signatureFamilies, signOctets, verifyOctets } from './crypto.ts';
import { type Decrypter, decrypter } from './encryption/decrypter.ts';
import { SecurityError } from './errors.ts';
import { readPkcs12 } from './pkcs12.ts';
import { modernSignatures, rsaSha256, type SignatureAlgorithm } from './suites.ts';

/** A key that opens what was encrypted for its certificate. */
export interface DecryptionKey {
  readonly certificate: Certificate;
  readonly decrypter: Decrypter;
}

export interface SigningKey {
  /** The certificate whose public key belongs to this private key. */
  readonly certificate: Certificate;
  /** What may help the other end to build a path: the certificate first, then its issuers, without the root. */
  readonly chain: readonly Certificate[];
  /** The algorithm to use when a policy does not say. */
  readonly algorithm: SignatureAlgorithm;
  /** Opens what was encrypted for the certificate; absent where the key only signs. */
  readonly decrypter?: Decrypter | undefined;
  /** Signs; a promise where the key lives in another process or device. */
  sign(algorithm: SignatureAlgorithm, octets: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export interface SigningKeyOptions {
  /** PEM (PKCS#8, PKCS#1, SEC1; encrypted with `passphrase`), DER of PKCS#8, a `KeyObject`, or a JSON Web Key (RFC 7517). */
  readonly privateKey: string | Uint8Array | KeyObject | JsonWebKey;
  /** The certificate, then the issuers that the other end may lack. A JSON Web Key may have them as `x5c`. */
  readonly certificate?: CertificateSource;
  readonly passphrase?: string;
}

/**
 * A signing key held in the memory of this process; the `KeyObject` is made once.
 *
 * @throws SecurityError `SECURITY_KEY` when the key cannot be read, is of no known kind, too weak, or is not the
 *   certificate's; `SECURITY_CERTIFICATE_MALFORMED`
 */
export function signingKey(options: SigningKeyOptions): SigningKey {
  return keyWith(
    readPrivateKey(options),
    certificates(options.certificate ?? embeddedCertificates(options.privateKey)),
  );
}

/**
 * A signing key from a PKCS#12 file of any era, with the certificates in it.
 *
 * @throws SecurityError `SECURITY_KEY` also for a wrong passphrase, `SECURITY_LIMIT`, `SECURITY_CERTIFICATE_MALFORMED`
 */
export function signingKeyFromPkcs12(file: Uint8Array, passphrase: string): SigningKey {
  const { privateKey, certificates: chain } = readPkcs12(file, passphrase);
  return keyWith(privateKey, chain);
}

function keyWith(privateKey: KeyObject, chain: readonly Certificate[]): SigningKey {
  const [own] = chain;
  if (own === undefined) {
    throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'A signing key needs its certificate.');
  }
  const key = new MemoryKey(privateKey, own, chain);
  requirePair(key);
  return key;
}

/** `x5c` of a JSON Web Key: base64 of DER, the key's own first (RFC 7517 section 4.7). */
function embeddedCertificates(key: SigningKeyOptions['privateKey']): readonly Uint8Array[] {
  const { x5c } = typeof key === 'string' || key instanceof Uint8Array || key instanceof KeyObject ? {} : key;
  if (!Array.isArray(x5c)) return [];
  return x5c.map((one) => {
    const octets = typeof one === 'string' ? fromBase64(one) : undefined;
    if (octets === undefined) throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'x5c does not hold base64.');
    return octets;
  });
}

/** Kinds of keys that others encrypt for, by transport or by agreement. */
const decrypting: ReadonlySet<string> = new Set(['rsa', 'ec', 'x25519', 'x448']);

class MemoryKey implements SigningKey {
  readonly #key: KeyObject;
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly algorithm: SignatureAlgorithm;
  readonly decrypter: Decrypter | undefined;

  constructor(key: KeyObject, own: Certificate, chain: readonly Certificate[]) {
    this.#key = key;
    this.certificate = own;
    this.chain = Object.freeze([...chain]);
    const families = signatureFamilies(key);
    this.algorithm = modernSignatures.find((row) => families.includes(row.family)) ?? rsaSha256;
    this.decrypter = decrypting.has(key.asymmetricKeyType ?? '') ? decrypter(key) : undefined;
    Object.freeze(this);
  }

  sign(algorithm: SignatureAlgorithm, octets: Uint8Array): Uint8Array {
    return signOctets(algorithm, this.#key, octets);
  }

  toJSON(): object {
    return { certificate: this.certificate.subject, fingerprint: this.certificate.fingerprint };
  }

  [inspect.custom](): string {
    return `SigningKey { ${this.certificate.subject} }`;
  }
}

function readPrivateKey(options: SigningKeyOptions): KeyObject {
  const { privateKey, passphrase } = options;
  if (privateKey instanceof KeyObject) {
    if (privateKey.type === 'private') return privateKey;
    throw new SecurityError('SECURITY_KEY', `A ${privateKey.type} key cannot sign.`);
  }
  if (typeof privateKey === 'object' && !(privateKey instanceof Uint8Array)) return readJwk(privateKey);
  const protection = passphrase === undefined ? {} : { passphrase };
  const isDer = typeof privateKey !== 'string' && privateKey[0] === 0x30;
  try {
    return isDer
      ? createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8', ...protection })
      : createPrivateKey({ key: typeof privateKey === 'string' ? privateKey : Buffer.from(privateKey), ...protection });
  } catch (cause) {
    // The cause is OpenSSL's: it names what it could not parse or that a passphrase is wrong, never the key.
    throw new SecurityError('SECURITY_KEY', 'The private key cannot be read; is the passphrase right?', { cause });
  }
}

function readJwk(key: JsonWebKey): KeyObject {
  try {
    return createPrivateKey({ key, format: 'jwk' });
  } catch (cause) {
    throw new SecurityError('SECURITY_KEY', 'The JSON Web Key cannot be read, or is not a private one.', { cause });
  }
}

/** Signs and verifies once, so that a key that does not belong to its certificate is found when it is loaded. */
function requirePair(key: MemoryKey): void {
  const probe = new Uint8Array(32);
  const signature = key.sign(key.algorithm, probe);
  const certified = key.certificate.key;
  const sameKind = signatureFamilies(certified).includes(key.algorithm.family);
  if (!sameKind || !verifyOctets(key.algorithm, certified, probe, signature)) {
    throw new SecurityError(
      'SECURITY_KEY',
      `The private key does not belong to the certificate of ${key.certificate.subject}.`,
    );
  }
}
