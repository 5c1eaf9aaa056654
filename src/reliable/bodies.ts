/**
 * The bodies of WS-RM: CreateSequence, CloseSequence, TerminateSequence and their responses (WS-RM 1.1, 3.4–3.6).
 * Written in WCF's child order; read by name, so that extensions and the liberties that gSOAP takes (Offer/Endpoint and
 * IncompleteSequenceBehavior in 2005/02) do no harm.
 */
import { tokenReferenceIn } from '../security/evidence.ts';
import type { AddressingVersion, EndpointReference } from '../soap/addressing.ts';
import { readEndpointReference, writeEndpointReference } from '../soap/addressing.ts';
import type { Message } from '../soap/message.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, onlyChild, requiredChild, simpleText } from '../xml/find.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { malformed, readable, readIdentifier, readNumber, reliablePrefix } from './headers.ts';
import type { ReliableVersion } from './versions/version.ts';

/** What becomes of messages behind a gap when the sequence is closed with one. */
const behaviours = ['DiscardEntireSequence', 'DiscardFollowingFirstGap', 'NoDiscard'] as const;
export type IncompleteSequenceBehavior = (typeof behaviours)[number];

export interface Offer {
  readonly id: string;
  /** Where the offering end wants the sequence's messages; written and expected where the version has it. */
  readonly endpoint?: EndpointReference | undefined;
  readonly expires?: string | undefined;
  readonly behaviour?: IncompleteSequenceBehavior | undefined;
}

export interface CreateSequence {
  readonly acksTo: EndpointReference;
  /** xs:duration. */
  readonly expires?: string | undefined;
  readonly offer?: Offer | undefined;
  /** The wsse:SecurityTokenReference to the token that the sequence belongs to. */
  readonly token?: XmlElement | undefined;
}

export interface CreateSequenceResponse {
  readonly id: string;
  readonly expires?: string | undefined;
  readonly behaviour?: IncompleteSequenceBehavior | undefined;
  /** AcksTo of the accepted offer. */
  readonly accept?: EndpointReference | undefined;
}

/** CloseSequence and TerminateSequence; the responses are the same without `last`. */
export interface EndOfSequence {
  readonly id: string;
  readonly last?: number | undefined;
}

export function createSequence(
  version: ReliableVersion,
  wsa: AddressingVersion,
  body: Omit<CreateSequence, 'token'>,
  token?: XmlFragment | undefined,
): XmlFragment {
  const { namespace } = version;
  const writer = new XmlWriter().start(namespace, 'CreateSequence', reliablePrefix);
  writeEndpointReference(writer, namespace, 'AcksTo', wsa, body.acksTo, reliablePrefix);
  optional(writer, namespace, 'Expires', body.expires);
  if (body.offer !== undefined) {
    const { id, endpoint, expires, behaviour } = body.offer;
    writer.start(namespace, 'Offer', reliablePrefix).element(namespace, 'Identifier', id, reliablePrefix);
    if (version.behaviour && endpoint !== undefined) {
      writeEndpointReference(writer, namespace, 'Endpoint', wsa, endpoint, reliablePrefix);
    }
    optional(writer, namespace, 'Expires', expires);
    if (version.behaviour) optional(writer, namespace, 'IncompleteSequenceBehavior', behaviour);
    writer.end();
  }
  if (token !== undefined) writer.fragment(token);
  return writer.end().finish();
}

export function createSequenceResponse(
  version: ReliableVersion,
  wsa: AddressingVersion,
  body: CreateSequenceResponse,
): XmlFragment {
  const { namespace } = version;
  const writer = new XmlWriter()
    .start(namespace, 'CreateSequenceResponse', reliablePrefix)
    .element(namespace, 'Identifier', body.id, reliablePrefix);
  optional(writer, namespace, 'Expires', body.expires);
  if (version.behaviour) optional(writer, namespace, 'IncompleteSequenceBehavior', body.behaviour);
  if (body.accept !== undefined) {
    writer.start(namespace, 'Accept', reliablePrefix);
    writeEndpointReference(writer, namespace, 'AcksTo', wsa, body.accept, reliablePrefix);
    writer.end();
  }
  return writer.end().finish();
}

/** The body `local` (CloseSequence, TerminateSequenceResponse, …) about one sequence. */
export function aboutSequence(
  version: ReliableVersion,
  local: 'CloseSequence' | 'CloseSequenceResponse' | 'TerminateSequence' | 'TerminateSequenceResponse',
  body: EndOfSequence,
): XmlFragment {
  const { namespace } = version;
  const writer = new XmlWriter()
    .start(namespace, local, reliablePrefix)
    .element(namespace, 'Identifier', body.id, reliablePrefix);
  if (version.final && body.last !== undefined && body.last > 0) {
    writer.element(namespace, 'LastMsgNumber', String(body.last), reliablePrefix);
  }
  return writer.end().finish();
}

/** @throws ReliableError `RELIABLE_MALFORMED` */
export function readCreateSequence(version: ReliableVersion, message: Message): CreateSequence {
  return readable(() => {
    const { namespace } = version;
    const body = content(version, message, 'CreateSequence');
    const offer = child(body, namespace, 'Offer');
    return {
      acksTo: readEndpointReference(requiredChild(body, namespace, 'AcksTo')),
      expires: text(body, namespace, 'Expires'),
      offer: offer === undefined ? undefined : readOffer(version, offer),
      token: tokenReferenceIn(body),
    };
  });
}

function readOffer(version: ReliableVersion, offer: XmlElement): Offer {
  // 2005/02 has no Endpoint; gSOAP writes an empty one there.
  const endpoint = version.behaviour ? child(offer, version.namespace, 'Endpoint') : undefined;
  return {
    id: readIdentifier(version, offer),
    endpoint: endpoint === undefined ? undefined : readEndpointReference(endpoint),
    expires: text(offer, version.namespace, 'Expires'),
    behaviour: version.behaviour ? readBehaviour(version, offer) : undefined,
  };
}

/** @throws ReliableError `RELIABLE_MALFORMED` */
export function readCreateSequenceResponse(version: ReliableVersion, message: Message): CreateSequenceResponse {
  return readable(() => {
    const body = content(version, message, 'CreateSequenceResponse');
    const accept = child(body, version.namespace, 'Accept');
    const acksTo = accept === undefined ? undefined : requiredChild(accept, version.namespace, 'AcksTo');
    return {
      id: readIdentifier(version, body),
      expires: text(body, version.namespace, 'Expires'),
      behaviour: version.behaviour ? readBehaviour(version, body) : undefined,
      accept: acksTo === undefined ? undefined : readEndpointReference(acksTo),
    };
  });
}

/** @throws ReliableError `RELIABLE_MALFORMED` */
export function readAboutSequence(version: ReliableVersion, message: Message, local: string): EndOfSequence {
  return readable(() => {
    const body = content(version, message, local);
    const written = version.final ? text(body, version.namespace, 'LastMsgNumber') : undefined;
    const last = written === undefined ? undefined : readNumber(written);
    if (written !== undefined && (last === undefined || last === 'beyond')) {
      throw malformed('LastMsgNumber is no message number.');
    }
    return { id: readIdentifier(version, body), last: last === 'beyond' ? undefined : last };
  });
}

function content(version: ReliableVersion, message: Message, local: string): XmlElement {
  const body = onlyChild(message.body.element);
  if (!body.is(version.namespace, local)) throw malformed(`The Body holds ${body.local} where ${local} belongs.`);
  return body;
}

function readBehaviour(version: ReliableVersion, parent: XmlElement): IncompleteSequenceBehavior | undefined {
  const written = text(parent, version.namespace, 'IncompleteSequenceBehavior');
  if (written === undefined) return undefined;
  const behaviour = behaviours.find((known) => known === written);
  if (behaviour === undefined) throw malformed(`IncompleteSequenceBehavior "${written.slice(0, 40)}" does not exist.`);
  return behaviour;
}

function text(parent: XmlElement, namespace: string, local: string): string | undefined {
  const element = child(parent, namespace, local);
  return element === undefined ? undefined : simpleText(element);
}

function optional(writer: XmlWriter, namespace: string, local: string, value: string | undefined): void {
  if (value !== undefined) writer.element(namespace, local, value, reliablePrefix);
}

const duration =
  /^(-?)P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/;
const units = [365 * 86_400, 30 * 86_400, 86_400, 3_600, 60, 1] as const;

/** An Expires of `milliseconds`. */
export function writeExpires(milliseconds: number): string {
  return `PT${Math.max(1, Math.ceil(milliseconds)) / 1000}S`;
}

/**
 * An Expires in milliseconds; months count 30 days and years 365, as nothing depends on the difference.
 *
 * @returns infinity for PT0S, which means never; `undefined` for what is no duration or is negative (attack M27)
 */
export function readExpires(text: string): number | undefined {
  const match = duration.exec(text);
  if (match === null || match[1] === '-' || !/\d/.test(text)) return undefined;
  const seconds = units.reduce((sum, unit, at) => sum + unit * Number(match[at + 2] ?? 0), 0);
  return seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
}
