/**
 * Keys that never enter this process: in an HSM, behind PKCS#11, at a key management service. What holds one is asked to sign,
 * or to open a key; the private key is checked against its certificate once, when it is introduced.
 */
import { inspect } from 'node:util';
import { type Certificate, type CertificateSource, certificates } from './certificates.ts';
import { signatureFamilies, verifyOctets } from './crypto.ts';
import type { Decrypter } from './encryption/decrypter.ts';
import { SecurityError } from './errors.ts';
import type { SigningKey } from './keys.ts';
import { modernSignatures, type SignatureAlgorithm } from './suites.ts';

/** What a device or service does with a private key. */
export interface ExternalKeyOptions {
  /** The certificate of the key, then the issuers that the other end may lack. */
  readonly certificate: CertificateSource;
  /** The algorithm to use when a policy does not say. Default: the SHA-256 one of the kind of key. */
  readonly algorithm?: SignatureAlgorithm;
  /**
   * Signs `octets` (it hashes them itself, as the algorithm says); ECDSA as r‖s of fixed length. An error with
   * `transient: true` says that trying again may help.
   */
  sign(algorithm: SignatureAlgorithm, octets: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Opens what was encrypted for the certificate; absent where the key only signs. */
  readonly decrypter?: Decrypter;
  /** How long to wait for one signature, in milliseconds. Default 10 seconds. */
  readonly timeout?: number;
}

const defaultTimeout = 10_000;

/**
 * A signing key that lives elsewhere. It is asked for one signature at once, so that a wrong key, or one out of reach, is found
 * when it is introduced and not with the first message.
 *
 * @throws SecurityError `SECURITY_KEY` when it signs with another key than the certificate's, or does not answer;
 *   `SECURITY_CERTIFICATE_MALFORMED`
 */
export async function externalSigningKey(options: ExternalKeyOptions): Promise<SigningKey> {
  const chain = certificates(options.certificate);
  const [own] = chain;
  if (own === undefined) {
    throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'A signing key needs its certificate.');
  }
  const families = signatureFamilies(own.key);
  const algorithm = options.algorithm ?? modernSignatures.find((row) => families.includes(row.family));
  if (algorithm === undefined || !families.includes(algorithm.family)) {
    throw new SecurityError('SECURITY_KEY', `The key of ${own.subject} does not fit a known signature algorithm.`);
  }
  const key = new ExternalKey(options, own, chain, algorithm);
  const probe = new Uint8Array(32);
  if (!verifyOctets(algorithm, own.key, probe, await key.sign(algorithm, probe))) {
    throw new SecurityError('SECURITY_KEY', `What was asked to sign has not the key of ${own.subject}.`);
  }
  return key;
}

class ExternalKey implements SigningKey {
  readonly #sign: ExternalKeyOptions['sign'];
  readonly #timeout: number;
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly algorithm: SignatureAlgorithm;
  readonly decrypter: Decrypter | undefined;

  constructor(
    options: ExternalKeyOptions,
    own: Certificate,
    chain: readonly Certificate[],
    algorithm: SignatureAlgorithm,
  ) {
    this.#sign = (row, octets, signal) => options.sign(row, octets, signal);
    this.#timeout = options.timeout ?? defaultTimeout;
    this.certificate = own;
    this.chain = Object.freeze([...chain]);
    this.algorithm = algorithm;
    this.decrypter = options.decrypter;
    Object.freeze(this);
  }

  async sign(algorithm: SignatureAlgorithm, octets: Uint8Array): Promise<Uint8Array> {
    if (!signatureFamilies(this.certificate.key).includes(algorithm.family)) {
      throw new SecurityError('SECURITY_KEY', `The key does not fit the algorithm ${algorithm.uri}.`);
    }
    const signal = AbortSignal.timeout(this.#timeout);
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      return await Promise.race([this.#sign(algorithm, octets, signal), late]);
    } catch (cause) {
      const transient = signal.aborted || (cause as { transient?: unknown } | null)?.transient === true;
      throw new SecurityError('SECURITY_KEY', `The key of ${this.certificate.subject} could not be used.`, {
        cause,
        transient,
      });
    }
  }

  toJSON(): object {
    return { certificate: this.certificate.subject, fingerprint: this.certificate.fingerprint };
  }

  [inspect.custom](): string {
    return `ExternalKey { ${this.certificate.subject} }`;
  }
}
