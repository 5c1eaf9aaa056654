/**
 * Keys that a ds:KeyInfo holds by value or names by certificate (XML Signature 1.1 section 4.5), for the keys of assertions:
 * the one that signed an assertion (believed only through a trusted certificate) and the one that its holder has to prove
 * (believed because the issuer signed it).
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { XmlElement } from '../../xml/document.ts';
import { child, childrenOf, requiredChild } from '../../xml/find.ts';
import { type Certificate, certificate } from '../certificates.ts';
import { publicKeyIn } from '../encryption/points.ts';
import { SecurityError } from '../errors.ts';
import { ds, wsse } from '../names.ts';
import { octetsOf } from '../values.ts';
import { issuerAndSerial, readTokenReference } from './reference.ts';
import { samlLimits } from './saml.ts';
import { readX509Token } from './x509.ts';

/** Octets of the largest RSA modulus that is read: 16384 bits. */
const largestModulus = 2_048;

export interface NamedKey {
  readonly key: KeyObject;
  readonly certificate: Certificate | undefined;
  readonly others: readonly Certificate[];
}

/**
 * The public key of a KeyInfo: by value, or through a certificate that it holds or selects among those that are known.
 *
 * @returns `undefined` when there is none in a form that is known
 * @throws SecurityError `SECURITY_CERTIFICATE_MALFORMED`, `SECURITY_KEY`, `SECURITY_LIMIT`, `SECURITY_MALFORMED`
 */
export function publicKeyOf(keyInfo: XmlElement, known: readonly Certificate[]): NamedKey | undefined {
  const found = certificateIn(keyInfo, known);
  if (found !== undefined) return found;
  const value = child(keyInfo, ds, 'KeyValue');
  const rsa = value && child(value, ds, 'RSAKeyValue');
  const key = rsa === undefined ? publicKeyIn(keyInfo) : rsaKey(rsa);
  return key && { key, certificate: undefined, others: [] };
}

function certificateIn(keyInfo: XmlElement, known: readonly Certificate[]): NamedKey | undefined {
  const reference = child(keyInfo, wsse, 'SecurityTokenReference');
  if (reference !== undefined) {
    const { target } = readTokenReference(reference);
    if (target.kind === 'embedded') {
      const { certificate: own, others } = readX509Token(target.token);
      return { key: own.key, certificate: own, others };
    }
    return target.kind === 'certificate' ? only(known.filter((one) => target.matches(one))) : undefined;
  }
  const data = child(keyInfo, ds, 'X509Data');
  if (data === undefined) return undefined;
  const encoded = childrenOf(data, ds, 'X509Certificate');
  if (encoded.length > samlLimits.certificates) {
    throw new SecurityError('SECURITY_LIMIT', 'A KeyInfo has too many certificates.');
  }
  const included = encoded.map((one) => certificate(octetsOf(one)));
  const leaves = included.filter((one) => !included.some((other) => other !== one && other.issuer === one.subject));
  const [leaf] = leaves;
  if (leaf !== undefined) {
    return { key: leaf.key, certificate: leaf, others: included.filter((one) => one !== leaf) };
  }
  const matches = issuerAndSerial(data);
  return matches && only(known.filter(matches));
}

function only([found, ambiguous]: readonly Certificate[]): NamedKey | undefined {
  if (found === undefined || ambiguous !== undefined) return undefined;
  return { key: found.key, certificate: found, others: [] };
}

function rsaKey(value: XmlElement): KeyObject {
  const [modulus, exponent] = [requiredChild(value, ds, 'Modulus'), requiredChild(value, ds, 'Exponent')].map(octetsOf);
  if (modulus === undefined || exponent === undefined || modulus.length > largestModulus || exponent.length > 8) {
    throw new SecurityError('SECURITY_KEY', 'An RSAKeyValue is too large.');
  }
  const url = (octets: Uint8Array) => Buffer.from(octets).toString('base64url');
  try {
    return createPublicKey({ key: { kty: 'RSA', n: url(modulus), e: url(exponent) }, format: 'jwk' });
  } catch (cause) {
    throw new SecurityError('SECURITY_KEY', 'An RSAKeyValue cannot be read.', { cause });
  }
}
