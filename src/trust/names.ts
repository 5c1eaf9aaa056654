/** Namespaces that requests for tokens borrow from, and the names of token types. */
import { jwtTokenType } from '../security/names.ts';
import { saml11, saml20 } from '../security/tokens/saml.ts';

/** ActAs, which WS-Trust 1.4 added and peers use with every version. */
export const wst14 = 'http://docs.oasis-open.org/ws-sx/ws-trust/200802';
/** AppliesTo. */
export const wsp = 'http://schemas.xmlsoap.org/ws/2004/09/policy';
/** Another of WS-Policy, in which AppliesTo is read as well. */
export const wsp15 = 'http://www.w3.org/ns/ws-policy';
/** Claim types, and the dialect of wst:Claims that lists them. */
export const identity = 'http://schemas.xmlsoap.org/ws/2005/05/identity';

export type TokenKind = 'saml11' | 'saml20' | 'jwt';

/** TokenType of each, as it is written first. */
const tokenTypes: Readonly<Record<TokenKind, readonly [string, ...string[]]>> = Object.freeze({
  saml11: [saml11.tokenType, 'urn:oasis:names:tc:SAML:1.0:assertion'],
  saml20: [saml20.tokenType, 'urn:oasis:names:tc:SAML:2.0:assertion'],
  jwt: [jwtTokenType],
});

export function tokenTypeOf(kind: TokenKind): string {
  return tokenTypes[kind][0];
}

/** The token that a TokenType means; WCF and ADFS also call assertions by their namespace. */
export function tokenKindOf(type: string): TokenKind | undefined {
  return (['saml20', 'saml11', 'jwt'] as const).find((kind) => tokenTypes[kind].includes(type));
}
