/**
 * Where signing keys come from. A `SigningKey` is all that the rest of the room sees: a certificate and a way to sign, so
 * that a key in a file and a key in a device look alike. Private keys are never printable.
 */
import { createPrivateKey, KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { type Certificate, type CertificateSource, certificates } from './certificates.ts';
import { signOctets, verifyOctets } from './crypto.ts';
import { SecurityError } from './errors.ts';
import { ecdsaSha256, rsaSha256, type SignatureAlgorithm } from './suites.ts';

export interface SigningKey {
  /** The certificate whose public key belongs to this private key. */
  readonly certificate: Certificate;
  /** What may help the other end to build a path: the certificate first, then its issuers, without the root. */
  readonly chain: readonly Certificate[];
  /** The algorithm to use when a policy does not say. */
  readonly algorithm: SignatureAlgorithm;
  /** Signs; a promise where the key lives in another process or device. */
  sign(algorithm: SignatureAlgorithm, octets: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export interface SigningKeyOptions {
  /** PEM (PKCS#8, PKCS#1, SEC1; encrypted with `passphrase`), DER of PKCS#8, or a `KeyObject`. */
  readonly privateKey: string | Uint8Array | KeyObject;
  /** The certificate, then the issuers that the other end may lack. */
  readonly certificate: CertificateSource;
  readonly passphrase?: string;
}

/**
 * A signing key held in the memory of this process; the `KeyObject` is made once.
 *
 * @throws SecurityError `SECURITY_KEY` when the key cannot be read, is of no known kind, too weak, or is not the
 *   certificate's; `SECURITY_CERTIFICATE_MALFORMED`
 */
export function signingKey(options: SigningKeyOptions): SigningKey {
  const chain = certificates(options.certificate);
  const [own] = chain;
  if (own === undefined) {
    throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'A signing key needs its certificate.');
  }
  const key = new MemoryKey(readPrivateKey(options), own, chain);
  requirePair(key);
  return key;
}

class MemoryKey implements SigningKey {
  readonly #key: KeyObject;
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly algorithm: SignatureAlgorithm;

  constructor(key: KeyObject, own: Certificate, chain: readonly Certificate[]) {
    this.#key = key;
    this.certificate = own;
    this.chain = Object.freeze([...chain]);
    this.algorithm = key.asymmetricKeyType === 'ec' ? ecdsaSha256 : rsaSha256;
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

/** Signs and verifies once, so that a key that does not belong to its certificate is found when it is loaded. */
function requirePair(key: MemoryKey): void {
  const probe = new Uint8Array(32);
  const signature = key.sign(key.algorithm, probe);
  const certified = key.certificate.key;
  const sameKind = (certified.asymmetricKeyType === 'ec') === (key.algorithm.family === 'ecdsa');
  if (!sameKind || !verifyOctets(key.algorithm, certified, probe, signature)) {
    throw new SecurityError(
      'SECURITY_KEY',
      `The private key does not belong to the certificate of ${key.certificate.subject}.`,
    );
  }
}
