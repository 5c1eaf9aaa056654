/** What a token says of its subject, the same for every kind of token; told by an issuer whose signature was verified. */

export interface Claims {
  readonly issuer: string;
  /** Whom it is about; absent where the issuer names nobody. */
  readonly subject: string | undefined;
  /** What else is said, by the name of the attribute or claim; texts only. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** The name of a subject among those of an issuer, unambiguous whatever both are made of. */
export function claimIdentity(kind: 'saml' | 'jwt', issuer: string, subject: string): string {
  return `${kind}:${issuer.length}:${issuer}:${subject}`;
}

/** Longest life of an assertion or a JSON Web Token, and how far clocks may differ, where a policy does not say; milliseconds. */
export const tokenTimes: Readonly<Record<'lifetime' | 'skew', number>> = Object.freeze({
  lifetime: 86_400_000,
  skew: 300_000,
});

/** Takes assertions and JSON Web Tokens for whomever they were issued: any service that is sent one can use it here. */
export const unsafeAnyAudience: unique symbol = Symbol('unsafeAnyAudience');
