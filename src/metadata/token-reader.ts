/** Tokens in WS-SecurityPolicy: which they are, and that nothing they demand is passed over (sections 5.3 and 5.4). */
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
  readonly include: string;
}

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

/** Versions of tokens and ways to refer to them that both ends can do. */
const easy: Readonly<Partial<Record<TokenKind, readonly string[]>>> = Object.freeze({
  username: ['WssUsernameToken10', 'WssUsernameToken11'],
  certificate: [
    'WssX509V3Token10',
    'WssX509V3Token11',
    'RequireThumbprintReference',
    'RequireKeyIdentifierReference',
    'RequireIssuerSerialReference',
    'RequireEmbeddedTokenReference',
  ],
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
  // What a context demands is read where its bootstrap policy is.
  if (kind !== 'conversation') inside.finish();
  const include = assertion.element.attributes.find(({ local }) => local === 'IncludeToken')?.value ?? '/Always';
  return { kind, assertion, derivedKeys, passwordDigest, include: include.slice(include.lastIndexOf('/') + 1) };
}
