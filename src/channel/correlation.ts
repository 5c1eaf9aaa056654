/**
 * The exchange element: gives what is sent its addressing, holds an answer to the request it claims to answer, and
 * addresses the answers of this end (WS-Addressing 1.0 Core section 3.4; 2004/08 section 3).
 *
 * Whose answer it is, is the first thing an attacker would like us to be wrong about (attacks A4, R8): an answer that
 * relates to another message never reaches the caller.
 */
import { type Random, systemRandom, uuidUrn } from '../base/random.ts';
import {
  type Addressing,
  addressingOf,
  anonymousReference,
  faultAddressing,
  isAnonymous,
  isNone,
  referenceTo,
  replyAddressing,
  requireMessageId,
  withAddressing,
} from '../soap/addressing.ts';
import { addressingError } from '../soap/addressing-faults.ts';
import type { AddressingVersion } from '../soap/addressing-versions.ts';
import { SoapError } from '../soap/errors.ts';
import { faultOf, faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { Awaited, isAnswer, isAnswerable } from './awaited.ts';
import type { BindingElement, Channel } from './channel.ts';
import { type Carry, type ContextKey, contextKey, type Delivery } from './delivery.ts';
import { Entering } from './entering.ts';
import { ChannelError } from './errors.ts';
import { formerAddresses, fromHere, isAllowedHost } from './reply-to.ts';
import { sendingThrough } from './transform.ts';
import { destination } from './transport.ts';

/** Set to false by whoever sends a one-way message: it gets no MessageID and no ReplyTo, as WCF sends it. */
export const expectsReply: ContextKey<boolean> = contextKey<boolean>('expectsReply', true);

export interface ExchangeOptions {
  /** The version that is written, and the only one that is accepted. */
  readonly addressing: AddressingVersion;
  /** wsa:To of messages that do not say where they go; default: where the channel was connected to. */
  readonly to?: URL | undefined;
  /** Where MessageIDs come from; cryptographically strong unless a test says otherwise. */
  readonly random?: Random | undefined;
  /** Hosts (name, or name:port) that a ReplyTo or FaultTo may name; without, only the anonymous address is accepted. */
  readonly replyHosts?: readonly string[] | undefined;
  /**
   * The values of wsa:To that mean this end, octet for octet; a message to another, or to nobody, is answered with
   * DestinationUnreachable. Without, wsa:To is not looked at, and a signed message counts at every service that trusts its
   * signer: give it where several do (attack R6).
   */
  readonly addresses?: readonly string[] | undefined;
}

/**
 * The element for both ends of an exchange, place `exchange`. On a duplex channel an answer is found by what it relates to;
 * one that relates to nothing that was asked here is thrown away.
 *
 * Its `send` rejects with ChannelError `CHANNEL_CORRELATION` when the answer relates to another message or to none, and
 * with SoapError `SOAP_ADDRESSING` for a message without action or an answer with malformed addressing. A fault that
 * relates to no message is let through: a peer that could not read the request cannot name it. What arrives with
 * addressing that is missing, malformed or asks for an answer elsewhere is answered with the WS-Addressing fault.
 *
 * @example exchange({ addressing: addressing200508 })
 */
export function exchange(options: ExchangeOptions): BindingElement {
  return {
    name: 'exchange',
    place: 'exchange',
    wrap: (inner) => (receive) => {
      const awaited = new Awaited();
      const up = answering(options, receive, () => below);
      const told: Carry = async (trip) => {
        if (!isAnswer(trip.message)) return isAnswerable(trip.message) ? up(trip) : unanswered(up(trip));
        awaited.answer(trip);
        return undefined;
      };
      const below = inner((trip) => (below.isDuplex === true ? told(trip) : up(trip)));
      void below.closed.then((reason) => awaited.end(reason));
      const expects = (trip: Delivery) => trip.get(expectsReply);
      if (below.isDuplex !== true) return sendingThrough(below, asking(options, below, below.send));
      const entering = new Entering();
      const send = asking(options, below, awaited.asking(below.send, expects), entering);
      return sendingThrough(below, send, async (signal) => {
        await entering.gone(signal);
        await awaited.idle(signal);
        await below.close(signal);
      });
    },
  };
}

/** What has no MessageID has no answer: on a duplex channel it would come out of the blue, and be answered in turn. */
async function unanswered(answer: Promise<Delivery | undefined>): Promise<undefined> {
  await answer;
}

function asking(options: ExchangeOptions, below: Channel, next: Carry, entering = new Entering()): Carry {
  const random = options.random ?? systemRandom;
  const ask: Carry = (trip) => {
    try {
      const request = askingFor(trip, options, random, below);
      const { messageId } = request;
      const asked = next(trip.carrying(withAddressing(trip.message, request)));
      return messageId === undefined ? asked : answerTo(messageId, asked);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  };
  return below.isDuplex === true && below.side === 'initiator' ? onceOpen(below, ask, entering) : ask;
}

/** Where this end of a duplex channel is reached is known when it is open. */
function onceOpen(below: Channel, next: Carry, entering: Entering): Carry {
  let isOpen = false;
  return async (trip) => {
    if (isOpen) return next(trip);
    const given = entering.one();
    try {
      await below.open(trip.signal);
      isOpen = true;
      const asked = next(trip);
      given();
      return await asked;
    } finally {
      given();
    }
  };
}

async function answerTo(messageId: string, asked: Promise<Delivery | undefined>): Promise<Delivery | undefined> {
  const reply = await asked;
  if (reply !== undefined) requireAnswer(reply.message, messageId);
  return reply;
}

/** What the message says of its addressing, completed with what the exchange needs. */
function askingFor(trip: Delivery, options: ExchangeOptions, random: Random, { side, replyTo }: Channel): Addressing {
  const version = options.addressing;
  const given = addressingOf(trip.message);
  const expected = trip.get(expectsReply);
  const here = side === 'initiator' && replyTo !== undefined ? referenceTo(replyTo) : undefined;
  return {
    version,
    action: given?.action ?? trip.message.action,
    to:
      given?.to ??
      (options.to ?? trip.get(destination))?.href ??
      (side === 'acceptor' ? replyTo : undefined) ??
      (version.writesAnonymousTo ? version.anonymous : undefined),
    parameters: given?.parameters,
    messageId: given?.messageId ?? (expected || here !== undefined ? uuidUrn(random) : undefined),
    relatesTo: given?.relatesTo,
    from: given?.from,
    replyTo: given?.replyTo ?? here ?? (expected ? anonymousReference(version) : undefined),
    faultTo: given?.faultTo,
  };
}

function requireAnswer(reply: Message, messageId: string): void {
  const relatesTo = addressingOf(reply)?.relatesTo;
  if (relatesTo === messageId || (relatesTo === undefined && faultOf(reply) !== undefined)) return;
  throw new ChannelError(
    'CHANNEL_CORRELATION',
    relatesTo === undefined
      ? `The answer to ${messageId} does not say what it answers: it has no wsa:RelatesTo.`
      : `The answer to ${messageId} relates to ${relatesTo}, another message; it was thrown away.`,
  );
}

/** Without an async function: of most messages nothing comes back, and nobody has to wait to know that. */
function answering(options: ExchangeOptions, next: Carry, below: () => Channel): Carry {
  const random = options.random ?? systemRandom;
  const refused = (trip: Delivery, error: unknown): Delivery => {
    if (!(error instanceof SoapError) || error.fault === undefined) throw error;
    return trip.carrying(faultReply(trip.message, error.fault));
  };
  const isBack = (trip: Delivery) => (address: string) =>
    address === below().replyTo || trip.get(formerAddresses).includes(address);
  const answered = (trip: Delivery, request: Addressing, reply: Delivery | undefined): Delivery | undefined => {
    if (reply === undefined) return undefined;
    const answering = answer(request, reply, isBack(trip));
    return answering?.carrying(fromHere(answering.message, below(), () => uuidUrn(random)));
  };
  return (trip) => {
    let request: Addressing;
    try {
      request = asked(trip.message, options, isBack(trip));
    } catch (error) {
      return new Promise((resolve) => resolve(refused(trip, error)));
    }
    try {
      return next(trip).then(
        (reply) => answered(trip, request, reply),
        (error: unknown) => answered(trip, request, refused(trip, error)),
      );
    } catch (error) {
      return new Promise((resolve) => resolve(answered(trip, request, refused(trip, error))));
    }
  };
}

/** Addressing of a message that arrived, held to this end's version and to where answers may go. */
function asked(
  message: Message,
  { addressing: version, replyHosts = [], addresses }: ExchangeOptions,
  isBack: (address: string) => boolean,
): Addressing {
  const request = addressingOf(message);
  if (request === undefined || request.version !== version) {
    const reason = `A message with WS-Addressing ${version.name} is expected here.`;
    throw addressingError(version, 'headerRequired', reason, { header: 'Action' });
  }
  if (addresses !== undefined && (request.to === undefined || !addresses.includes(request.to))) {
    const reason = 'The message is not for this service: wsa:To names another, or none.';
    throw addressingError(version, 'destinationUnreachable', reason, { address: request.to });
  }
  requireMessageId(request);
  if (request.replyTo === undefined && request.faultTo === undefined) return request;
  for (const [name, target] of [
    ['ReplyTo', request.replyTo],
    ['FaultTo', request.faultTo],
  ] as const) {
    if (target === undefined || isAnonymous(version, target) || isNone(version, target)) continue;
    if (isBack(target.address) || isAllowedHost(target.address, replyHosts)) continue;
    const reason = `Answers are sent only on the same connection here; wsa:${name} has to be anonymous.`;
    throw addressingError(version, 'invalidHeader', reason, {
      problem: replyHosts.length === 0 ? 'OnlyAnonymousAddressSupported' : 'InvalidAddress',
      header: name,
    });
  }
  return request;
}

/** The answer with addressing: its own, completed with what it relates to, or that which the request asks for. */
function answer(request: Addressing, reply: Delivery, isBack: (address: string) => boolean): Delivery | undefined {
  const { version } = request;
  const fault = faultOf(reply.message);
  const target = fault === undefined ? request.replyTo : (request.faultTo ?? request.replyTo);
  if (isNone(version, target)) return undefined;
  if (target !== undefined && !isAnonymous(version, target) && !isBack(target.address)) {
    throw new ChannelError(
      'CHANNEL_REPLY_ADDRESS',
      `The answer is wanted at ${target.address}, and this channel brings answers only on the same exchange. ` +
        'Let the operation be one-way, or take the host out of replyHosts.',
    );
  }
  const given = addressingOf(reply.message);
  if (given !== undefined) {
    return given.relatesTo !== undefined || request.messageId === undefined
      ? reply
      : reply.carrying(withAddressing(reply.message, { ...given, relatesTo: request.messageId }));
  }
  const addressed = fault === undefined ? replyAddressing : faultAddressing;
  const usual = fault === undefined ? `${request.action}Response` : version.soapFaultAction;
  const action = reply.message.action === '' ? usual : reply.message.action;
  return reply.carrying(withAddressing(reply.message, addressed(request, action)));
}
