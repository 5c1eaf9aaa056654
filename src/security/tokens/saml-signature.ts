/**
 * The signature of an assertion: enveloped, over the assertion itself and nothing else (SAML Core 2.0 section 5.4, SAML Core 1.1
 * section 5). One reference, by the id of the very element that is read; two transforms; so what is verified and what is used
 * are one element (invariant I1; attacks X1 to X9).
 */
import type { Instant } from '../../base/clock.ts';
import { elementsById } from '../../xml/find.ts';
import { exclusive } from '../../xml/methods.ts';
import type { Certificate } from '../certificates.ts';
import { SecurityError, untrusted } from '../errors.ts';
import { readSignature, type SignatureProfile, verifySignature } from '../signature.ts';
import type { DigestAlgorithm, SignatureAlgorithm } from '../suites.ts';
import { canonicalTransform, enveloped } from '../transforms.ts';
import type { Trust } from '../trust.ts';
import { publicKeyOf } from './key-info.ts';
import { samlLimits } from './saml.ts';
import type { SamlAssertion } from './saml-assertion.ts';

export interface AssertionAlgorithms {
  readonly signatures: ReadonlyMap<string, SignatureAlgorithm>;
  readonly digests: ReadonlyMap<string, DigestAlgorithm>;
  /** Smallest RSA modulus, in bits; default 2048. */
  readonly smallestRsa?: number;
}

export interface VerifiedAssertion {
  /** The issuer's certificate, which its trust accepted. */
  readonly certificate: Certificate;
  readonly algorithms: readonly string[];
  /** What the digest was made of: the assertion, canonical, without its signature. */
  readonly octets: Uint8Array;
}

const canonicalizations = new Map([[exclusive.uri, exclusive]]);
const transforms = new Map([
  [enveloped.uri, enveloped],
  [exclusive.uri, canonicalTransform(exclusive)],
]);
/** What canonicalization may make of an octet. */
const growth = 16;

/**
 * @param trust of the issuer that the assertion names
 * @throws SecurityError `SECURITY_TOKEN_INVALID`, `SECURITY_SIGNATURE`, `SECURITY_DIGEST`, `SECURITY_REFERENCE`,
 *   `SECURITY_ALGORITHM`, `SECURITY_KEY`, `SECURITY_TOKEN`, `SECURITY_CERTIFICATE_*`; XmlError `XML_DUPLICATE_ID`
 */
export async function verifyAssertion(
  assertion: SamlAssertion,
  algorithmRows: AssertionAlgorithms,
  trust: Trust,
  at: Instant,
): Promise<VerifiedAssertion> {
  const { element, id, signature } = assertion;
  if (signature === undefined) {
    throw new SecurityError('SECURITY_TOKEN_INVALID', 'The assertion is not signed by its issuer.');
  }
  const ids = elementsById(element.document);
  const profile: SignatureProfile = {
    ...algorithmRows,
    canonicalizations,
    transforms,
    objects: false,
    limits: { references: 1, transforms: 2, octets: growth * (element.end - element.start) + 100_000 },
    resolve(uri) {
      if (uri === `#${id}` && ids.get(id) === element) return { kind: 'nodes', apex: element, element };
      throw new SecurityError(
        'SECURITY_REFERENCE',
        `The signature of the assertion is over "${untrusted(uri ?? '')}".`,
      );
    },
  };
  const read = readSignature(signature, profile);
  const octets = read.signedOctets();
  let refused: unknown = new SecurityError('SECURITY_TOKEN', 'The certificate of the issuer is not known.');
  for (const candidate of candidates(assertion, trust)) {
    try {
      await trust.accept(candidate, at);
      const { covered, algorithms } = verifySignature(read, candidate.key, profile, octets);
      const digested = covered.get(element);
      if (digested !== undefined) return { certificate: candidate, algorithms, octets: digested.octets };
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}

/** The certificate that KeyInfo holds or selects; where it says nothing that helps, those that the trust knows. */
function candidates({ signature }: SamlAssertion, trust: Trust): readonly Certificate[] {
  const keyInfo = signature?.children[2];
  const named = keyInfo && publicKeyOf(keyInfo, trust.known);
  if (named?.certificate !== undefined) return [named.certificate];
  // A bare key value is no more than a hint at one of them.
  const key = named?.key;
  const known = key === undefined ? trust.known : trust.known.filter((one) => one.key.equals(key));
  return known.slice(0, samlLimits.certificates);
}
