/**
 * The messages that an initiator sends about its sequences, in the form that WCF's client gives them: header order
 * (acknowledgement, Sequence, addressing), no ReplyTo with WS-Addressing 1.0, MessageID on what wants an answer.
 */
import type { Template } from '../channel/channel.ts';
import { type Delivery, delivery } from '../channel/delivery.ts';
import { anonymousReference, referenceTo, withAddressing } from '../soap/addressing.ts';
import { message, withHeaders } from '../soap/envelope.ts';
import { faultPayload } from '../soap/fault.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { usesTls, usesToken } from './binding.ts';
import { aboutSequence, createSequence, writeExpires } from './bodies.ts';
import type { DestinationState } from './destination-state.ts';
import { formOf } from './faults.ts';
import { acknowledgementHeader, ackRequestedHeader, sequenceHeader } from './headers.ts';
import type { InitiatorRecord } from './record.ts';
import type { Settings } from './settings.ts';
import type { SourceEffect } from './source-state.ts';

/** What an exchange is about. */
export type About =
  | { readonly kind: 'create' | 'poll' | 'close' | 'terminate' | 'fault' | 'unasked' }
  | { readonly kind: 'message'; readonly number: number; readonly last: boolean };

export type Control = Extract<SourceEffect, { readonly effect: 'create' | 'poll' | 'close' | 'terminate' }>;

export class Composer {
  readonly #settings: Settings;
  readonly #template: Template;
  readonly #createId: string;
  readonly #offer: string | null;
  /** A repeated request keeps its MessageID. */
  readonly #messageIds = new Map<string, string>();

  constructor(settings: Settings, template: Template, record: Pick<InitiatorRecord, 'createId' | 'offer'>) {
    this.#settings = settings;
    this.#template = template;
    this.#createId = record.createId;
    this.#offer = record.offer;
  }

  /** @param token the reference to the token that a sequence to be created belongs to */
  control(effect: Control, id: string, replies: DestinationState | undefined, token?: XmlFragment): Delivery {
    const { version } = this.#settings;
    const { actions } = version;
    switch (effect.effect) {
      case 'create':
        return this.#message(actions.createSequence, {
          headers: [
            ...(token === undefined ? [] : usesToken(version, this.#template.soap)),
            ...(this.#settings.usesTls ? usesTls(version, this.#template.soap) : []),
          ],
          body: this.#createSequence(token),
          messageId: this.#createId,
        });
      case 'poll':
        return this.#message(actions.ackRequested, {
          headers: [...this.#acknowledgement(replies, false), ackRequestedHeader(version, this.#template.soap, id)],
        });
      case 'close':
        return this.#message(actions.closeSequence ?? '', {
          headers: this.#acknowledgement(replies, true),
          body: aboutSequence(version, 'CloseSequence', { id, last: effect.last }),
          messageId: this.#messageId('close'),
        });
      case 'terminate': {
        const answered = actions.terminateSequenceResponse !== undefined || this.#offer !== null;
        return this.#message(actions.terminateSequence, {
          headers: this.#acknowledgement(replies, true),
          body: aboutSequence(version, 'TerminateSequence', { id, last: effect.last }),
          ...(answered ? { messageId: this.#messageId('terminate') } : {}),
        });
      }
      default:
        return effect satisfies never;
    }
  }

  /** An application's message with its number and what is to be acknowledged; `asks`: with AckRequested. */
  sequenced(of: Message, id: string, number: number, replies: DestinationState | undefined, asks: boolean): Message {
    const { version } = this.#settings;
    const block = sequenceHeader(version, of.version, { id, number, last: false });
    if (replies === undefined && !asks) return withHeaders(of, [block]);
    return withHeaders(of, [
      ...acknowledgements(version, of.version, replies, false),
      ...(asks ? [ackRequestedHeader(version, of.version, id)] : []),
      block,
    ]);
  }

  /** The empty message that says: this was the last (2005/02). */
  lastMessage(id: string, number: number, replies: DestinationState | undefined): Delivery {
    const { version } = this.#settings;
    return this.#message(version.actions.lastMessage ?? '', {
      headers: [
        ...this.#acknowledgement(replies, false),
        sequenceHeader(version, this.#template.soap, { id, number, last: true }),
      ],
    });
  }

  fault(
    effect: Extract<SourceEffect, { readonly effect: 'fault' }>,
    id: string,
    replies: DestinationState | undefined,
  ): Delivery {
    const { version } = this.#settings;
    const { soap, wsa } = this.#template;
    const code = effect.fault === 'SequenceTerminated' ? 'receiver' : 'sender';
    // WCF names the offered sequence where there is one: it is the end that receives on it which gives up.
    const identifier = replies?.id ?? id;
    const { refused } = effect;
    const acknowledgement = refused === undefined ? undefined : { id, nacks: [], ...refused };
    const form = formOf(soap, version, { name: effect.fault, code, reason: effect.text, identifier, acknowledgement });
    return this.#message(version.faultAction ?? wsa.soapFaultAction, {
      headers: form.headers,
      body: faultPayload(soap, form.fault),
    });
  }

  #createSequence(token: XmlFragment | undefined): XmlFragment {
    const { version, ordered, expires } = this.#settings;
    const { wsa, replyTo } = this.#template;
    const here = replyTo === undefined ? anonymousReference(wsa) : referenceTo(replyTo);
    const behaviour = ordered ? 'DiscardFollowingFirstGap' : 'NoDiscard';
    const offer =
      this.#offer === null ? undefined : { id: this.#offer, endpoint: here, behaviour: behaviour as 'NoDiscard' };
    const life = expires === undefined ? undefined : writeExpires(expires);
    return createSequence(version, wsa, { acksTo: here, expires: life, offer }, token);
  }

  #message(
    action: string,
    parts: { readonly headers?: readonly HeaderBlock[]; readonly body?: XmlFragment; readonly messageId?: string },
  ): Delivery {
    const { soap, wsa, to } = this.#template;
    const bare = message({ version: soap, body: parts.body });
    const addressed = withAddressing(bare, {
      version: wsa,
      action,
      to: to ?? (wsa.writesAnonymousTo ? wsa.anonymous : undefined),
      messageId: parts.messageId,
      replyTo: parts.messageId !== undefined && wsa.writesAnonymousTo ? anonymousReference(wsa) : undefined,
    });
    return delivery(withHeaders(addressed, parts.headers ?? []));
  }

  #acknowledgement(replies: DestinationState | undefined, closing: boolean): readonly HeaderBlock[] {
    return acknowledgements(this.#settings.version, this.#template.soap, replies, closing);
  }

  #messageId(of: 'close' | 'terminate'): string {
    const known = this.#messageIds.get(of) ?? this.#settings.newIdentifier('message');
    this.#messageIds.set(of, known);
    return known;
  }
}

/** Replies so far; nothing before the first, except that in closing 200702 says even that, and says that it is final. */
function acknowledgements(
  version: Settings['version'],
  soap: SoapVersion,
  replies: DestinationState | undefined,
  closing: boolean,
): readonly HeaderBlock[] {
  if (replies === undefined) return [];
  const final = closing && version.final;
  if (replies.received.length === 0 && !final) return [];
  return [acknowledgementHeader(version, soap, { id: replies.id, ranges: replies.received, nacks: [], final })];
}
