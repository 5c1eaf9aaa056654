/**
 * Field profiles of Dutch government: Digikoppeling Koppelvlakstandaard WUS 3.8, best effort over two-way TLS. 2W-be-S signs,
 * 2W-be-SE signs and then encrypts (WB003, WB006). Signed: Body, Timestamp and every addressing header (WB004), with the
 * certificate in the message (WB010). Encrypted: the Body, never the signature (WB005), and in the reply for the certificate
 * that signed the request (WB012). Replies confirm the signature of their request (WB014). SHA-2, AES-GCM and RSA-OAEP
 * (Beveiligingsstandaarden SIGN001, ENC003, ENC004).
 */
import { SecurityError } from '../errors.ts';
import { frozenPolicy, reflected } from '../policy.ts';
import type { SecurityPolicy } from '../protection.ts';
import { certificateSignature, type EncryptedOptions, signatureRequirement, suiteOf, trustOf } from './common.ts';
import { asymmetric, type MutualCertificateWss10Options } from './mutual-certificate-wss10.ts';

export interface DigikoppelingOptions
  extends Pick<
    MutualCertificateWss10Options,
    'key' | 'peer' | 'trust' | 'suite' | 'decryption' | 'freshness' | 'lifetime' | 'layout' | 'unsafe'
  > {}

/**
 * Digikoppeling WUS 2W-be-S: signed, over TLS.
 *
 * @throws SecurityError `SECURITY_POLICY`, also for a suite that the profile does not take
 */
export function digikoppelingSigned(options: DigikoppelingOptions): SecurityPolicy {
  const suite = modernSuite(options);
  const signer = { kind: 'certificate', trust: trustOf(options), notFrom: reflected(options, options.key) } as const;
  const inbound = { transport: 'tls', signature: signatureRequirement(options, signer) } as const;
  const outbound = { signature: certificateSignature(suite, options.key) };
  return frozenPolicy('digikoppelingSigned', options, [], {
    inbound,
    outbound,
    reply: { inbound: { ...inbound, confirmation: true }, outbound: { ...outbound, confirmation: true } },
  });
}

/**
 * Digikoppeling WUS 2W-be-SE: signed, then encrypted, over TLS.
 *
 * @throws SecurityError `SECURITY_POLICY`, also for a suite that the profile does not take
 */
export function digikoppelingSignedEncrypted(options: DigikoppelingOptions): SecurityPolicy {
  modernSuite(options);
  return asymmetric('digikoppelingSignedEncrypted', { ...options, confirmSignatures: true }, 'tls', 'requester');
}

function modernSuite(options: EncryptedOptions): ReturnType<typeof suiteOf> {
  const suite = suiteOf(options);
  if (suite.weaknesses.length === 0 && suite.content.mode === 'gcm') return suite;
  throw new SecurityError('SECURITY_POLICY', `Digikoppeling does not take the suite ${suite.name}.`);
}
