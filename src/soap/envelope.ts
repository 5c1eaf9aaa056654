/**
 * Builds messages, reads them from an envelope and writes them into one (SOAP 1.1 section 4, SOAP 1.2 part 1 section 5).
 *
 * Reading is strict: an Envelope is Header? and Body and nothing else, of one SOAP version, because a second Body or an
 * element that one reader skips and another takes is how a signed message is made to say something else (attack A9).
 * Writing puts every fragment between two constant strings verbatim: what was hashed is what is written.
 */
import type { XmlDocument, XmlElement } from '../xml/document.ts';
import { holdsOnlyElements } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { joined, type Piece } from '../xml/joiner.ts';
import { Wrapping } from '../xml/wrapping.ts';
import { addressingVersionOf, isIri, plainIri } from './addressing-versions.ts';
import { type Fault, SoapError } from './errors.ts';
import type { HeaderBlock, Message } from './message.ts';
import { type SoapVersion, soapVersions } from './version.ts';

/** The prefix of the SOAP namespace in everything that is written here. */
export const soapPrefix = 's';

export interface HeaderOptions {
  readonly mustUnderstand?: boolean | undefined;
  /** URI of the actor or role that is to process the block. */
  readonly role?: string | undefined;
}

/**
 * A header block around `fragment`; adds the mustUnderstand and role attributes of `version` when asked.
 *
 * @throws SoapError `SOAP_ENVELOPE` when the fragment is in no namespace
 */
export function header(version: SoapVersion, fragment: XmlFragment, options: HeaderOptions = {}): HeaderBlock {
  let marked = fragment;
  if (options.mustUnderstand === true) {
    marked = marked.withAttribute(version.namespace, 'mustUnderstand', '1', soapPrefix);
  }
  if (options.role !== undefined) {
    marked = marked.withAttribute(version.namespace, version.roleAttribute, options.role, soapPrefix);
  }
  return readHeader(version, marked);
}

export interface MessageInit {
  readonly version: SoapVersion;
  /** What the message asks for; becomes wsa:Action or SOAPAction. */
  readonly action?: string | undefined;
  readonly headers?: readonly HeaderBlock[] | undefined;
  /** The payload: what goes into the Body. */
  readonly body?: XmlFragment | readonly XmlFragment[] | undefined;
}

/** A message made here; the payload is wrapped in a Body. */
export function message({ version, action = '', headers = noHeaders, body }: MessageInit): Message {
  return { version, action, headers, body: bodyOf(version, body), source: undefined, known: undefined };
}

const noHeaders: readonly HeaderBlock[] = Object.freeze([]);

function bodyOf({ namespace }: SoapVersion, payload: MessageInit['body'] = []): XmlFragment {
  const known = bodies.get(namespace) ?? new Wrapping(namespace, 'Body', soapPrefix);
  return known.around(payload instanceof XmlFragment ? [payload] : payload);
}

const bodies: ReadonlyMap<string, Wrapping> = new Map(
  soapVersions.map(({ namespace }) => [namespace, new Wrapping(namespace, 'Body', soapPrefix)]),
);

/** The first element in the Body, or `undefined` when the Body is empty. */
export function payload(of: Message): XmlElement | undefined {
  return of.body.element.children[0];
}

/** True when the block is addressed to this node: to no role, to the next node or to the ultimate receiver. */
export function isForThisNode(version: SoapVersion, block: HeaderBlock): boolean {
  return block.role === undefined || block.role === '' || version.ownRoles.includes(block.role);
}

/**
 * True when no intermediary may take the block out of the message (SOAP 1.2 part 1 section 2.7; SOAP 1.1 section 4.2.2): a
 * signature over another breaks on the way.
 */
export function isForUltimateReceiver({ role }: HeaderBlock): boolean {
  return role === undefined || role === '' || lastRoles.has(role);
}

const lastRoles: ReadonlySet<string> = new Set(
  soapVersions.flatMap(({ ownRoles, nextRole }) => ownRoles.filter((role) => role !== nextRole)),
);

/** The header blocks of that name addressed to this node, in document order. */
export function findHeaders(of: Message, namespace: string, local: string): readonly HeaderBlock[] {
  return of.headers.filter(
    (block) => block.local === local && block.namespace === namespace && isForThisNode(of.version, block),
  );
}

/**
 * The one header block of that name addressed to this node.
 *
 * @throws SoapError `SOAP_DUPLICATE_HEADER` when there are two: which of them counts would be anybody's guess (X11)
 */
export function findHeader(of: Message, namespace: string, local: string): HeaderBlock | undefined {
  const [first, second] = findHeaders(of, namespace, local);
  if (second !== undefined) {
    throw refused('SOAP_DUPLICATE_HEADER', `The header block {${namespace}}${local} is there more than once.`);
  }
  return first;
}

/** The same message with `add` before its header blocks. */
export function withHeaders(of: Message, add: readonly HeaderBlock[]): Message {
  return add.length === 0 ? of : { ...of, headers: [...add, ...of.headers] };
}

/** The same message without the blocks that `match`: how a layer consumes its header. */
export function withoutHeaders(of: Message, match: (block: HeaderBlock) => boolean): Message {
  const headers = of.headers.filter((block) => !match(block));
  if (headers.length === of.headers.length) return of;
  const { version, action, body, source, known } = of;
  return { version, action, headers, body, source, known };
}

/**
 * The mustUnderstand blocks for this node that nobody consumed. Message addressing properties are not among them: they
 * stay in the message for whoever answers it, and this room understands them.
 */
export function notUnderstood(of: Message): readonly HeaderBlock[] {
  return of.headers.filter(
    (block) => block.mustUnderstand && isForThisNode(of.version, block) && addressingVersionOf(block) === undefined,
  );
}

/**
 * Refuses a message with mustUnderstand blocks that nobody understood; called once, by the last reader.
 *
 * @throws SoapError `SOAP_NOT_UNDERSTOOD`, with the MustUnderstand fault (SOAP 1.2 part 1 section 5.4.8)
 */
export function requireUnderstood(of: Message): void {
  const blocks = notUnderstood(of);
  if (blocks.length === 0) return;
  const names = listed(blocks.map((block) => `{${block.namespace}}${block.local}`));
  const reason = `These mandatory header blocks were not understood: ${names}.`.replace(/\p{C}/gu, '?');
  throw new SoapError('SOAP_NOT_UNDERSTOOD', `${reason} Add the layer that understands them to the binding.`, {
    fault: { code: 'mustUnderstand', reason },
  });
}

/**
 * Reads a message from a scanned document. What the header blocks mean is left to their layers; `action` is that of
 * wsa:Action when exactly one is there for this node.
 *
 * @throws SoapError `SOAP_VERSION` (with a VersionMismatch fault) for an Envelope of an unknown namespace or a message
 *   of two SOAP versions, `SOAP_ENVELOPE` (Sender) for anything that is not an envelope of the strict shape
 */
export function readEnvelope(document: XmlDocument): Message {
  const { root } = document;
  if (root.local !== 'Envelope') {
    throw refused('SOAP_ENVELOPE', `The document is not a SOAP message: its root is {${root.namespace}}${root.local}.`);
  }
  const version = versionOf(root.namespace);
  if (version === undefined) {
    throw refused(
      'SOAP_VERSION',
      `The Envelope is of "${root.namespace}". SOAP 1.1 and 1.2 are understood here.`,
      'versionMismatch',
    );
  }
  if (document.hasInstructions) {
    throw refused('SOAP_ENVELOPE', 'The message holds a processing instruction, which SOAP forbids.');
  }
  const [head, body] = partsOf(root, version);
  const headers: HeaderBlock[] = [];
  const blocks = head?.children ?? [];
  if (blocks.length > headerLimit) {
    throw refused('SOAP_ENVELOPE', `The message has more than ${headerLimit} header blocks.`);
  }
  const others = otherVersions(document, version);
  let actions = 0;
  let action = '';
  for (let at = 0; at < blocks.length; at++) {
    const element = blocks[at] as XmlElement;
    refuseOtherVersions(element, version, others);
    const block = readHeader(version, XmlFragment.of(element));
    headers.push(block);
    if (block.local !== 'Action' || addressingVersionOf(block) === undefined || !isForThisNode(version, block))
      continue;
    actions += 1;
    action = plainIri(element) ?? element.text.trim();
  }
  readBody(body, version, others);
  // What is no IRI is a fault of addressing later; nobody needs to hear or log it as an action.
  if (actions !== 1 || !isIri(action)) action = '';
  return { version, action, headers, body: XmlFragment.of(body), source: document, known: undefined };
}

function versionOf(namespace: string): SoapVersion | undefined {
  for (const row of soapVersions) if (row.namespace === namespace) return row;
  return undefined;
}

/** The SOAP versions other than its own whose namespace the document declares at all: nearly always none. */
function otherVersions(document: XmlDocument, version: SoapVersion): readonly SoapVersion[] {
  const { namespaces } = document.tape;
  let found: SoapVersion[] | undefined;
  for (const row of soapVersions) {
    if (row === version || !namespaces.includes(row.namespace)) continue;
    found ??= [];
    found.push(row);
  }
  return found ?? noVersions;
}

const noVersions: readonly SoapVersion[] = Object.freeze([]);

/** The octets of the message: UTF-8, every header block and the Body verbatim. */
export function encodeEnvelope(of: Message): Uint8Array {
  const { headers } = of;
  const opening = openings.get(of.version) ?? openingOf(of.version);
  const pieces: Piece[] = [headers.length === 0 ? opening.bare : opening.headed];
  for (const { fragment } of headers) for (const piece of fragment.pieces) pieces.push(piece);
  if (headers.length > 0) pieces.push(`</${soapPrefix}:Header>`);
  for (const piece of of.body.pieces) pieces.push(piece);
  pieces.push(`</${soapPrefix}:Envelope>`);
  return joined(pieces);
}

/** How an envelope begins, without header blocks and with some. */
function openingOf({ namespace }: SoapVersion): { readonly bare: string; readonly headed: string } {
  const bare = `<${soapPrefix}:Envelope xmlns:${soapPrefix}="${namespace}">`;
  return { bare, headed: `${bare}<${soapPrefix}:Header>` };
}

const openings = new Map(soapVersions.map((version) => [version, openingOf(version)]));

/** Header blocks of one message. */
const headerLimit = 256;

/** Header? and Body, with nothing but white space around them. */
function partsOf(envelope: XmlElement, version: SoapVersion): readonly [XmlElement | undefined, XmlElement] {
  const { children } = envelope;
  const first = children[0];
  const head = first?.is(version.namespace, 'Header') ? first : undefined;
  const body = head === undefined ? first : children[1];
  if (!body?.is(version.namespace, 'Body') || children.length !== (head === undefined ? 1 : 2)) {
    const names = listed(children.map((child) => child.local));
    throw refused('SOAP_ENVELOPE', `An Envelope holds one Header, which may be absent, and one Body; here: ${names}.`);
  }
  refuseText(envelope);
  if (head !== undefined) refuseText(head);
  refuseText(body);
  return [head, body];
}

/** The first few, so that what a sender wrote does not come back a hundredfold. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function refuseText(element: XmlElement): void {
  if (!holdsOnlyElements(element)) {
    throw refused('SOAP_ENVELOPE', `The SOAP ${element.local} holds text between its elements.`);
  }
}

/** The Body of one SOAP version holds no Fault of another, and its own Fault stands alone. */
function readBody(body: XmlElement, version: SoapVersion, others: readonly SoapVersion[]): void {
  for (const element of body.children) {
    refuseOtherVersions(element, version, others);
    if (element.is(version.namespace, 'Fault') && body.children.length > 1) {
      throw refused('SOAP_ENVELOPE', 'A Fault has to be the only element of the Body.');
    }
  }
}

/** Attack A8: markup of another SOAP version on a header block or as the payload. */
function refuseOtherVersions(element: XmlElement, version: SoapVersion, others: readonly SoapVersion[]): void {
  for (const other of others) {
    const marked =
      element.namespace === other.namespace ||
      element.attribute('mustUnderstand', other.namespace) !== undefined ||
      element.attribute(other.roleAttribute, other.namespace) !== undefined;
    if (marked) {
      throw refused(
        'SOAP_VERSION',
        `The message is SOAP ${version.name}, but {${element.namespace}}${element.local} is marked up as SOAP ${other.name}.`,
      );
    }
  }
}

function booleanOf(written: string): boolean | undefined {
  switch (written.trim()) {
    case '1':
    case 'true':
      return true;
    case '0':
    case 'false':
      return false;
    default:
      return undefined;
  }
}

function readHeader(version: SoapVersion, fragment: XmlFragment): HeaderBlock {
  const { namespace, local } = fragment;
  if (namespace === '') throw refused('SOAP_ENVELOPE', `The header block "${local}" is in no namespace.`);
  const written = fragment.attribute('mustUnderstand', version.namespace);
  const mustUnderstand = written === undefined ? false : booleanOf(written);
  if (mustUnderstand === undefined) {
    throw refused('SOAP_ENVELOPE', `The header block {${namespace}}${local} has a mustUnderstand that is no boolean.`);
  }
  const role = fragment.attribute(version.roleAttribute, version.namespace)?.trim();
  return { namespace, local, mustUnderstand, role, fragment };
}

function refused(
  code: 'SOAP_ENVELOPE' | 'SOAP_VERSION' | 'SOAP_DUPLICATE_HEADER',
  reason: string,
  faultCode: Fault['code'] = 'sender',
): SoapError {
  const printable = reason.replace(/\p{C}/gu, '?');
  return new SoapError(code, printable, { fault: { code: faultCode, reason: printable } });
}
