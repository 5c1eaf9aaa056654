/** One signature on its way out, and what names its key. */
import { after } from '../base/after.ts';
import { signOctets } from './crypto.ts';
import { SecurityError } from './errors.ts';
import { insideHeader, withoutDs } from './header.ts';
import type { Keying } from './keying.ts';
import { partOf } from './parts.ts';
import type { PasswordKeying } from './password-key.ts';
import type { CertificateSignature, PasswordSignature, SignatureProduction } from './protection.ts';
import { type SignedPart, signedInfoOctets, signedInfoText, writeSignature, writeSignedInfo } from './signature.ts';
import { isIncluded, writeBinaryToken, writeTokenReference } from './tokens/x509.ts';

/** What names the key of a certificate: the same in every message, so it is written once. */
export interface Token {
  readonly included: string;
  readonly signed: readonly SignedPart[];
  readonly reference: string;
}

export function tokenOf(signature: CertificateSignature, id: string): Token {
  const { certificate, chain } = signature.key;
  const reference = withoutDs(writeTokenReference(signature.reference, certificate, id));
  if (!isIncluded(signature.reference)) return { included: '', signed: [], reference };
  const token = writeBinaryToken(id, certificate, signature.reference, chain);
  const signed = signature.token ? [partOf({ id, fragment: token }, signature.digest)] : [];
  return { included: insideHeader(token), signed, reference };
}

/** A signature under the key of a password is one under a secret. */
export function under(
  signature: SignatureProduction | PasswordSignature,
  password: PasswordKeying | undefined,
): readonly [SignatureProduction, Pick<Keying, 'signing'>] {
  if (signature.kind !== 'password') return [signature, { signing: undefined }];
  const { algorithm, digest } = signature;
  const signing = password && { key: password.key.key, reference: withoutDs(password.reference) };
  return [{ kind: 'secret', algorithm, digest }, { signing }];
}

export interface Signed {
  /** The ds:Signature standing alone. */
  readonly text: string;
  readonly value: Uint8Array;
}

/**
 * @param reference what names the key of a certificate
 * @param keying the secret, where one signs
 * @param id of the signature, where another covers it
 * @throws SecurityError `SECURITY_POLICY` where there is no secret
 */
export function sign(
  parts: readonly SignedPart[],
  signature: SignatureProduction,
  reference: string | undefined,
  keying: Pick<Keying, 'signing'> | undefined,
  id: string | undefined,
): Signed | Promise<Signed> {
  const content = writeSignedInfo(parts, signature.algorithm, signature.digest);
  if (signature.kind === 'certificate') {
    const made = signature.key.sign(signature.algorithm, signedInfoOctets(content));
    return after(made, (value) => ({ text: writeSignature(content, value, reference ?? '', id), value }));
  }
  const named = keying?.signing;
  if (named === undefined) {
    throw new SecurityError('SECURITY_POLICY', 'A signature under a secret needs an encryption that makes the secret.');
  }
  const value = signOctets(signature.algorithm, named.key, signedInfoText(content));
  return { text: writeSignature(content, value, named.reference, id), value };
}
