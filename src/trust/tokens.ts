/** The tokens that a token service writes: SAML assertions and JSON Web Tokens, with the references that name them in messages. */
import type { KeyObject } from 'node:crypto';
import type { Instant } from '../base/clock.ts';
import { uuidUrn } from '../base/random.ts';
import type { Certificate } from '../security/certificates.ts';
import { sealKey } from '../security/encryption/encrypted-key.ts';
import { assertionReference } from '../security/issued-token.ts';
import { recipientOf } from '../security/keying.ts';
import { jwtTokenType, wsse } from '../security/names.ts';
import { writeJwtToken } from '../security/tokens/jwt.ts';
import { signedJwt } from '../security/tokens/jwt-write.ts';
import { saml11, saml20 } from '../security/tokens/saml.ts';
import { writeAssertion } from '../security/tokens/saml-write.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { TrustError } from './errors.ts';
import { type TokenKind, tokenTypeOf } from './names.ts';
import type { RelyingParty, Settings, Subject } from './settings.ts';

/** The key that a token carries. */
export type TokenKey =
  | { readonly kind: 'bearer' }
  | { readonly kind: 'public'; readonly key: Certificate | KeyObject }
  | { readonly kind: 'symmetric'; readonly secret: KeyObject };

export interface WrittenToken {
  /** What the token service knows it by. */
  readonly id: string;
  readonly tokenType: string;
  readonly token: XmlFragment;
  readonly attached: XmlFragment;
}

export interface TokenContent {
  readonly kind: TokenKind;
  readonly subject: Subject;
  readonly party: RelyingParty;
  readonly key: TokenKey;
  readonly created: Instant;
  readonly expires: Instant;
}

/** @throws TrustError `TRUST_UNSUPPORTED` for a key that the token cannot carry; what the signing key throws */
export async function writeToken(settings: Settings, content: TokenContent): Promise<WrittenToken> {
  const id = `_${uuidUrn(settings.random).replace('urn:uuid:', '')}`;
  return content.kind === 'jwt' ? jwt(settings, content, id) : assertion(settings, content, id);
}

async function assertion(
  { issuer, key: signing, suite, random }: Settings,
  { kind, subject, party, key, created, expires }: TokenContent,
  id: string,
): Promise<WrittenToken> {
  const version = kind === 'saml11' ? saml11 : saml20;
  const holder = key.kind === 'symmetric' ? sealed(key.secret) : key.kind === 'public' ? key.key : undefined;
  const token = await writeAssertion(
    {
      ...{ version, id, issuer, issued: created, notBefore: created, notOnOrAfter: expires },
      audiences: [party.address],
      subject: subject.format === undefined ? { name: subject.name } : { name: subject.name, format: subject.format },
      confirmation: holder === undefined ? { method: 'bearer' } : { method: 'holder-of-key', holder },
      attributes: subject.attributes ?? new Map(),
    },
    { key: signing, digest: suite.digest },
  );
  return { id, tokenType: tokenTypeOf(kind), token, attached: assertionReference(version, id) };

  /** The proof key, for the service that the token is for. */
  function sealed(secret: KeyObject): XmlFragment {
    if (party.certificate === undefined) {
      throw new TrustError('TRUST_UNSUPPORTED', `There is no certificate of ${party.address} to encrypt a key for.`);
    }
    return sealKey(secret, recipientOf({ suite, reference: 'thumbprint' }, party.certificate), { random }).fragment;
  }
}

async function jwt(
  { issuer, key: signing }: Settings,
  { subject, party, key, created, expires }: TokenContent,
  id: string,
): Promise<WrittenToken> {
  if (key.kind !== 'bearer') {
    throw new TrustError('TRUST_UNSUPPORTED', 'JSON Web Tokens are issued as bearer tokens only.');
  }
  const seconds = (when: Instant): number => Math.floor(when / 1_000);
  const attributes = [...(subject.attributes ?? [])].map(([name, values]) => [
    name,
    values.length === 1 ? values[0] : values,
  ]);
  const claims = {
    ...Object.fromEntries(attributes),
    ...{ iss: issuer, sub: subject.name, aud: party.address, jti: id },
    ...{ iat: seconds(created), nbf: seconds(created), exp: seconds(expires) },
  };
  const token = writeJwtToken(id, await signedJwt(claims, signing));
  const attached = new XmlWriter()
    .start(wsse, 'SecurityTokenReference', 'wsse')
    .start(wsse, 'Reference', 'wsse')
    .attribute('', 'URI', `#${id}`)
    .attribute('', 'ValueType', jwtTokenType)
    .end()
    .end()
    .finish();
  return { id, tokenType: tokenTypeOf('jwt'), token, attached };
}
