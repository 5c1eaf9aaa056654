/** Tokens in WS-SecurityPolicy: which they are, and that nothing they demand is passed over (sections 5.3 and 5.4). */
import type { CertificateReference } from '../binding/description.ts';
import { type Demands, notSpoken } from './demands.ts';
import { mssp, sp11, sp12, sp13 } from './namespaces.ts';
import type { PolicyAssertion } from './policy.ts';

export const sp: readonly string[] = Object.freeze([sp11, sp12]);
const all: readonly string[] = Object.freeze([sp11, sp12, sp13, mssp]);

export type TokenKind = 'username' | 'certificate' | 'issued' | 'kerberos' | 'spnego' | 'ssl' | 'conversation';

export interface ReadToken {
  readonly kind: TokenKind;
  readonly assertion: PolicyAssertion;
  readonly derivedKeys: boolean;
  readonly passwordDigest: boolean;
  /** The end of the IncludeToken URI; `Always` where nothing is said. */
  readonly include: Include;
  /** How a certificate is named that is not in the message, where that is said. */
  readonly reference: CertificateReference | undefined;
}

const includes = ['Never', 'Once', 'AlwaysToRecipient', 'AlwaysToInitiator', 'Always'] as const;
type Include = (typeof includes)[number];

const references: Readonly<Record<string, CertificateReference>> = Object.freeze({
  RequireThumbprintReference: 'thumbprint',
  RequireKeyIdentifierReference: 'key-identifier',
  RequireIssuerSerialReference: 'issuer-serial',
});

const kinds: Readonly<Record<string, TokenKind>> = Object.freeze({
  UsernameToken: 'username',
  X509Token: 'certificate',
  IssuedToken: 'issued',
  SamlToken: 'issued',
  KerberosToken: 'kerberos',
  SpnegoContextToken: 'spnego',
  SslContextToken: 'ssl',
  SecureConversationToken: 'conversation',
});

/** Versions of tokens, and ways to refer to others than certificates, that both ends can do. */
const easy: Readonly<Partial<Record<TokenKind, readonly string[]>>> = Object.freeze({
  username: ['WssUsernameToken10', 'WssUsernameToken11'],
  certificate: ['WssX509V3Token10', 'WssX509V3Token11'],
  issued: [
    'RequireInternalReference',
    'RequireExternalReference',
    'WssSamlV11Token10',
    'WssSamlV11Token11',
    'WssSamlV20Token11',
  ],
  kerberos: ['WssKerberosV5ApReqToken11', 'WssGssKerberosV5ApReqToken11'],
  spnego: ['MustNotSendCancel', 'MustNotSendAmend', 'MustNotSendRenew'],
  ssl: ['MustNotSendCancel', 'MustNotSendAmend', 'MustNotSendRenew', 'RequireClientCertificate'],
});

/**
 * The tokens among demands, each with what it demands.
 *
 * @throws MetadataError `METADATA_UNSUPPORTED`
 */
export function readTokens(demands: Demands): readonly ReadToken[] {
  return Object.keys(kinds).flatMap((local) => {
    const assertion = demands.take(all, local);
    return assertion === undefined ? [] : [readToken(demands, assertion)];
  });
}

function readToken(demands: Demands, assertion: PolicyAssertion): ReadToken {
  const kind = kinds[assertion.element.local] as TokenKind;
  const inside = demands.within(assertion);
  const derivedKeys = inside.has(all, 'RequireDerivedKeys', 'RequireExplicitDerivedKeys');
  const implied = inside.take(all, 'RequireImpliedDerivedKeys');
  if (implied !== undefined)
    throw notSpoken(implied, 'keys are derived by tokens that say so (RequireExplicitDerivedKeys)');
  const none = inside.take(all, 'NoPassword');
  if (none !== undefined) throw notSpoken(none, 'a user name without a password proves nothing');
  // A digest has Nonce and Created beside it, and a text has neither.
  const passwordDigest = kind === 'username' && inside.has(all, 'HashPassword', 'Created', 'Nonce');
  inside.has(all, ...(easy[kind] ?? []));
  const reference = kind === 'certificate' ? readReference(inside) : undefined;
  // What a context demands is read where its bootstrap policy is.
  if (kind !== 'conversation') inside.finish();
  return { kind, assertion, derivedKeys, passwordDigest, include: readInclude(assertion), reference };
}

/** @throws MetadataError `METADATA_UNSUPPORTED` */
function readInclude(assertion: PolicyAssertion): Include {
  const uri = assertion.element.attributes.find(({ local }) => local === 'IncludeToken')?.value.trim() ?? '/Always';
  const include = includes.find((one) => one === uri.slice(uri.lastIndexOf('/') + 1));
  if (include === undefined) throw notSpoken(assertion, 'its IncludeToken is none of WS-SecurityPolicy');
  return include;
}

/** @throws MetadataError `METADATA_UNSUPPORTED` */
function readReference(inside: Demands): CertificateReference | undefined {
  const embedded = inside.take(all, 'RequireEmbeddedTokenReference');
  if (embedded !== undefined) throw notSpoken(embedded, 'no reference has a certificate within it here');
  const [first, second] = Object.keys(references).flatMap((local) => inside.take(all, local) ?? []);
  if (second !== undefined) throw notSpoken(second, 'a certificate is named in one way, and one is demanded already');
  return first === undefined ? undefined : references[first.element.local];
}
