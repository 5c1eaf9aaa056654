/**
 * Messages under a security context (WS-SecureConversation): over TLS its key endorses the Timestamp and nothing else, as WCF does it
 * (SecureConversation over a transport bootstrap); at message level it signs and encrypts through derived keys (over a message
 * bootstrap). And the requests about a context: renewed under the credentials that it was asked for with and its own key,
 * cancelled under its own key, amended under its own key and the credentials that are added.
 */
import type { AlgorithmSuite } from '../algorithm-suites.ts';
import { SecurityError } from '../errors.ts';
import { frozenPolicy, secretive } from '../policy.ts';
import type { InboundPolicy, OutboundPolicy, Readers, SecurityPolicy, SignedUnder } from '../protection.ts';
import { byUri } from '../suites.ts';
import { isIncluded } from '../tokens/x509.ts';
import { encryptionProduction, encryptionRequirement, signatureRequirement, suiteOf, weakIn } from './common.ts';
import { derivedKeysOf, type ForCertificateOptions, secretSignature } from './for-certificate.ts';

/**
 * The key of a context signs the Timestamp of each request, over HTTPS; replies have a Timestamp.
 *
 * @throws SecurityError `SECURITY_POLICY`
 */
export function contextOverTransport(options: ForCertificateOptions): SecurityPolicy {
  const suite = suiteOf(options);
  return frozenPolicy('contextOverTransport', options, weakIn(suite), {
    inbound: { transport: 'tls', context: acceptedOf(suite) },
    outbound: { context: secretSignature(suite) },
    reply: { inbound: { transport: 'tls' } },
  });
}

export interface ContextOptions extends ForCertificateOptions {
  /**
   * Whether derived keys are said by the references to the context (implied, WS-SecureConversation 1.3 section 7.3) and not by
   * DerivedKeyTokens. Default false: WCF refuses them. What is received may do either.
   */
  readonly impliedKeys?: boolean;
}

/**
 * A context signs and encrypts both directions; its token goes with requests.
 *
 * @param clear namespaces of protocols whose Body is signed only
 * @throws SecurityError `SECURITY_POLICY`
 */
export function contextProtection(options: ContextOptions, clear: readonly string[] = []): SecurityPolicy {
  const { order = 'sign-encrypt', confirmSignatures = false } = options;
  const encryptSignature = options.encryptSignature ?? order === 'sign-encrypt';
  if (order === 'encrypt-sign' && encryptSignature) {
    throw new SecurityError(
      'SECURITY_POLICY',
      'What is signed after encryption is the ciphertext: the signature is not encrypted then.',
    );
  }
  const suite = suiteOf(options);
  const encryption = { order, signature: encryptSignature };
  const required = encryptionRequirement(options, { kind: 'context' }, { ...encryption, username: false });
  const inbound: Partial<InboundPolicy> = {
    signature: signatureRequirement(options, { kind: 'secret' }),
    encryption: Object.freeze({ ...required, clear: new Set([...required.clear, ...clear]) }),
  };
  const explicit = derivedKeysOf(options, suite);
  const derived = explicit && Object.freeze({ ...explicit, implied: options.impliedKeys === true });
  const outbound = (readers: Readers): Partial<OutboundPolicy> => ({
    signature: secretSignature(suite),
    encryption: Object.freeze({
      ...encryptionProduction(options, { ...encryption, readers, derived }),
      ...(clear.length > 0 ? { body: false } : {}),
    }),
  });
  return frozenPolicy('contextProtection', options, weakIn(suite), {
    inbound,
    outbound: outbound({ kind: 'context', token: 'included' }),
    reply: {
      inbound: { ...inbound, confirmation: confirmSignatures },
      outbound: { ...outbound({ kind: 'context', token: 'external' }), confirmation: confirmSignatures },
    },
  });
}

/** The policy that a context was asked for with, and a signature under the context besides. */
export function renewalUnder(bootstrap: SecurityPolicy, suite: AlgorithmSuite): SecurityPolicy {
  const { inbound, outbound } = bootstrap;
  return Object.freeze({
    ...bootstrap,
    name: `${bootstrap.name} renewal`,
    inbound: Object.freeze({ ...inbound, context: acceptedOf(suite) }),
    outbound: secretive({ ...outbound, username: outbound.username, context: secretSignature(suite) }),
  });
}

/**
 * How a context is amended (WS-SecureConversation 1.3, section 4): its key signs Body, headers and every token that is added, over TLS
 * too; the key of such a token, where it has one, signs that signature. What shows a password is encrypted.
 *
 * @param messages how the context protects messages at message level, signed before they are encrypted
 * @param added whose supporting tokens these are; of its own protection nothing is used
 * @param way in which the tokens go here
 * @throws SecurityError `SECURITY_POLICY` for a policy without a supporting token, or whose message signature says who it is
 */
export function amendmentUnder(
  messages: SecurityPolicy,
  added: SecurityPolicy,
  way: 'inbound' | 'outbound',
): SecurityPolicy {
  const { inbound, outbound } = messages;
  requireSupporting(added, way);
  const { username, saml, jwt, endorsement } = added.inbound;
  const { token, username: user } = added.outbound;
  return Object.freeze({
    ...messages,
    name: `${messages.name} amended by ${added.name}`,
    inbound: Object.freeze({
      ...inbound,
      ...{ username, saml, jwt, endorsement },
      signature: inbound.signature && Object.freeze({ ...inbound.signature, endorsers: true }),
      encryption: inbound.encryption && Object.freeze({ ...inbound.encryption, username: true }),
    }),
    outbound: secretive({
      ...outbound,
      token,
      username: user,
      endorsement: includedIn(added.outbound),
      endorsers: true,
    }),
  });
}

/** Nothing of a policy is passed over that says who somebody is. */
function requireSupporting({ name, inbound, outbound }: SecurityPolicy, way: 'inbound' | 'outbound'): void {
  const tokens =
    way === 'inbound'
      ? [inbound.username, inbound.saml, inbound.jwt, inbound.endorsement]
      : [outbound.username, outbound.token, outbound.endorsement];
  const signer = way === 'inbound' ? inbound.signature?.signer.kind : outbound.signature?.kind;
  if (tokens.some((one) => one !== undefined) && (signer ?? 'secret') === 'secret') return;
  throw new SecurityError(
    'SECURITY_POLICY',
    `${name} has no supporting token of this end to add to a security context. Use usernameOverTransport, certificateOverTransport, ` +
      'issuedTokenOverTransport or usernameKeyOverTransport; over which transport it goes, the context says.',
  );
}

/** The certificate that endorses goes along, so that it can be signed. */
function includedIn({ endorsement }: OutboundPolicy): OutboundPolicy['endorsement'] {
  if (endorsement?.kind !== 'certificate') return endorsement;
  const reference = isIncluded(endorsement.reference) ? endorsement.reference : 'direct';
  return Object.freeze({ ...endorsement, reference, token: true });
}

function acceptedOf({ accepted, keys }: AlgorithmSuite): SignedUnder {
  return Object.freeze({ keys, signatures: byUri(accepted.macs), digests: byUri(accepted.digests) });
}
