/**
 * Field profiles of Dutch government, Digikoppeling WUS, best effort over two-way TLS: 2W-be-S signs, 2W-be-SE signs and then
 * encrypts. Body, Timestamp and every addressing header are signed with RSA and SHA-256 or better; the certificate is in the
 * message and is signed with it; the Body is encrypted with AES-GCM for the certificate of the other end.
 */
import { algorithmSuite } from '../algorithm-suites.ts';
import { SecurityError } from '../errors.ts';
import { frozenPolicy, reflected } from '../policy.ts';
import type { SecurityPolicy } from '../protection.ts';
import { certificateSignature, signatureRequirement, suiteOf, trustOf, weakIn } from './common.ts';
import { asymmetric, type MutualCertificateWss10Options } from './mutual-certificate-wss10.ts';

export interface DigikoppelingOptions
  extends Pick<
    MutualCertificateWss10Options,
    'key' | 'peer' | 'trust' | 'suite' | 'decryption' | 'freshness' | 'lifetime' | 'layout' | 'unsafe'
  > {}

/**
 * Digikoppeling WUS 2W-be-S: signed, over TLS.
 *
 * @throws SecurityError `SECURITY_POLICY`
 */
export function digikoppelingSigned(options: DigikoppelingOptions): SecurityPolicy {
  const suite = suiteOf(options);
  requireModern(suite.name, weakIn(suite));
  const signer = { kind: 'certificate', trust: trustOf(options), notFrom: reflected(options, options.key) } as const;
  return frozenPolicy('digikoppelingSigned', options, [], {
    inbound: { transport: 'tls', signature: signatureRequirement(options, signer, true) },
    outbound: { signature: certificateSignature(suite, options.key, 'direct', true) },
  });
}

/**
 * Digikoppeling WUS 2W-be-SE: signed, then encrypted, over TLS.
 *
 * @throws SecurityError `SECURITY_POLICY`
 */
export function digikoppelingSignedEncrypted(options: DigikoppelingOptions): SecurityPolicy {
  const suite = options.suite ?? algorithmSuite('Aes256GcmSha256');
  requireModern(suite.name, weakIn(suite));
  return asymmetric('digikoppelingSignedEncrypted', { ...options, suite, protectTokens: true }, 'tls');
}

function requireModern(name: string, weaknesses: readonly string[]): void {
  if (weaknesses.length > 0) {
    throw new SecurityError('SECURITY_POLICY', `Digikoppeling does not take the suite ${name}.`);
  }
}
