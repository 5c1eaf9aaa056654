/** What is tried with the digests of a message by somebody who cannot open it. */
import { instant } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { base64Digest } from '../../src/security/crypto.ts';
import { sha256 } from '../../src/security/suites.ts';
import { type UsernameCredentials, writeUsernameToken } from '../../src/security/tokens/username.ts';
import { start } from '../security/rig.ts';

/** Whether what anybody sees of a message tells the right password from a wrong one. */
export function isGuessed(octets: string, username: UsernameCredentials): boolean {
  const digests = new Set(octets.match(/(?<=<ds:DigestValue>)[^<]+/g));
  const ids = octets.match(/(?<=<ds:Reference URI="#)[^"]+/g) ?? [];
  return ids.some((id) => {
    const token = writeUsernameToken(id, username, instant(start), seededRandom(1));
    return digests.has(base64Digest(sha256, token.bytes));
  });
}
