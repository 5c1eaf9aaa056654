/**
 * A token that a security token service has issued, SAML assertion or JSON Web Token, says who the initiator is: over HTTPS (WCF's IssuedTokenOverTransport),
 * or in the symmetric binding of the service's certificate (IssuedTokenForCertificate).
 */
import { SecurityError } from '../errors.ts';
import type { SigningKey } from '../keys.ts';
import { type CommonOptions, frozenPolicy } from '../policy.ts';
import type { InboundPolicy, OutboundPolicy, SecurityPolicy, TokenSource } from '../protection.ts';
import { openHeldKey } from '../tokens/held-key.ts';
import type { JwtRequirement } from '../tokens/jwt.ts';
import type { SamlRequirement } from '../tokens/saml-conditions.ts';
import { assertionRequirement, decryptionKeys, type EncryptedOptions, suiteOf, weakIn } from './common.ts';
import { type AnonymousForCertificateOptions, symmetric } from './for-certificate.ts';

export interface IssuedTokenOptions {
  /** At the initiator: the token to send. */
  readonly token?: TokenSource;
  /** At the acceptor: whose assertions, and for whom. */
  readonly saml?: Omit<SamlRequirement, 'confirmations'>;
  /** At the acceptor: the key of the service, which opens the secrets that assertions carry for it. */
  readonly key?: SigningKey;
  /** At the acceptor, instead of `saml`: whose JSON Web Tokens, and for whom. They are bearer tokens, whatever `confirmation` says. */
  readonly jwt?: JwtRequirement;
  /**
   * Of assertions. `holder-of-key` (default): the key in the assertion signs the message signature, or over HTTPS the Timestamp. `bearer`: whoever
   * has the assertion may use it.
   */
  readonly confirmation?: 'holder-of-key' | 'bearer';
}

export interface IssuedTokenOverTransportOptions
  extends CommonOptions,
    IssuedTokenOptions,
    Pick<EncryptedOptions, 'suite'> {}

/**
 * An issued token and a Timestamp in each request, a Timestamp in each reply, over HTTPS. The initiator gives `token`, the acceptor
 * `saml` or `jwt`.
 *
 * @throws SecurityError `SECURITY_POLICY` when neither is given
 */
export function issuedTokenOverTransport(options: IssuedTokenOverTransportOptions): SecurityPolicy {
  const { inbound, outbound } = issuedToken('issuedTokenOverTransport', options);
  return frozenPolicy('issuedTokenOverTransport', options, weakIn(suiteOf(options)), {
    inbound: { transport: 'tls', ...inbound },
    outbound,
    reply: { inbound: { transport: 'tls' } },
  });
}

export interface IssuedTokenForCertificateOptions extends AnonymousForCertificateOptions, IssuedTokenOptions {}

/**
 * An issued token under the secret that is encrypted for the service's certificate. The initiator gives `peer` and `token`, the
 * acceptor `key` and `saml` or `jwt`.
 *
 * @throws SecurityError `SECURITY_POLICY`
 */
export function issuedTokenForCertificate(options: IssuedTokenForCertificateOptions): SecurityPolicy {
  const name = 'issuedTokenForCertificate';
  return symmetric(name, { confirmSignatures: true, ...options }, issuedToken(name, options));
}

function issuedToken(
  name: string,
  options: IssuedTokenOptions & Pick<EncryptedOptions, 'suite'>,
): { readonly inbound: Partial<InboundPolicy>; readonly outbound: Partial<OutboundPolicy> } {
  const { token, saml, jwt, confirmation = 'holder-of-key' } = options;
  if (token === undefined && (saml === undefined) === (jwt === undefined)) {
    throw new SecurityError(
      'SECURITY_POLICY',
      `${name} needs a token (client), or one requirement of tokens (service).`,
    );
  }
  const suite = suiteOf(options);
  const keys = options.key?.decrypter === undefined ? [] : decryptionKeys(options, options.key);
  const openKey = saml?.openKey ?? openHeldKey(keys, suite.accepted.encryption);
  const holds = confirmation === 'holder-of-key';
  return {
    inbound: {
      saml:
        saml === undefined
          ? undefined
          : Object.freeze({ ...saml, openKey, confirmations: Object.freeze([confirmation]) }),
      jwt,
      endorsement: holds && saml !== undefined ? assertionRequirement(suite) : undefined,
    },
    outbound: {
      token,
      endorsement: holds && token !== undefined ? Object.freeze({ kind: 'issued', suite }) : undefined,
    },
  };
}
