/**
 * A SAML assertion on its way out, and the reference that names it (SAML Token Profile 1.1 section 3.3: by its id, with its
 * type). It is written as its issuer signed it.
 */
import type { KeyObject } from 'node:crypto';
import { isNcName } from '../xml/characters.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { SecurityError } from './errors.ts';
import type { SigningKey } from './keys.ts';
import { wsse, wsse11 } from './names.ts';
import type { IssuedToken } from './protection.ts';
import { samlVersions } from './tokens/saml.ts';

export interface Issued {
  readonly inside: {
    readonly id: string;
    readonly fragment: XmlFragment;
    readonly isSecret: boolean;
    readonly verbatim: true;
    readonly unsigned: boolean;
  };
  readonly proof: SigningKey | KeyObject | undefined;
  readonly reference: XmlFragment;
}

/** @throws SecurityError `SECURITY_POLICY` when it is no assertion with an id */
export function issuedOf({ assertion, proof, bearer }: IssuedToken): Issued {
  const version = samlVersions.find(({ namespace }) => namespace === assertion.namespace);
  const id = version === undefined ? '' : (assertion.attribute(version.id) ?? '');
  if (version === undefined || assertion.local !== 'Assertion' || !isNcName(id)) {
    throw new SecurityError('SECURITY_POLICY', 'The issued token is no SAML assertion with an id.');
  }
  const reference = new XmlWriter()
    .start(wsse, 'SecurityTokenReference', 'wsse')
    .attribute(wsse11, 'TokenType', version.tokenType, 'wsse11')
    .start(wsse, 'KeyIdentifier', 'wsse')
    .attribute('', 'ValueType', version.identifierType)
    .text(id)
    .end()
    .end()
    .finish();
  // The endorsing signature speaks for a token with a key; peers do not expect it under another signature as well.
  const inside = { id, fragment: assertion, isSecret: bearer, verbatim: true, unsigned: proof !== undefined } as const;
  return { inside, proof, reference };
}
