/**
 * A token that somebody else issued, on its way out: a SAML assertion as its issuer signed it, and the reference that names it (SAML
 * Token Profile 1.1 section 3.3: by its id, with its type), or a JSON Web Token in a BinarySecurityToken.
 */
import type { KeyObject } from 'node:crypto';
import { isNcName } from '../xml/characters.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { SecurityError } from './errors.ts';
import type { SigningKey } from './keys.ts';
import { wsse, wsse11 } from './names.ts';
import type { IssuedAssertion, IssuedJwt, IssuedToken } from './protection.ts';
import { writeJwtToken } from './tokens/jwt.ts';
import { type SamlVersion, samlVersions } from './tokens/saml.ts';

export interface Issued {
  readonly inside: {
    readonly id: string;
    readonly fragment: XmlFragment;
    readonly isSecret: boolean;
    readonly verbatim: boolean;
    readonly unsigned: boolean;
  };
  readonly proof: SigningKey | KeyObject | undefined;
  /** Names the key of the token; absent where it has none. */
  readonly reference: XmlFragment | undefined;
}

/**
 * @param id of a JSON Web Token in the message
 * @param isSigned whether the message signature covers a token with a key as well
 * @throws SecurityError `SECURITY_POLICY` when it is no assertion with an id
 */
export function issuedOf(token: IssuedToken, id: () => string, isSigned: boolean = false): Issued {
  return 'jwt' in token ? issuedJwt(token, id()) : issuedAssertion(token, isSigned);
}

function issuedJwt({ jwt }: IssuedJwt, id: string): Issued {
  const inside = { id, fragment: writeJwtToken(id, jwt), isSecret: true, verbatim: false, unsigned: false };
  return { inside, proof: undefined, reference: undefined };
}

function issuedAssertion({ assertion, proof, bearer, reference }: IssuedAssertion, isSigned: boolean): Issued {
  const version = samlVersions.find(({ namespace }) => namespace === assertion.namespace);
  const id = version === undefined ? '' : (assertion.attribute(version.id) ?? '');
  const isAssertion = version !== undefined && assertion.local === 'Assertion' && isNcName(id);
  if (!isAssertion && (isSigned || reference === undefined || proof === undefined)) {
    throw new SecurityError('SECURITY_POLICY', 'The issued token is no SAML assertion with an id.');
  }
  // The endorsing signature speaks for a token with a key; peers do not expect it under another signature as well.
  const unsigned = proof !== undefined && !isSigned;
  const inside = { id, fragment: assertion, isSecret: bearer, verbatim: true, unsigned } as const;
  return { inside, proof, reference: isAssertion ? assertionReference(version, id) : reference };
}

/** What names an assertion by its id. */
export function assertionReference(version: SamlVersion, id: string): XmlFragment {
  return new XmlWriter()
    .start(wsse, 'SecurityTokenReference', 'wsse')
    .attribute(wsse11, 'TokenType', version.tokenType, 'wsse11')
    .start(wsse, 'KeyIdentifier', 'wsse')
    .attribute('', 'ValueType', version.identifierType)
    .text(id)
    .end()
    .end()
    .finish();
}
