/**
 * What a service requires of assertions, and the conditions of one against it (SAML Core 2.0 sections 2.4.1.2 and 2.5.1): time,
 * audience, and what a confirmation says of where and when it may be presented (attack K15). A condition of a kind that nobody
 * here knows was refused when the assertion was read.
 */
import type { KeyObject } from 'node:crypto';
import { type Instant, later } from '../../base/clock.ts';
import type { XmlElement } from '../../xml/document.ts';
import { SecurityError } from '../errors.ts';
import type { DigestAlgorithm, SignatureAlgorithm } from '../suites.ts';
import type { Trust } from '../trust.ts';
import { tokenTimes, unsafeAnyAudience } from './claims.ts';
import type { ConfirmationMethod } from './saml.ts';
import type { SamlAssertion, SubjectConfirmation } from './saml-assertion.ts';

/** An issuer, and whose signatures are its own: the trust of one issuer proves nothing of another. */
export interface SamlIssuer {
  /** As the assertion's Issuer has it, character for character. */
  readonly name: string;
  readonly trust: Trust;
}

export interface SamlRequirement {
  readonly issuers: readonly SamlIssuer[];
  /** Names of this service, one of which every AudienceRestriction has to have. */
  readonly audiences: readonly string[] | typeof unsafeAnyAudience;
  /** The ways of confirmation that are taken. */
  readonly confirmations: readonly ConfirmationMethod[];
  /** Addresses of this service that a confirmation may name as Recipient. Default: the audiences. */
  readonly recipients?: readonly string[];
  /** The request that a confirmation may say it answers; one that says so otherwise is refused. */
  readonly inResponseTo?: string;
  readonly signatures?: readonly SignatureAlgorithm[];
  readonly digests?: readonly DigestAlgorithm[];
  /** Longest life of an assertion, in milliseconds. Default 24 hours. */
  readonly lifetime?: number;
  /** How far clocks may differ, in milliseconds. Default 5 minutes. */
  readonly skew?: number;
  /** Takes assertions that no issuer signed where a trusted attester vouches for them. Default false. */
  readonly unsigned?: boolean;
  /** Refuses a second message with the same bearer assertion, also without OneTimeUse. Default false. */
  readonly bearerOnce?: boolean;
  /** Opens what else a holder's KeyInfo may hold: an EncryptedKey for this service. */
  openKey?(keyInfo: XmlElement): Promise<KeyObject | undefined>;
}

/**
 * @returns when the assertion stops being good here, the skew included
 * @throws SecurityError `SECURITY_TOKEN_EXPIRED`, `SECURITY_TOKEN_INVALID`
 */
export function requireConditions(assertion: SamlAssertion, requirement: SamlRequirement, now: Instant): Instant {
  const until = requireTime(assertion, requirement, now);
  requireAudience(assertion, requirement);
  return until;
}

function requireTime(assertion: SamlAssertion, requirement: SamlRequirement, now: Instant): Instant {
  const { lifetime = tokenTimes.lifetime, skew = tokenTimes.skew } = requirement;
  const { issued, notBefore, notOnOrAfter } = assertion;
  const start = notBefore ?? issued;
  const end = notOnOrAfter ?? later(issued, lifetime);
  if (start > later(now, skew) || issued > later(now, skew)) throw expired('is not valid yet');
  if (end <= start || end - start > lifetime) throw expired(`claims to be good for ${end - start} ms`);
  const until = later(end, skew);
  if (now >= until) throw expired(`ended ${now - end} ms ago`);
  return until;
}

function requireAudience({ audiences }: SamlAssertion, requirement: SamlRequirement): void {
  const own = requirement.audiences;
  if (own === unsafeAnyAudience) return;
  const meant = audiences.length > 0 && audiences.every((names) => names.some((one) => own.includes(one)));
  if (!meant) throw tokenInvalid('The assertion was issued for another audience, or for no one in particular');
}

/** Whether the data of a confirmation allow it here and now. */
export function isHere(one: SubjectConfirmation, requirement: SamlRequirement, now: Instant): boolean {
  const { skew = tokenTimes.skew, audiences } = requirement;
  const recipients = requirement.recipients ?? (audiences === unsafeAnyAudience ? undefined : audiences);
  const early = one.notBefore !== undefined && one.notBefore > later(now, skew);
  const late = one.notOnOrAfter !== undefined && now >= later(one.notOnOrAfter, skew);
  const elsewhere = one.recipient !== undefined && recipients?.includes(one.recipient) === false;
  const answer = one.inResponseTo !== undefined && one.inResponseTo !== requirement.inResponseTo;
  // An address of the network is nothing that this room can see.
  return !early && !late && !elsewhere && !answer && one.address === undefined;
}

export function tokenInvalid(what: string): SecurityError {
  return new SecurityError('SECURITY_TOKEN_INVALID', `${what}.`);
}

function expired(what: string): SecurityError {
  return new SecurityError('SECURITY_TOKEN_EXPIRED', `The assertion ${what}.`);
}
