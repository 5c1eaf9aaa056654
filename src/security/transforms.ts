/**
 * Transforms of XML Signature as rows: exclusive canonicalization is all that signed messages use; the enveloped-signature
 * transform is that of signed SAML assertions and documents. XPath, XSLT and external octets have no row (attack D10).
 */
import { canonicalize } from '../xml/canonicalize.ts';
import type { XmlDocument, XmlElement } from '../xml/document.ts';
import type { Canonicalization } from '../xml/methods.ts';
import type { Certificate } from './certificates.ts';
import { SecurityError } from './errors.ts';
import { ds, excC14n } from './names.ts';

/** What a reference is about, on its way through the transforms. */
export type Selection =
  | {
      readonly kind: 'nodes';
      readonly apex: XmlElement | XmlDocument;
      /** The element that is covered as a whole; absent when the selection is less or more than one element. */
      readonly element?: XmlElement;
      readonly without?: XmlElement;
    }
  | {
      readonly kind: 'octets';
      readonly octets: Uint8Array;
      /** The PrefixList that nodes were canonicalized under. */
      readonly prefixes?: readonly string[];
      /** What a transform put in the place of the selection (STR-Transform): this is covered, the selection is not. */
      readonly instead?: Replacement;
    };

interface Replacement {
  /** The token, where it is in the message. */
  readonly element: XmlElement | undefined;
  /** The certificate, where it is not. */
  readonly certificate: Certificate | undefined;
  /** The token's canonical form and its PrefixList. */
  readonly digested?: { readonly octets: Uint8Array; readonly prefixes: readonly string[] };
}

export interface Transform {
  readonly uri: string;
  /**
   * @param transform the ds:Transform element with its parameters
   * @throws SecurityError `SECURITY_REFERENCE` when the selection or the parameters do not fit
   */
  apply(selection: Selection, transform: XmlElement, signature: XmlElement): Selection;
}

/**
 * Nodes to octets. References to the same document select no comments, and a method "with comments" does not bring them
 * back (XML Signature 1.1 section 4.4.3.3; attack C3).
 */
export function canonicalTransform(row: Canonicalization): Transform {
  const method = Object.freeze({ ...row, comments: false });
  return Object.freeze({
    uri: method.uri,
    apply(selection: Selection, transform: XmlElement): Selection {
      if (selection.kind !== 'nodes') throw misfit('A canonicalization is applied to octets.');
      const prefixes = prefixList(transform, method.exclusive);
      return { kind: 'octets', octets: canonicalSelection(selection, method, prefixes), prefixes };
    },
  });
}

export function canonicalSelection(
  { apex, without }: Extract<Selection, { kind: 'nodes' }>,
  method: Canonicalization,
  prefixes: readonly string[],
): Uint8Array {
  return canonicalize(apex, method, without === undefined ? { prefixes } : { prefixes, without });
}

/** XML Signature 1.1 section 6.6.4: everything but the signature itself, wherever it stands. */
export const enveloped: Transform = Object.freeze({
  uri: `${ds}enveloped-signature`,
  apply(selection: Selection, _transform: XmlElement, signature: XmlElement): Selection {
    if (selection.kind === 'nodes' && selection.without === undefined) return { ...selection, without: signature };
    throw misfit('The enveloped-signature transform is applied to something else than a document or element.');
  },
});

/**
 * The PrefixList of an exclusive canonicalization, prefixes in any order and any white space (BSP R5414, R5415), with
 * `#default` for the default namespace.
 *
 * @throws SecurityError `SECURITY_MALFORMED` when the method has other parameters, `SECURITY_LIMIT`
 */
export function prefixList(method: XmlElement, exclusive: boolean): readonly string[] {
  const [parameter, second] = method.children;
  if (parameter === undefined) return [];
  if (!exclusive || second !== undefined || !parameter.is(excC14n, 'InclusiveNamespaces')) {
    throw new SecurityError('SECURITY_MALFORMED', `${method.local} has unknown parameters.`);
  }
  const list = parameter.attribute('PrefixList') ?? '';
  const names = list.length > prefixLimits.length ? [] : namesIn(list);
  if (list.length > prefixLimits.length || names.length > prefixLimits.count) {
    throw new SecurityError('SECURITY_LIMIT', `A PrefixList of ${list.length} characters is too long.`);
  }
  return names;
}

function namesIn(list: string): readonly string[] {
  // As nearly everybody writes it.
  if (!untidy.test(list)) return list.split(' ');
  return list.split(/[ \t\r\n]+/).filter((name) => name !== '');
}

const untidy = /[\t\r\n]| {2}|^ | $|^$/;

/** As many as there may be namespaces in scope. It is read before anything is proven. */
const prefixLimits = Object.freeze({ count: 256, length: 16_384 });

function misfit(what: string): SecurityError {
  return new SecurityError('SECURITY_REFERENCE', what);
}
