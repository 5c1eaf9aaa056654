/**
 * From an assertion to claims (SAML Token Profile 1.1 section 3; SAML Core 2.0 sections 2.4 and 2.5): the issuer's signature under
 * that issuer's trust, time, audience, and who may present it. `validateAssertion` is about the assertion; `admitAssertion` is
 * about the message that brought it, once the message's own signatures are verified (attacks K14, K15, R12).
 */
import type { KeyObject } from 'node:crypto';
import type { Instant } from '../../base/clock.ts';
import { spkiFingerprint } from '../crypto.ts';
import { SecurityError, untrusted } from '../errors.ts';
import type { Signer } from '../evidence.ts';
import type { ReplayCache } from '../replay.ts';
import { byUri, modernDigests, modernSignatures } from '../suites.ts';
import type { Trust } from '../trust.ts';
import { type Claims, claimIdentity } from './claims.ts';
import { publicKeyOf } from './key-info.ts';
import type { SamlAssertion, SubjectConfirmation } from './saml-assertion.ts';
import { isHere, requireConditions, type SamlRequirement, tokenInvalid } from './saml-conditions.ts';
import { verifyAssertion } from './saml-signature.ts';

/** A confirmation that its own data allow here and now. */
export type Confirmation =
  | { readonly method: 'bearer' }
  | { readonly method: 'sender-vouches' }
  | {
      readonly method: 'holder-of-key';
      readonly key: KeyObject;
      /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex; absent for a secret. */
      readonly fingerprint: string | undefined;
    };

/** An assertion that is good in itself. It speaks for nobody until `admitAssertion`. */
export interface SamlToken {
  readonly assertion: SamlAssertion;
  /** Whether its issuer signed it. */
  readonly signed: boolean;
  readonly claims: Claims;
  /** The subject, for evidence; absent where the assertion names nobody. */
  readonly subject: Signer | undefined;
  readonly confirmations: readonly Confirmation[];
  readonly algorithms: readonly string[];
  /** When it stops being good here, the skew included. */
  readonly until: Instant;
  readonly once: boolean;
  readonly bearerOnce: boolean;
}

/** What the message shows of its sender, after its signatures were verified. */
export interface SenderProof {
  /** `keyFingerprint` of every private key that signed the Body, or over TLS the Timestamp. */
  readonly keys: ReadonlySet<string>;
  /** Secrets that signed the same. */
  readonly secrets: readonly KeyObject[];
  /** Whether an attester that the policy trusts signed this very assertion element and the Body. */
  readonly attested: boolean;
  /** Whether nobody on the way could read the assertion or change the message: TLS, or encryption under a signature. */
  readonly confidential: boolean;
}

/**
 * @throws SecurityError `SECURITY_TOKEN_INVALID` (issuer, audience, conditions), `SECURITY_TOKEN_EXPIRED`,
 *   `SECURITY_TOKEN_CONFIRMATION` when no confirmation is left, and as `verifyAssertion`
 */
export async function validateAssertion(
  assertion: SamlAssertion,
  requirement: SamlRequirement,
  now: Instant,
): Promise<SamlToken> {
  const issuer = requirement.issuers.find((one) => one.name === assertion.issuer);
  if (issuer === undefined) throw tokenInvalid(`The issuer "${untrusted(assertion.issuer)}" is not known`);
  const signed = assertion.signature !== undefined;
  if (!signed && requirement.unsigned !== true) throw tokenInvalid('The assertion is not signed by its issuer');
  const rows = {
    signatures: byUri(requirement.signatures ?? modernSignatures),
    digests: byUri(requirement.digests ?? modernDigests),
  };
  const algorithms = signed ? (await verifyAssertion(assertion, rows, issuer.trust, now)).algorithms : [];
  const until = requireConditions(assertion, requirement, now);
  const confirmations: Confirmation[] = [];
  for (const one of assertion.confirmations) {
    const taken = requirement.confirmations.includes(one.method) && (signed || one.method === 'sender-vouches');
    const confirmed =
      taken && isHere(one, requirement, now) ? await confirmation(one, requirement, issuer.trust) : undefined;
    if (confirmed !== undefined) confirmations.push(confirmed);
  }
  if (confirmations.length === 0) {
    throw new SecurityError(
      'SECURITY_TOKEN_CONFIRMATION',
      'The assertion has no subject confirmation that is taken here.',
    );
  }
  return Object.freeze({
    assertion,
    signed,
    claims: { issuer: assertion.issuer, subject: assertion.subject?.name, attributes: assertion.attributes },
    subject: subjectOf(assertion),
    confirmations,
    algorithms,
    until,
    once: assertion.oneTimeUse,
    bearerOnce: requirement.bearerOnce ?? false,
  });
}

/**
 * Lets the assertion speak for the sender of a message.
 *
 * @returns the confirmation that held
 * @throws SecurityError `SECURITY_TOKEN_CONFIRMATION` when none does, `SECURITY_REPLAY` for one that was to be used once,
 *   `SECURITY_REPLAY_FULL`
 */
export async function admitAssertion(
  token: SamlToken,
  proof: SenderProof,
  replay: ReplayCache,
  now: Instant,
): Promise<Confirmation> {
  const held = token.confirmations.find((one) => holds(one, proof));
  if (held === undefined) {
    throw new SecurityError('SECURITY_TOKEN_CONFIRMATION', 'Nothing shows that the sender may use the assertion.');
  }
  if (token.once || (token.bearerOnce && held.method === 'bearer')) {
    const { issuer, id } = token.assertion;
    const fresh = await replay.remember(`saml ${issuer.length} ${issuer} ${id}`, token.until, now);
    if (!fresh) throw new SecurityError('SECURITY_REPLAY', 'The assertion may be used once, and was used before.');
  }
  return held;
}

function holds(confirmed: Confirmation, proof: SenderProof): boolean {
  switch (confirmed.method) {
    case 'bearer':
      return proof.confidential;
    case 'sender-vouches':
      return proof.attested;
    case 'holder-of-key': {
      const { key, fingerprint } = confirmed;
      if (fingerprint !== undefined) return proof.keys.has(fingerprint);
      return proof.secrets.some((one) => one.equals(key));
    }
    default:
      return confirmed satisfies never;
  }
}

async function confirmation(
  { method, keyInfo }: SubjectConfirmation,
  requirement: SamlRequirement,
  trust: Trust,
): Promise<Confirmation | undefined> {
  if (method !== 'holder-of-key') return { method };
  if (keyInfo === undefined) return undefined;
  const named = publicKeyOf(keyInfo, trust.known);
  if (named !== undefined) return { method, key: named.key, fingerprint: spkiFingerprint(named.key) };
  const key = await requirement.openKey?.(keyInfo);
  return key && { method, key, fingerprint: key.type === 'secret' ? undefined : spkiFingerprint(key) };
}

function subjectOf({ subject, issuer }: SamlAssertion): Signer | undefined {
  if (subject === undefined) return undefined;
  const format = subject.format ?? '';
  const identity = claimIdentity('saml', issuer, `${format.length}:${format}:${subject.name}`);
  return { kind: 'saml', identity, name: subject.name };
}
