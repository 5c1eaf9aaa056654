/**
 * Endpoint references: an address and what has to be said to whoever is there (WS-Addressing 1.0 Core section 2;
 * 2004/08 section 2). They come from the peer and end up in header blocks of ours, so what they may bring is limited.
 */
import { asError } from '../base/errors.ts';
import type { XmlElement } from '../xml/document.ts';
import { childrenOf, simpleText } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import type { XmlWriter } from '../xml/write.ts';
import { addressingError } from './addressing-faults.ts';
import {
  type AddressingProblem,
  type AddressingVersion,
  addressing200508,
  addressingVersions,
  isIri,
  plainIri,
} from './addressing-versions.ts';
import type { QualifiedName, SoapError } from './errors.ts';

/** The prefix of the addressing namespace in everything that is written here, as WCF has it. */
export const addressingPrefix = 'a';

export interface EndpointReference {
  readonly address: string;
  /** Reference parameters, and in 2004/08 reference properties: header blocks of every message to this endpoint. */
  readonly parameters: readonly XmlFragment[];
}

/** How many reference parameters an endpoint reference may have, and how many octets together (attack A3). */
export const parameterLimits: { readonly count: number; readonly octets: number } = { count: 32, octets: 16_384 };

/** True when an answer to `reference` goes back on the same exchange; so does one to a reference that is not there. */
export function isAnonymous(version: AddressingVersion, reference: EndpointReference | undefined): boolean {
  return reference === undefined || reference.address === version.anonymous;
}

/** True when no answer is wanted. */
export function isNone(version: AddressingVersion, reference: EndpointReference | undefined): boolean {
  return reference !== undefined && version.none !== undefined && reference.address === version.none;
}

/** The reference that is an address and nothing else. */
export function referenceTo(address: string): EndpointReference {
  return { address, parameters: [] };
}

/** The reference that means: answer on the same exchange. */
export function anonymousReference(version: AddressingVersion): EndpointReference {
  return referenceTo(version.anonymous);
}

/**
 * Reads an endpoint reference, whatever its element is called (wsa:ReplyTo, wsrm:AcksTo, …).
 *
 * @throws SoapError `SOAP_ADDRESSING` when it has no address, two, a malformed one, or reference parameters that are too
 *   many, too large or header blocks of the protocol itself
 */
export function readEndpointReference(element: XmlElement): EndpointReference {
  const [found, another] = addressesIn(element);
  const home = addressingVersions.find((row) => row.namespace === element.namespace);
  if (found === undefined) {
    const reason = `The endpoint reference ${element.local} has no Address.`;
    throw invalid(home ?? addressing200508, reason, 'MissingAddressInEPR', element);
  }
  const { row: version } = found;
  if (home !== undefined && home !== version) {
    throw invalid(home, `${element.local} mixes two versions of WS-Addressing.`, 'InvalidEPR', element);
  }
  if (another !== undefined) {
    throw invalid(version, `The endpoint reference ${element.local} has two addresses.`, 'InvalidEPR', element);
  }
  const parameters: XmlElement[] = [];
  for (const local of version.parameterElements) {
    for (const list of childrenOf(element, version.namespace, local)) parameters.push(...list.children);
  }
  const octets = parameters.reduce((sum, parameter) => sum + parameter.end - parameter.start, 0);
  if (parameters.length > parameterLimits.count || octets > parameterLimits.octets) {
    throw invalid(version, `The endpoint reference ${element.local} has too many parameters.`, 'InvalidEPR', element);
  }
  const reserved = parameters.find(isReserved);
  if (reserved !== undefined) throw invalid(version, reservedReason(reserved), 'InvalidEPR', element);
  return {
    address: iriText(version, found.address, 'InvalidAddress'),
    parameters: parameters.map((parameter) => XmlFragment.of(parameter)),
  };
}

/** Its addresses, of either version. */
function addressesIn(
  element: XmlElement,
): readonly { readonly row: AddressingVersion; readonly address: XmlElement }[] {
  const found: { readonly row: AddressingVersion; readonly address: XmlElement }[] = [];
  for (const row of addressingVersions) {
    for (const address of element.children) if (address.is(row.namespace, 'Address')) found.push({ row, address });
  }
  return found;
}

/** Writes an endpoint reference as the element `{namespace}local`. */
export function writeEndpointReference(
  writer: XmlWriter,
  namespace: string,
  local: string,
  version: AddressingVersion,
  reference: EndpointReference,
  elementPrefix?: string,
): void {
  writer
    .start(namespace, local, elementPrefix)
    .element(version.namespace, 'Address', reference.address, addressingPrefix);
  if (reference.parameters.length > 0) {
    writer.start(version.namespace, 'ReferenceParameters', addressingPrefix);
    for (const parameter of reference.parameters) writer.fragment(parameter);
    writer.end();
  }
  writer.end();
}

/**
 * The text of an element that holds an IRI (see `isIri`).
 *
 * @throws SoapError `SOAP_ADDRESSING`
 */
export function iriText(version: AddressingVersion, element: XmlElement, problem?: AddressingProblem): string {
  const plain = isUnique(element) ? undefined : plainIri(element);
  if (plain !== undefined) return plain;
  let text: string;
  try {
    text = simpleText(element);
  } catch (error) {
    const reason = `wsa:${element.local} holds elements where an IRI belongs.`;
    throw invalid(version, reason, problem, element, asError(error));
  }
  if (!isIri(text)) {
    throw invalid(version, `wsa:${element.local} does not hold an IRI.`, problem, element);
  }
  return text;
}

/** What identifies a message comes once: to remember it would only make others be forgotten. */
function isUnique({ local }: XmlElement): boolean {
  return local === 'MessageID' || local === 'RelatesTo';
}

function invalid(
  version: AddressingVersion,
  reason: string,
  problem: AddressingProblem | undefined,
  element: XmlElement,
  cause?: Error,
): SoapError {
  return addressingError(version, 'invalidHeader', reason, { problem, header: element.local }, cause);
}

/** What a peer may not have us write as a header block by naming it a reference parameter (attack A3). */
export function isReserved({ namespace }: QualifiedName): boolean {
  const known = judged.get(namespace);
  if (known !== undefined) return known;
  const found = namespace === '' || protocolNamespaces.some((start) => namespace.startsWith(start));
  if (judged.size >= judgedLimit) judged.clear();
  judged.set(namespace, found);
  return found;
}

/** Namespaces that were looked at before: every message brings the same few. */
const judged = new Map<string, boolean>();
const judgedLimit = 256;

export function reservedReason({ namespace, local }: QualifiedName): string {
  return `The reference parameter {${namespace}}${local} would become a header block of the protocol itself.`;
}

/** SOAP, addressing, reliable messaging, MakeConnection, security, trust, conversations, XML Signature, XML Encryption. */
const protocolNamespaces: readonly string[] = [
  'http://schemas.xmlsoap.org/soap/',
  'http://www.w3.org/2003/05/soap-envelope',
  'http://schemas.xmlsoap.org/ws/',
  'http://www.w3.org/2005/08/addressing',
  'http://docs.oasis-open.org/ws-rx/',
  'http://docs.oasis-open.org/ws-sx/',
  'http://docs.oasis-open.org/wss/',
  'http://schemas.microsoft.com/ws/2006/05/',
  'http://www.w3.org/2000/09/xmldsig#',
  'http://www.w3.org/2001/04/xmlenc#',
];
