/**
 * The SAML assertion of a message: validated before the signatures, because one of them may be made with the key in it, and let
 * speak after them, because they say who sent it (SAML Token Profile 1.1 section 3.5; attacks K14, K15, X9).
 */
import type { KeyObject } from 'node:crypto';
import type { Instant } from '../base/clock.ts';
import type { Encrypted } from './coverage.ts';
import { SecurityError } from './errors.ts';
import type { SecurityHeader } from './header.ts';
import type { Proof } from './prove.ts';
import { readAssertion } from './tokens/saml-assertion.ts';
import type { SamlRequirement } from './tokens/saml-conditions.ts';
import { type SamlToken, type SenderProof, validateAssertion } from './tokens/saml-validate.ts';

/**
 * The one assertion that the policy requires.
 *
 * @throws SecurityError `SECURITY_TOKEN`, and as `validateAssertion`
 */
export async function requiredAssertion(
  header: SecurityHeader,
  saml: SamlRequirement,
  now: Instant,
): Promise<SamlToken> {
  const [element, second] = header.assertions;
  if (element === undefined || second !== undefined) {
    throw new SecurityError('SECURITY_TOKEN', 'The message does not have exactly one assertion.');
  }
  return validateAssertion(readAssertion(element), saml, now);
}

/** What the signatures of a message say of whoever sent its assertion. */
export function senderProof(
  { main, endorsing }: Pick<Proof, 'main' | 'endorsing'>,
  token: SamlToken,
  secure: boolean,
  encrypted: Encrypted | undefined,
): SenderProof {
  const keys = new Set<string>();
  const secrets: KeyObject[] = [];
  for (const { by } of main === undefined ? endorsing : [main, ...endorsing]) {
    if (by.kind === 'certificate') keys.add(by.certificate.keyFingerprint);
    else if (by.kind === 'secret' || by.kind === 'context') secrets.push(by.secret.key);
    else if (by.kind === 'password') continue;
    else if (by.fingerprint === undefined) secrets.push(by.key);
    else keys.add(by.fingerprint);
  }
  const { element } = token.assertion;
  const signed = main?.verified.covered.has(element) === true;
  const wasEncrypted = encrypted?.opened.places.has(element) === true;
  return {
    keys,
    secrets,
    attested: signed && main.by.kind === 'certificate',
    // Ciphertext can be copied by whoever cannot read it; to sign the assertion one has to know it.
    confidential: wasEncrypted ? signed : secure,
  };
}
