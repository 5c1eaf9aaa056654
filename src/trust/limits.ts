/** What a token service takes and gives at most, by default; each finite (SECURITY.md lists them). */
export const trustLimits: Readonly<
  Record<'lifetime' | 'mostTokens' | 'shortestKey' | 'longestKey' | 'entropy' | 'claims', number>
> = Object.freeze({
  /** Of a token, in milliseconds. */
  lifetime: 3_600_000,
  mostTokens: 100_000,
  /** Bits of a proof key (attack P8). */
  shortestKey: 128,
  longestKey: 512,
  /** Octets of entropy. */
  entropy: 128,
  /** Claims that one request asks for (attack D9). */
  claims: 64,
});
