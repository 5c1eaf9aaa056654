/** WS-Addressing 2004/08 (member submission) and 2005/08 (1.0) as rows: code receives the row, never asks which it is. */
import type { XmlElement } from '../xml/document.ts';
import { Remembered } from '../xml/remembered.ts';

export interface AddressingVersion {
  readonly name: '2004/08' | '2005/08';
  readonly namespace: string;
  /** The address that means: answer on the same exchange. */
  readonly anonymous: string;
  /** The address that means: do not answer; absent where the version has none. */
  readonly none: string | undefined;
  /** Action of a fault that WS-Addressing itself defines. */
  readonly faultAction: string;
  /** Action of every other fault that has no action of its own. */
  readonly soapFaultAction: string;
  /** RelationshipType of a reply, which is also the default: an IRI, or a QName in this version's namespace. */
  readonly reply: { readonly form: 'iri' | 'qname'; readonly value: string };
  /** True when a message must say where it goes even if that is the anonymous address. */
  readonly writesAnonymousTo: boolean;
  /** True when reference parameters that became header blocks are marked with IsReferenceParameter. */
  readonly marksParameters: boolean;
  /** Local names of the elements of an endpoint reference whose children travel as header blocks. */
  readonly parameterElements: readonly string[];
  /** Local names of the fault subcodes. */
  readonly codes: {
    readonly invalidHeader: string;
    readonly headerRequired: string;
    readonly destinationUnreachable: string;
    readonly actionNotSupported: string;
    readonly endpointUnavailable: string;
  };
  /** True when `invalidHeader` is refined by a second subcode and explained by Problem… details. */
  readonly explains: boolean;
}

/** Longest address, action or message identifier that is read, in UTF-16 units: they are echoed, stored and logged. */
const longestIri = 4096;

/** True for what may be an IRI (RFC 3987): something, not too long, without white space, control and bidi formatting. */
export function isIri(text: string): boolean {
  return text !== '' && text.length <= longestIri && !/[\s\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(text);
}

/** Actions and addresses that were found to be IRIs: a peer sends the same few with every message. */
const iris = new Remembered();

/** The IRI that an element holds as it is written; `undefined` when there is none, or more to it. */
export function plainIri(element: XmlElement): string | undefined {
  return element.textAmong(iris, isIri);
}

/** Names of the second subcodes under InvalidAddressingHeader. */
export type AddressingProblem =
  | 'InvalidAddress'
  | 'InvalidEPR'
  | 'InvalidCardinality'
  | 'MissingAddressInEPR'
  | 'DuplicateMessageID'
  | 'ActionMismatch'
  | 'OnlyAnonymousAddressSupported'
  | 'OnlyNonAnonymousAddressSupported';

const ns200408 = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const ns200508 = 'http://www.w3.org/2005/08/addressing';

export const addressing200408: AddressingVersion = Object.freeze({
  name: '2004/08',
  namespace: ns200408,
  anonymous: `${ns200408}/role/anonymous`,
  none: undefined,
  faultAction: `${ns200408}/fault`,
  soapFaultAction: `${ns200408}/fault`,
  reply: Object.freeze({ form: 'qname', value: 'Reply' }),
  writesAnonymousTo: true,
  marksParameters: false,
  parameterElements: Object.freeze(['ReferenceProperties', 'ReferenceParameters']),
  codes: Object.freeze({
    invalidHeader: 'InvalidMessageInformationHeader',
    headerRequired: 'MessageInformationHeaderRequired',
    destinationUnreachable: 'DestinationUnreachable',
    actionNotSupported: 'ActionNotSupported',
    endpointUnavailable: 'EndpointUnavailable',
  }),
  explains: false,
});

export const addressing200508: AddressingVersion = Object.freeze({
  name: '2005/08',
  namespace: ns200508,
  anonymous: `${ns200508}/anonymous`,
  none: `${ns200508}/none`,
  faultAction: `${ns200508}/fault`,
  soapFaultAction: `${ns200508}/soap/fault`,
  reply: Object.freeze({ form: 'iri', value: `${ns200508}/reply` }),
  writesAnonymousTo: false,
  marksParameters: true,
  parameterElements: Object.freeze(['ReferenceParameters']),
  codes: Object.freeze({
    invalidHeader: 'InvalidAddressingHeader',
    headerRequired: 'MessageAddressingHeaderRequired',
    destinationUnreachable: 'DestinationUnreachable',
    actionNotSupported: 'ActionNotSupported',
    endpointUnavailable: 'EndpointUnavailable',
  }),
  explains: true,
});

export const addressingVersions: readonly AddressingVersion[] = Object.freeze([addressing200408, addressing200508]);

/** Local names of the message addressing properties, in the order in which they are written. */
const addressingHeaders = ['Action', 'MessageID', 'RelatesTo', 'From', 'ReplyTo', 'FaultTo', 'To'] as const;
export type AddressingHeader = (typeof addressingHeaders)[number];

const rows: ReadonlyMap<string, AddressingVersion> = new Map(addressingVersions.map((row) => [row.namespace, row]));
const properties: ReadonlySet<string> = new Set(addressingHeaders);

/** The row of the header block `{namespace}local` when it is a message addressing property. */
export function addressingVersionOf(block: {
  readonly namespace: string;
  readonly local: string;
}): AddressingVersion | undefined {
  const row = rows.get(block.namespace);
  return row !== undefined && properties.has(block.local) ? row : undefined;
}
