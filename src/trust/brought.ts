/**
 * Tokens that a request brings: of this token service itself, to be renewed, validated or cancelled, and of somebody else whom the
 * requester asks for. Of the latter everything is verified but who may present it, which is what `Delegation.allows` decides.
 */
import type { Instant } from '../base/clock.ts';
import { wsse } from '../security/names.ts';
import { byUri, modernDigests, modernSignatures } from '../security/suites.ts';
import { type Claims, unsafeAnyAudience } from '../security/tokens/claims.ts';
import { isJwtToken, readJwtToken, verifyJwt } from '../security/tokens/jwt.ts';
import { readTokenReference } from '../security/tokens/reference.ts';
import { isAssertion, readAssertion } from '../security/tokens/saml-assertion.ts';
import { requireConditions } from '../security/tokens/saml-conditions.ts';
import { verifyAssertion } from '../security/tokens/saml-signature.ts';
import { type Trust, trustPeers } from '../security/trust.ts';
import type { XmlElement } from '../xml/document.ts';
import { TrustError } from './errors.ts';
import type { Delegation, Settings } from './settings.ts';

/**
 * What this token service knows its token by: the token, or a reference to it. Whether it is good is not said.
 *
 * @throws TrustError `TRUST_UNSUPPORTED`; SecurityError where it is no token of this service
 */
export async function ownTokenId(settings: Settings, target: XmlElement | undefined, now: Instant): Promise<string> {
  const { issuer, key, replay } = settings;
  if (target?.is(wsse, 'SecurityTokenReference')) {
    const { target: named } = readTokenReference(target);
    if (named.kind === 'assertion') return named.id;
  }
  if (target !== undefined && isJwtToken(target)) {
    const rules = { issuers: [{ name: issuer, keys: key.certificate.key }], audiences: unsafeAnyAudience } as const;
    const { id } = await verifyJwt(readJwtToken(target), rules, now, replay);
    if (id !== undefined) return id;
  }
  if (target === undefined || !isAssertion(target)) throw unknownToken();
  const assertion = readAssertion(target);
  if (assertion.issuer !== issuer) throw unknownToken();
  await requireSigned(target, trustPeers(key.certificate), now);
  return assertion.id;
}

/**
 * What somebody's token says.
 *
 * @throws TrustError `TRUST_UNSUPPORTED`; SecurityError where it is not good
 */
export async function claimsOf(
  { saml, jwt }: Delegation,
  token: XmlElement,
  { replay }: Settings,
  now: Instant,
): Promise<Claims> {
  if (jwt !== undefined && isJwtToken(token)) return (await verifyJwt(readJwtToken(token), jwt, now, replay)).claims;
  if (saml === undefined || !isAssertion(token)) throw unknownToken();
  const assertion = readAssertion(token);
  const issuer = saml.issuers.find(({ name }) => name === assertion.issuer);
  if (issuer === undefined) throw unknownToken();
  await requireSigned(token, issuer.trust, now);
  requireConditions(assertion, { ...saml, confirmations: [] }, now);
  return { issuer: assertion.issuer, subject: assertion.subject?.name, attributes: assertion.attributes };
}

async function requireSigned(token: XmlElement, trust: Trust, now: Instant): Promise<void> {
  const rows = { signatures: byUri(modernSignatures), digests: byUri(modernDigests) };
  const assertion = readAssertion(token);
  if (assertion.signature === undefined) throw unknownToken();
  await verifyAssertion(assertion, rows, trust, now);
}

function unknownToken(): TrustError {
  return new TrustError('TRUST_UNSUPPORTED', 'The token is of a kind or an issuer that is not known here.');
}
