/**
 * A key derived of a password on its way out (UsernameToken Profile 1.1 section 4): the UsernameToken that it is derived of, and the
 * reference to it in the signature. A reply is signed with the key of its request and refers to the request's token, as CXF does it:
 * so no reply can be taken for a request, nor a request for its reply.
 */
import type { Random } from '../base/random.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { SecurityError } from './errors.ts';
import type { PasswordKey } from './exchange.ts';
import { usernameTokenType, wsse } from './names.ts';
import type { PasswordSignature } from './protection.ts';
import { writeDerivingToken } from './tokens/username-key.ts';

export interface PasswordKeying {
  /** The token to send; absent in a reply. */
  readonly inside: { readonly id: string; readonly fragment: XmlFragment; readonly isSecret: true } | undefined;
  readonly key: PasswordKey;
  /** What names the key in a ds:KeyInfo. */
  readonly reference: XmlFragment;
}

/**
 * @param requested the key of the request, where this is its reply
 * @throws SecurityError `SECURITY_POLICY` for a reply to a request that was not signed under a password
 */
export function passwordKeying(
  { credentials, rounds }: PasswordSignature,
  requested: PasswordKey | undefined,
  random: Random,
  id: () => string,
): PasswordKeying {
  if (credentials === undefined) {
    if (requested === undefined) {
      throw new SecurityError('SECURITY_POLICY', 'Only the reply to a request has the key of its password.');
    }
    return { inside: undefined, key: requested, reference: referenceTo(requested.id) };
  }
  const known = typeof credentials === 'function' ? credentials() : credentials;
  const own = id();
  const { token, key } = writeDerivingToken(own, known, 'mac', random, rounds);
  return {
    inside: { id: own, fragment: token, isSecret: true },
    key: { user: known.user, key, id: own },
    reference: referenceTo(own),
  };
}

function referenceTo(id: string): XmlFragment {
  return new XmlWriter()
    .start(wsse, 'SecurityTokenReference', 'wsse')
    .start(wsse, 'Reference', 'wsse')
    .attribute('', 'URI', `#${id}`)
    .attribute('', 'ValueType', usernameTokenType)
    .end()
    .end()
    .finish();
}
