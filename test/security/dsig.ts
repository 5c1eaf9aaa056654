/**
 * A wide XML Signature profile for foreign test vectors: what the product refuses in messages (enveloping, inclusive
 * canonicalization, XPath, external octets, embedded keys) is understood here, for the mathematics only.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { base64, fromBase64, utf8 } from '../../src/base/bytes.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { type Certificate, certificates } from '../../src/security/certificates.ts';
import { digest } from '../../src/security/crypto.ts';
import { SecurityError } from '../../src/security/errors.ts';
import { ds, wsse } from '../../src/security/names.ts';
import type { SignatureProfile } from '../../src/security/signature.ts';
import {
  byUri,
  type DigestAlgorithm,
  modernDigests,
  modernMacs,
  modernSignatures,
  unsafeHmacSha1,
  unsafeRsaSha1,
  unsafeSha1,
} from '../../src/security/suites.ts';
import { canonicalTransform, enveloped, type Selection, type Transform } from '../../src/security/transforms.ts';
import type { XmlDocument, XmlElement } from '../../src/xml/document.ts';
import { elementsById } from '../../src/xml/find.ts';
import { canonicalizations } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';
import { select } from '../../src/xml/select.ts';
import { XmlWriter } from '../../src/xml/write.ts';

const dsig11 = 'http://www.w3.org/2009/xmldsig11#';

/** The only XPath of the vectors: leave the signatures out. */
const xpath: Transform = {
  uri: 'http://www.w3.org/TR/1999/REC-xpath-19991116',
  apply(selection, transform, signature) {
    const expression = transform.children[0]?.text.trim();
    const [only, second] = select(signature.document.root, '//d:Signature', { d: ds });
    if (expression !== 'not(ancestor-or-self::dsig:Signature)' || second !== undefined || selection.kind !== 'nodes') {
      throw new SecurityError('SECURITY_REFERENCE', 'An XPath that is not understood.');
    }
    return only === undefined ? selection : { ...selection, without: only };
  },
};

const base64Transform: Transform = {
  uri: `${ds}base64`,
  apply(selection) {
    const text = selection.kind === 'octets' ? Buffer.from(selection.octets).toString() : allText(selection.apex);
    const octets = fromBase64(text);
    if (octets === undefined) throw new SecurityError('SECURITY_REFERENCE', 'Not base64.');
    return { kind: 'octets', octets };
  },
};

/**
 * ECMA-376 part 2: the relationships that are named, sorted by Id, with their mode, and nothing between them. xmlsec1
 * 1.3 reads two things otherwise: elements of other namespaces are kept, by their bare name (`foreign`), and under its
 * switch for old signatures text becomes an element and the root takes the first namespace declared (`legacy`).
 */
function relationships(reading: Reading): Transform {
  return {
    uri: 'http://schemas.openxmlformats.org/package/2006/RelationshipTransform',
    apply(selection, transform) {
      if (selection.kind !== 'octets') throw new SecurityError('SECURITY_REFERENCE', 'Not the octets of a part.');
      const { root } = scan(selection.octets);
      const wanted = new Set(transform.children.map((one) => one.attribute('SourceId')));
      const text = Buffer.from(selection.octets).toString();
      const declared = reading === 'legacy' ? /xmlns(?::\w+)?="([^"]*)"/.exec(text)?.[1] : undefined;
      const namespace = declared ?? root.namespace;
      const writer = new XmlWriter().start(namespace, root.local);
      const write = (one: XmlElement, mode: boolean) => {
        writer.start(namespace, one.local);
        for (const { local, value } of one.attributes) writer.attribute('', local, value);
        if (mode && one.attribute('TargetMode') === undefined) writer.attribute('', 'TargetMode', 'Internal');
        writer.end();
      };
      const between = text.slice(text.indexOf('<Relationships')).match(/>\s+</g) ?? [];
      if (reading === 'legacy') for (const _ of between) writer.start(namespace, 'text').end();
      if (reading === 'foreign')
        for (const one of root.children) if (one.namespace !== root.namespace) write(one, false);
      const chosen = root.children
        .filter((one) => one.is(root.namespace, 'Relationship') && wanted.has(one.attribute('Id')))
        .toSorted((one, other) => ((one.attribute('Id') ?? '') < (other.attribute('Id') ?? '') ? -1 : 1));
      for (const one of chosen) write(one, true);
      const { element } = writer.end().finish();
      return { kind: 'nodes', apex: element };
    },
  };
}

/**
 * Whose reading: that of the standards, or that of xmlsec1 1.3 where it takes more: signatures in DER, or r and s with
 * leading zeros (`encodings`), and relationship parts as above.
 */
export type Reading = 'standard' | 'encodings' | 'foreign' | 'legacy';

/** ECDSA values as 6.4.3 of XML Signature 1.1 wants them, r‖s of the length of the curve, from what xmlsec1 1.3 also takes. */
export function plainEcdsa(value: Uint8Array, half: number): Uint8Array {
  const padded = (number: Uint8Array) => {
    const digits = number.slice(
      Math.max(
        0,
        number.findIndex((octet) => octet !== 0),
      ),
    );
    return Buffer.concat([Buffer.alloc(half - digits.length), digits]);
  };
  if (value[0] !== 0x30)
    return Buffer.concat([padded(value.slice(0, value.length / 2)), padded(value.slice(value.length / 2))]);
  // A sequence of more than 127 octets (P-521) has its length in two.
  const first = value[1] === 0x81 ? 5 : 4;
  const second = first + (value[first - 1] ?? 0);
  return Buffer.concat([padded(value.slice(first, second)), padded(value.slice(second + 2))]);
}

function allText(apex: XmlElement | XmlDocument): string {
  const element = 'root' in apex ? apex.root : apex;
  return element.text + element.children.map(allText).join('');
}

const sha224: DigestAlgorithm = { uri: 'http://www.w3.org/2001/04/xmldsig-more#sha224', hash: 'sha224' };

/** @param file the signature's file, beside which external references are looked for */
export function wideProfile(document: XmlDocument, file: string, reading: Reading = 'standard'): SignatureProfile {
  return {
    signatures: byUri([...modernSignatures, ...modernMacs, unsafeRsaSha1, unsafeHmacSha1]),
    digests: byUri([...modernDigests, unsafeSha1, sha224]),
    canonicalizations,
    transforms: byUri([
      ...[...canonicalizations.values()].map(canonicalTransform),
      enveloped,
      xpath,
      base64Transform,
      relationships(reading),
    ]),
    objects: true,
    limits: { references: 200, transforms: 6, octets: 10_000_000 },
    smallestRsa: 512,
    smallestSecret: 8,
    ...finish(),
    resolve(uri): Selection {
      // No URI: the application knows what is meant; in the vectors, the document.
      if (uri === '' || uri === undefined) return { kind: 'nodes', apex: document };
      if (uri.startsWith('#')) {
        const element = elementsById(document).get(uri.slice(1));
        if (element === undefined) throw new SecurityError('SECURITY_REFERENCE', `There is no ${uri}.`);
        return { kind: 'nodes', apex: element, element };
      }
      const outside = join(dirname(file), uri);
      if (!existsSync(outside)) throw new SurewireError('ABSENT', `There is no file ${uri}.`);
      return { kind: 'octets', octets: new Uint8Array(readFileSync(outside)) };
    },
  };
}

function finish(): Pick<SignatureProfile, 'finish'> {
  const method = canonicalizations.get('http://www.w3.org/TR/2001/REC-xml-c14n-20010315');
  return method === undefined ? {} : { finish: method };
}

export interface FoundKey {
  readonly key: KeyObject;
  /** Kinds of key material that led here, by the names xmlsec1 has for them. */
  readonly through: readonly string[];
  readonly certificate?: Certificate;
  readonly others: readonly Certificate[];
}

/** The key that a KeyInfo holds or names, and how it was found; nothing about whether it should be believed. */
export function keyOf(keyInfo: XmlElement | undefined, given: readonly Certificate[]): FoundKey | undefined {
  for (const part of keyInfo?.children ?? []) {
    const found = keyFrom(part, given, 0);
    if (found !== undefined) return found;
  }
  return undefined;
}

function keyFrom(part: XmlElement, given: readonly Certificate[], depth: number): FoundKey | undefined {
  const plain = (key: KeyObject, through: string[]): FoundKey => ({ key, through, others: [] });
  if (depth > 3) return undefined;
  if (part.is(ds, 'KeyValue')) {
    const inner = part.children[0] && keyFrom(part.children[0], given, depth + 1);
    return inner && { ...inner, through: ['key-value', ...inner.through] };
  }
  if (part.is(ds, 'RSAKeyValue')) {
    const [n = '', e = ''] = part.children.map((one) => url(one.text));
    return plain(createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' }), ['rsa']);
  }
  if (part.is(dsig11, 'ECKeyValue')) {
    const oid = part.children[0]?.attribute('URI') ?? '';
    const point = fromBase64(part.children[1]?.text ?? '') ?? new Uint8Array();
    const half = (point.length - 1) / 2;
    const jwk = {
      kty: 'EC',
      crv: curves.get(oid) ?? '',
      x: Buffer.from(point.slice(1, 1 + half)).toString('base64url'),
      y: Buffer.from(point.slice(1 + half)).toString('base64url'),
    };
    return plain(createPublicKey({ key: jwk, format: 'jwk' }), ['ec']);
  }
  if (part.is(dsig11, 'DEREncodedKeyValue')) {
    const der = fromBase64(part.text) ?? new Uint8Array();
    return plain(createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }), ['der-encoded-key-value']);
  }
  if (part.is(ds, 'RetrievalMethod') || part.is(dsig11, 'KeyInfoReference')) {
    const target = elementsById(part.document).get((part.attribute('URI') ?? '#').slice(1));
    const how = part.local === 'RetrievalMethod' ? 'retrieval-method' : 'key-info-reference';
    const inner = target?.local === 'KeyInfo' ? keyOf(target, given) : target && keyFrom(target, given, depth + 1);
    return inner && { ...inner, through: [how, ...inner.through] };
  }
  if (part.is(ds, 'X509Data')) return fromX509Data(part, given);
  if (part.is(wsse, 'SecurityTokenReference') || part.is(ds, 'KeyName')) return undefined;
  return undefined;
}

function fromX509Data(data: XmlElement, given: readonly Certificate[]): FoundKey | undefined {
  const included = data.children
    .filter((one) => one.is(ds, 'X509Certificate'))
    .flatMap((one) => certificates(fromBase64(one.text) ?? new Uint8Array()));
  const named = data.children
    .filter((one) => one.is(dsig11, 'X509Digest'))
    .map((one) => {
      const hash = (one.attribute('Algorithm') ?? '').split('#')[1]?.replace('_', '-') ?? '';
      return given.find((candidate) => base64(digest({ hash }, candidate.der)) === one.text.trim());
    });
  const leaf = [
    ...included.filter((one) => !included.some((other) => other !== one && other.issuer === one.subject)),
    ...named,
  ][0];
  if (leaf === undefined) return undefined;
  return { key: leaf.key, through: ['x509'], certificate: leaf, others: included.filter((one) => one !== leaf) };
}

const curves: ReadonlyMap<string, string> = new Map([
  ['urn:oid:1.2.840.10045.3.1.7', 'P-256'],
  ['urn:oid:1.3.132.0.34', 'P-384'],
  ['urn:oid:1.3.132.0.35', 'P-521'],
]);

function url(text: string): string {
  return Buffer.from(fromBase64(text) ?? utf8('')).toString('base64url');
}

/** Certificates and keys from a manifest's list. */
export function loadKey(path: string): { readonly key: KeyObject; readonly certificate?: Certificate } {
  const octets = readFileSync(path);
  if (octets.includes('PUBLIC KEY')) return { key: createPublicKey(octets) };
  const [one] = certificates(new Uint8Array(octets));
  if (one === undefined) throw new Error(`No key in ${path}`);
  return { key: one.key, certificate: one };
}
