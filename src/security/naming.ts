/**
 * Whether a wsse:SecurityTokenReference in what was signed names the token whose key signed it: what WS-ReliableMessaging lets a
 * CreateSequence say of the sequence that it asks for (1.1, section 5.2.1). A reference only finds a token; the signature has
 * proven which.
 */
import { equalBytes } from '../base/bytes.ts';
import { SurewireError } from '../base/errors.ts';
import type { XmlElement } from '../xml/document.ts';
import type { SecurityHeader } from './header.ts';
import { idsOf } from './profile.ts';
import type { Proof, ProvenSignature } from './prove.ts';
import { readContextToken, sameName } from './tokens/context.ts';
import { readTokenReference, type TokenReferenceRead } from './tokens/reference.ts';
import { foundCertificate } from './tokens/x509.ts';

/** @param header that the signatures stand in */
export function namingOf(header: SecurityHeader, proof: Proof | undefined): (reference: XmlElement) => boolean {
  return (reference) => {
    const signature = proof?.main ?? proof?.endorsing[0];
    if (proof === undefined || (signature === undefined && proof.context === undefined)) return false;
    try {
      return names(readTokenReference(reference), signature, proof, header);
    } catch (thrown) {
      // What cannot be read, or leads nowhere, names nobody.
      if (thrown instanceof SurewireError) return false;
      throw thrown;
    }
  };
}

function names(
  read: TokenReferenceRead,
  signature: ProvenSignature | undefined,
  { context, token }: Proof,
  header: SecurityHeader,
): boolean {
  const { target } = read;
  const ids = idsOf(header);
  const local = target.kind === 'local' ? ids.get(target.id) : undefined;
  if (context !== undefined) {
    if (local === undefined || !header.contextTokens.includes(local)) return false;
    return sameName(readContextToken(context.namespace, local), context);
  }
  const by = signature?.by;
  switch (by?.kind) {
    case 'certificate': {
      const found = foundCertificate(read, { header, ids, known: [by.certificate] });
      return equalBytes(found.certificate.der, by.certificate.der);
    }
    case 'secret':
      if (target.kind === 'encrypted-key') return equalBytes(target.sha1, by.secret.identifier);
      return local !== undefined && header.encryptedKeys.length === 1 && header.encryptedKeys.includes(local);
    case 'assertion':
      if (target.kind === 'assertion') return target.id === token?.assertion.id;
      return local !== undefined && local === token?.assertion.element;
    case 'password':
      return (
        local !== undefined &&
        header.usernameTokens.includes(local) &&
        target.kind === 'local' &&
        target.id === by.password.id
      );
    case 'context':
    case undefined:
      return false;
    default:
      return by satisfies never;
  }
}
