/**
 * TLS protects the message, and a signature over the Timestamp says who sent it: WCF's CertificateOverTransport.
 */
import type { AlgorithmSuite } from '../algorithm-suites.ts';
import { SecurityError } from '../errors.ts';
import type { SigningKey } from '../keys.ts';
import { type CommonOptions, frozenPolicy } from '../policy.ts';
import type { SecurityPolicy } from '../protection.ts';
import type { TokenReference } from '../tokens/x509.ts';
import type { Trust } from '../trust.ts';
import { certificateSignature, endorsementRequirement, suiteOf, weakIn } from './common.ts';

export interface CertificateOverTransportOptions extends CommonOptions {
  /** At the initiator: the key that signs. */
  readonly key?: SigningKey;
  /** At the acceptor: who may come in. */
  readonly trust?: Trust;
  /** Algorithms, of what is sent and of what is accepted. Default `Aes256GcmSha256`, of which the signatures count here. */
  readonly suite?: AlgorithmSuite;
  /** How the certificate is named. Default `direct`: it is in the message. */
  readonly reference?: TokenReference;
}

/**
 * A certificate endorses the Timestamp (and wsa:To) of each request, over HTTPS; replies have a Timestamp. The Body is not signed:
 * whoever terminates TLS can change it.
 *
 * @throws SecurityError `SECURITY_POLICY` when neither `key` nor `trust` is given
 */
export function certificateOverTransport(options: CertificateOverTransportOptions): SecurityPolicy {
  const { key, trust } = options;
  if (key === undefined && trust === undefined) {
    throw new SecurityError('SECURITY_POLICY', 'certificateOverTransport needs a key (client) or trust (service).');
  }
  const suite = suiteOf(options);
  return frozenPolicy('certificateOverTransport', options, weakIn(suite), {
    inbound: {
      transport: 'tls',
      endorsement: trust === undefined ? undefined : endorsementRequirement(suite, options, trust, key),
    },
    outbound: { endorsement: key === undefined ? undefined : certificateSignature(suite, key, options.reference) },
    reply: { inbound: { transport: 'tls' } },
  });
}
