/**
 * XML Signature 1.1, reading and writing. The engine takes a profile: which algorithms, which references, which
 * transforms. The profile of messages is the strict one in `profile.ts`; what a profile does not list is refused before
 * anything is computed. Verification order is that of section 12 of the digest: shape, then SignatureValue over the canonical SignedInfo
 * with a key that is trusted already, then each digest; what comes back is the elements that were digested, by identity.
 */
import type { KeyObject } from 'node:crypto';
import { base64, utf8 } from '../base/bytes.ts';
import { canonicalize } from '../xml/canonicalize.ts';
import type { XmlElement } from '../xml/document.ts';
import { type Canonicalization, exclusive } from '../xml/methods.ts';
import { escapeValue } from '../xml/output.ts';
import type { Certificate } from './certificates.ts';
import { base64Digest, verifyOctets } from './crypto.ts';
import { SecurityError, untrusted } from './errors.ts';
import { ds, excC14n } from './names.ts';
import type { DigestAlgorithm, SignatureAlgorithm } from './suites.ts';
import { canonicalSelection, prefixList, type Selection, type Transform } from './transforms.ts';
import { octetsOf, plainText, requiredAttribute } from './values.ts';

/** What an engine run accepts. */
export interface SignatureProfile {
  readonly signatures: ReadonlyMap<string, SignatureAlgorithm>;
  readonly digests: ReadonlyMap<string, DigestAlgorithm>;
  /** For SignedInfo. */
  readonly canonicalizations: ReadonlyMap<string, Canonicalization>;
  readonly transforms: ReadonlyMap<string, Transform>;
  /** Finds what a reference is about; throws `SECURITY_REFERENCE` for kinds that the profile does not know. */
  resolve(uri: string | undefined, signature: XmlElement): Selection;
  /** Makes octets of what is still nodes after the last transform; absent where a transform has to do that itself. */
  readonly finish?: Canonicalization;
  /** Whether ds:Object may stand in the signature (enveloping signatures). */
  readonly objects: boolean;
  readonly limits: {
    readonly references: number;
    /** Of one reference. */
    readonly transforms: number;
    /** Octets that are digested, all references together: a namespace name repeated on many elements multiplies. */
    readonly octets: number;
  };
  /** Smallest RSA modulus, in bits; default 2048. */
  readonly smallestRsa?: number;
  /** Shortest secret of an HMAC, in bits; default 128. */
  readonly smallestSecret?: number;
}

interface Reference {
  readonly uri: string | undefined;
  readonly transforms: readonly { readonly row: Transform; readonly element: XmlElement }[];
  readonly digest: DigestAlgorithm;
  /** Base64 without white space; compared as text, so that a value has one spelling. */
  readonly value: string;
}

/** A signature whose shape and algorithms the profile accepts; nothing of it is proven. */
export interface ReadSignature {
  readonly element: XmlElement;
  readonly algorithm: SignatureAlgorithm;
  readonly keyInfo: XmlElement | undefined;
  readonly value: Uint8Array;
  readonly references: readonly Reference[];
  /** Canonical SignedInfo: what was signed. */
  signedOctets(): Uint8Array;
}

/** What a digest was made of: an element standing alone, canonical. */
export interface Digested {
  readonly octets: Uint8Array;
  /** The PrefixList under which the octets are canonical. */
  readonly prefixes: readonly string[];
}

export interface Verified {
  /** Every element that a digest covers as a whole, by identity, with what was digested. */
  readonly covered: ReadonlyMap<XmlElement, Digested>;
  /** Certificates that are not in the message and that a digest covers through a reference to them. */
  readonly certificates: readonly Certificate[];
  readonly algorithms: readonly string[];
}

/**
 * Reads the shape of a ds:Signature: exactly SignedInfo, SignatureValue, KeyInfo?, and Objects where the profile has them.
 *
 * @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_ALGORITHM`, `SECURITY_LIMIT`
 */
export function readSignature(element: XmlElement, profile: SignatureProfile): ReadSignature {
  const [signedInfo, signatureValue, ...rest] = element.children;
  const keyInfo = rest[0]?.is(ds, 'KeyInfo') ? rest[0] : undefined;
  const objects = keyInfo === undefined ? rest : rest.slice(1);
  const allowed = objects.every((one) => profile.objects && one.is(ds, 'Object'));
  if (!signedInfo?.is(ds, 'SignedInfo') || !signatureValue?.is(ds, 'SignatureValue') || !allowed) {
    throw malformed('ds:Signature does not hold SignedInfo, SignatureValue and KeyInfo, in this order, once.');
  }
  const [canonicalizationMethod, signatureMethod, ...references] = signedInfo.children;
  if (!canonicalizationMethod?.is(ds, 'CanonicalizationMethod') || !signatureMethod?.is(ds, 'SignatureMethod')) {
    throw malformed('ds:SignedInfo does not begin with CanonicalizationMethod and SignatureMethod.');
  }
  if (references.length === 0) throw malformed('The signature signs nothing.');
  if (references.length > profile.limits.references) {
    throw new SecurityError('SECURITY_LIMIT', `A signature of ${references.length} references is too large.`);
  }
  if (signatureMethod.children.length > 0) throw malformed('SignatureMethod has parameters (HMACOutputLength?).');
  const canonicalization = rowFor(canonicalizationMethod, profile.canonicalizations);
  const prefixes = prefixList(canonicalizationMethod, canonicalization.exclusive);
  return {
    element,
    algorithm: rowFor(signatureMethod, profile.signatures),
    keyInfo,
    value: octetsOf(signatureValue),
    references: references.map((one) => readReference(one, profile)),
    signedOctets: () => canonicalize(signedInfo, canonicalization, { prefixes, limit: profile.limits.octets }),
  };
}

/**
 * Checks the signature with a key that the caller trusts, then every digest.
 *
 * @throws SecurityError `SECURITY_SIGNATURE`, `SECURITY_KEY`, `SECURITY_REFERENCE`, `SECURITY_DIGEST`, `SECURITY_LIMIT`
 */
export function verifySignature(
  read: ReadSignature,
  key: KeyObject,
  profile: SignatureProfile,
  signedOctets: Uint8Array = read.signedOctets(),
): Verified {
  const { smallestRsa: rsa, smallestSecret: secret } = profile;
  if (!verifyOctets(read.algorithm, key, signedOctets, read.value, rsa, secret)) {
    throw new SecurityError('SECURITY_SIGNATURE', 'The signature value does not belong to SignedInfo and the key.');
  }
  const covered = new Map<XmlElement, Digested>();
  const certificates: Certificate[] = [];
  const algorithms = new Set([read.algorithm.uri]);
  let octets = 0;
  for (const reference of read.references) {
    const selection = profile.resolve(reference.uri, read.element);
    let current = selection;
    for (const { row, element } of reference.transforms) {
      current = row.apply(current, element, read.element);
      algorithms.add(row.uri);
    }
    const digested = octetsOfSelection(current, profile);
    octets += digested.octets.length;
    if (octets > profile.limits.octets) {
      throw new SecurityError('SECURITY_LIMIT', `The signature covers more than ${profile.limits.octets} octets.`);
    }
    if (base64Digest(reference.digest, digested.octets) !== reference.value) {
      throw new SecurityError('SECURITY_DIGEST', `The part "${untrusted(reference.uri ?? '')}" was changed.`);
    }
    algorithms.add(reference.digest.uri);
    const instead = current.kind === 'octets' ? current.instead : undefined;
    if (instead !== undefined) {
      if (instead.certificate !== undefined) certificates.push(instead.certificate);
      if (instead.element !== undefined) covered.set(instead.element, instead.digested ?? digested);
    } else if (selection.kind === 'nodes' && selection.element !== undefined) covered.set(selection.element, digested);
  }
  return { covered, certificates, algorithms: [...algorithms] };
}

function readReference(element: XmlElement, profile: SignatureProfile): Reference {
  if (!element.is(ds, 'Reference')) throw malformed(`SignedInfo holds ${untrusted(element.local)}.`);
  // By index: a message has as many of these as it has parts, and taking a list apart costs more than reading it.
  const { children } = element;
  const steps = children[0]?.is(ds, 'Transforms') ? children[0].children : undefined;
  const at = steps === undefined ? 0 : 1;
  const digestMethod = children[at];
  const digestValue = children[at + 1];
  const isWhole = children.length === at + 2;
  if (!digestMethod?.is(ds, 'DigestMethod') || !digestValue?.is(ds, 'DigestValue') || !isWhole) {
    throw malformed('ds:Reference does not hold Transforms, DigestMethod and DigestValue, in this order, once.');
  }
  if (steps !== undefined && steps.length > profile.limits.transforms) {
    throw new SecurityError('SECURITY_LIMIT', `A reference with ${steps.length} transforms is too large.`);
  }
  const transforms: { readonly row: Transform; readonly element: XmlElement }[] = [];
  for (const step of steps ?? []) {
    if (!step.is(ds, 'Transform')) throw malformed(`ds:Transforms holds ${untrusted(step.local)}.`);
    transforms.push({ row: rowFor(step, profile.transforms), element: step });
  }
  const digest = rowFor(digestMethod, profile.digests);
  const value = plainText(digestValue);
  return {
    uri: element.attribute('URI'),
    transforms,
    digest,
    value: space.test(value) ? value.replace(/[ \t\r\n]/g, '') : value,
  };
}

const space = /[ \t\r\n]/;

function octetsOfSelection(selection: Selection, profile: SignatureProfile): Digested {
  if (selection.kind === 'octets') {
    const { octets, prefixes = [] } = selection;
    return { octets, prefixes };
  }
  if (profile.finish === undefined) {
    throw new SecurityError('SECURITY_REFERENCE', 'A reference does not end with a canonicalization.');
  }
  return { octets: canonicalSelection(selection, profile.finish, []), prefixes: [] };
}

function rowFor<Row>(element: XmlElement, rows: ReadonlyMap<string, Row>): Row {
  const uri = requiredAttribute(element, 'Algorithm');
  const row = rows.get(uri);
  if (row !== undefined) return row;
  throw new SecurityError('SECURITY_ALGORITHM', `${element.local} "${untrusted(uri)}" is not accepted.`);
}

function malformed(what: string): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', what);
}

/** One part to sign: an element that bears `id`, canonical under `prefixes`, and its digest in base64. */
export interface SignedPart {
  readonly id: string;
  readonly prefixes: readonly string[];
  readonly digest: string;
}

/**
 * What stands in a SignedInfo over `parts`. Written as text in canonical form, because it is made for every message:
 * start and end tags, attributes in order, references escaped; ids are ours and need none.
 */
export function writeSignedInfo(
  parts: readonly SignedPart[],
  algorithm: SignatureAlgorithm,
  digestAlgorithm: DigestAlgorithm,
): string {
  const method = `<ds:DigestMethod Algorithm="${escapeValue(digestAlgorithm.uri)}"></ds:DigestMethod>`;
  const texts = [
    `<ds:CanonicalizationMethod Algorithm="${exclusive.uri}"></ds:CanonicalizationMethod>` +
      `<ds:SignatureMethod Algorithm="${escapeValue(algorithm.uri)}"></ds:SignatureMethod>`,
  ];
  for (const part of parts) {
    const list =
      part.prefixes.length === 0
        ? ''
        : `<ec:InclusiveNamespaces xmlns:ec="${excC14n}" PrefixList="${escapeValue(part.prefixes.join(' '))}"></ec:InclusiveNamespaces>`;
    texts.push(
      `<ds:Reference URI="#${part.id}"><ds:Transforms><ds:Transform Algorithm="${exclusive.uri}">${list}</ds:Transform>` +
        `</ds:Transforms>${method}<ds:DigestValue>${part.digest}</ds:DigestValue></ds:Reference>`,
    );
  }
  // In one piece, because it is written twice: what was put together with + would be gathered anew each time.
  return texts.join('');
}

/** What is signed: the SignedInfo standing alone. */
export function signedInfoText(content: string): string {
  return `<ds:SignedInfo xmlns:ds="${ds}">${content}</ds:SignedInfo>`;
}

/** The octets that are signed. */
export function signedInfoOctets(content: string): Uint8Array {
  return utf8(signedInfoText(content));
}

/**
 * The ds:Signature around its SignedInfo.
 *
 * @param keyReference canonical, for a place where the prefix `ds` is declared, and `wsse` where the signature goes there
 * @param id of the signature, unique to the message
 */
export function writeSignature(content: string, value: Uint8Array, keyReference: string, id?: string): string {
  const named = id === undefined ? '' : ` Id="${id}"`;
  return (
    `<ds:Signature xmlns:ds="${ds}"${named}><ds:SignedInfo>${content}</ds:SignedInfo>` +
    `<ds:SignatureValue>${base64(value)}</ds:SignatureValue><ds:KeyInfo>${keyReference}</ds:KeyInfo></ds:Signature>`
  );
}
