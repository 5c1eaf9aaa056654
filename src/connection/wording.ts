/**
 * What WS-MakeConnection 1.1 puts on the wire: the address of a client that nobody can connect to, the message by which it asks
 * for what waits for it, the header that says whether there is more, and the two faults (sections 3.1 to 3.3 and 4).
 */
import { type Random, uuidUrn } from '../base/random.ts';
import { addressing200508, withAddressing } from '../soap/addressing.ts';
import { findHeaders, header, message, withHeaders, withoutHeaders } from '../soap/envelope.ts';
import type { Fault } from '../soap/errors.ts';
import type { Message } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import { childrenOf, simpleText } from '../xml/find.ts';
import { XmlWriter } from '../xml/write.ts';

const namespace = 'http://docs.oasis-open.org/ws-rx/wsmc/200702';
const prefix = 'wsmc';
const anonymousPrefix = `${namespace}/anonymous?id=`;
export const makeConnectionAction: string = `${namespace}/MakeConnection`;
const faultAction = `${namespace}/fault`;

/** The longest address that is believed to be one, in characters. */
const longestAddress = 512;

/** A new address for a client; its identifier, 122 random bits, is what makes it the client's own. */
export function newAddress(random: Random): string {
  return `${anonymousPrefix}${uuidUrn(random).slice('urn:uuid:'.length)}`;
}

/** True for the address of a client that has to be waited for. Addresses are compared octet for octet, never normalised (M18). */
export function isWaitedFor(address: string): boolean {
  const { length } = address;
  return address.startsWith(anonymousPrefix) && length > anonymousPrefix.length && length <= longestAddress;
}

/** The message that asks for what waits for `address`. */
export function makeConnection(soap: SoapVersion, to: string, address: string, random: Random): Message {
  const writer = new XmlWriter().start(namespace, 'MakeConnection', prefix);
  const body = writer.element(namespace, 'Address', address, prefix).end().finish();
  return withAddressing(message({ version: soap, body }), {
    version: addressing200508,
    action: makeConnectionAction,
    to,
    messageId: uuidUrn(random),
  });
}

/** What a MakeConnection selects, or the fault that it is answered with. */
export type Selection = { readonly address: string } | { readonly fault: Fault };

/** Reads a MakeConnection (3.2; RSP R2100 to R2103: an Address and nothing else). @throws XmlError */
export function selectionOf(asking: Message): Selection {
  const [body, another] = asking.body.element.children;
  if (body === undefined || another !== undefined || !body.is(namespace, 'MakeConnection')) {
    return { fault: { code: 'sender', reason: 'The Body has to be one wsmc:MakeConnection.' } };
  }
  const addresses = childrenOf(body, namespace, 'Address');
  const others = body.children.filter((element) => !addresses.includes(element));
  if (others.length > 0) {
    const detail = others.map(({ namespace: theirs, local }) => {
      const writer = new XmlWriter().start(namespace, 'UnsupportedElement', prefix);
      if (theirs !== '') writer.declare('u', theirs);
      return writer
        .text(theirs === '' ? local : `u:${local}`)
        .end()
        .finish();
    });
    const reason =
      'The extension element used in the message selection is not supported by the MakeConnection receiver.';
    return { fault: { code: 'receiver', subcode: { namespace, local: 'UnsupportedSelection' }, reason, detail } };
  }
  const [address, second] = addresses;
  if (address === undefined) {
    const reason = 'The MakeConnection element did not contain any selection criteria.';
    return { fault: { code: 'receiver', subcode: { namespace, local: 'MissingSelection' }, reason } };
  }
  if (second !== undefined) return { fault: { code: 'sender', reason: 'A MakeConnection names one Address.' } };
  return { address: simpleText(address) };
}

/** The action of a fault about a selection. */
export function faultActionOf(fault: Fault): string {
  return fault.subcode === undefined ? addressing200508.soapFaultAction : faultAction;
}

/** `waiting` as it is fetched, with word of whether there is more. */
export function fetched(waiting: Message, isPending: boolean): Message {
  const writer = new XmlWriter().start(namespace, 'MessagePending', prefix);
  const block = writer.attribute('', 'pending', String(isPending)).end().finish();
  return withHeaders(waiting, [header(waiting.version, block)]);
}

/** What came, without the header of this layer; `isPending` is absent where nothing is said of it. */
export function unpacked(came: Message): { readonly message: Message; readonly isPending: boolean | undefined } {
  const [block] = findHeaders(came, namespace, 'MessagePending');
  if (block === undefined) return { message: came, isPending: undefined };
  const isPending = ['true', '1'].includes(block.fragment.attribute('pending')?.trim() ?? '');
  return { message: withoutHeaders(came, (one) => one.namespace === namespace), isPending };
}
