/**
 * The JSON Web Token of a message. Whoever reads it can use it, so it is taken only where nobody on the way could, and after the
 * message that brings it was verified, so that nothing of a forged message uses up a token (attacks K14, R12).
 */
import type { Instant } from '../base/clock.ts';
import type { XmlElement } from '../xml/document.ts';
import { SecurityError } from './errors.ts';
import type { SecurityHeader } from './header.ts';
import type { ReplayCache } from './replay.ts';
import { isJwtToken, type JwtRequirement, type JwtToken, readJwtToken, verifyJwt } from './tokens/jwt.ts';

/**
 * The one JSON Web Token that the policy requires.
 *
 * @param isHidden whether nobody on the way could read an element
 * @throws SecurityError `SECURITY_TOKEN`, `SECURITY_TRANSPORT`, and as `verifyJwt`
 */
export async function admittedJwt(
  header: SecurityHeader,
  requirement: JwtRequirement,
  isHidden: (element: XmlElement) => boolean,
  { now, replay }: { readonly now: Instant; readonly replay: ReplayCache },
): Promise<JwtToken> {
  const [token, second] = header.binaryTokens.filter(isJwtToken);
  if (token === undefined || second !== undefined) {
    throw new SecurityError('SECURITY_TOKEN', 'The message does not have exactly one JSON Web Token.');
  }
  if (!isHidden(token)) {
    throw new SecurityError('SECURITY_TRANSPORT', 'A JSON Web Token came neither encrypted nor through TLS.');
  }
  return verifyJwt(readJwtToken(token), requirement, now, replay);
}
