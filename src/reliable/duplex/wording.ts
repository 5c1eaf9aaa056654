/**
 * What either end of a duplex session says about its two sequences, in the form and header order that WCF's duplex session
 * channel gives it (acknowledgement, AckRequested, Sequence, addressing; WS-RM 1.1 section 3).
 */

import type { Template } from '../../channel/channel.ts';
import { type Delivery, delivery } from '../../channel/delivery.ts';
import { anonymousReference, withAddressing } from '../../soap/addressing.ts';
import { message, withHeaders } from '../../soap/envelope.ts';
import { faultPayload } from '../../soap/fault.ts';
import type { HeaderBlock, Message } from '../../soap/message.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { aboutSequence } from '../bodies.ts';
import { bufferRemaining, type DeliveryAssurance, type DestinationState, isFinal } from '../destination-state.ts';
import { formOf } from '../faults.ts';
import { type Acknowledgement, acknowledgementHeader, ackRequestedHeader, sequenceHeader } from '../headers.ts';
import { none } from '../ranges.ts';
import { response } from '../responses.ts';
import type { Settings } from '../settings.ts';
import type { SourceEffect } from '../source-state.ts';
import type { ReliableVersion } from '../versions/version.ts';

interface DuplexWordingInit {
  readonly settings: Settings;
  readonly version: ReliableVersion;
  readonly template: Template;
  readonly assurance: DeliveryAssurance;
}

export class DuplexWording {
  readonly #init: DuplexWordingInit;
  /** A repeated request keeps its MessageID. */
  readonly #messageIds = new Map<string, string>();

  constructor(init: DuplexWordingInit) {
    this.#init = init;
  }

  /** What this end has received, and for how many more messages it has room. */
  acknowledgement(receipt: DestinationState): Acknowledgement {
    const { settings, version, assurance } = this.#init;
    const final = isFinal(receipt);
    const room = settings.flowControlEnabled && !final ? bufferRemaining(receipt, assurance) : undefined;
    return {
      id: receipt.id,
      ranges: receipt.received,
      nacks: [],
      final: final && version.final,
      bufferRemaining: room,
    };
  }

  /** An application's message with its number. */
  sequenced(
    of: Message,
    { id, number, asks }: { readonly id: string; readonly number: number; readonly asks: boolean },
    acknowledgement: Acknowledgement | undefined,
  ): Message {
    const { version } = this.#init;
    return withHeaders(of, [
      ...this.#acknowledgements(acknowledgement),
      ...(asks ? [ackRequestedHeader(version, of.version, id)] : []),
      sequenceHeader(version, of.version, { id, number, last: false }),
    ]);
  }

  /** The empty message that says: this was the last (2005/02). */
  lastMessage(id: string, number: number, acknowledgement: Acknowledgement | undefined): Delivery {
    const { version, template } = this.#init;
    return this.#message(version.actions.lastMessage ?? '', {
      headers: [
        ...this.#acknowledgements(acknowledgement),
        ackRequestedHeader(version, template.soap, id),
        sequenceHeader(version, template.soap, { id, number, last: true }),
      ],
    });
  }

  /** A message that only acknowledges; with `asks`, one that asks for the acknowledgement of sequence `asks` too. */
  stateOfThings(acknowledgement: Acknowledgement | undefined, asks?: string): Delivery {
    const { version, template } = this.#init;
    const { actions } = version;
    return this.#message(asks === undefined ? actions.sequenceAcknowledgement : actions.ackRequested, {
      headers: [
        ...this.#acknowledgements(acknowledgement),
        ...(asks === undefined ? [] : [ackRequestedHeader(version, template.soap, asks)]),
      ],
    });
  }

  /** A message that says what is missing, and nothing else. */
  missing(id: string, nacks: readonly number[]): Delivery {
    return this.stateOfThings({ id, ranges: none, nacks, final: false });
  }

  closeSequence(id: string, last: number, acknowledgement: Acknowledgement | undefined): Delivery {
    const { version } = this.#init;
    return this.#message(version.actions.closeSequence ?? '', {
      headers: this.#acknowledgements(acknowledgement),
      body: aboutSequence(version, 'CloseSequence', { id, last }),
      messageId: this.#messageId('close'),
    });
  }

  /** The answer to CloseSequence, with the final acknowledgement. */
  sequenceClosed(request: Message, receipt: DestinationState): Message {
    const { version } = this.#init;
    const body = aboutSequence(version, 'CloseSequenceResponse', { id: receipt.id });
    const headers = this.#acknowledgements(this.acknowledgement(receipt));
    return response(request, version.actions.closeSequenceResponse ?? '', headers, body);
  }

  terminateSequence(id: string, last: number, acknowledgement: Acknowledgement | undefined): Delivery {
    const { version } = this.#init;
    const isAnswered = version.actions.terminateSequenceResponse !== undefined;
    return this.#message(version.actions.terminateSequence, {
      headers: this.#acknowledgements(acknowledgement),
      body: aboutSequence(version, 'TerminateSequence', { id, last }),
      ...(isAnswered ? { messageId: this.#messageId('terminate') } : {}),
    });
  }

  /** The answer to TerminateSequence; `undefined` in 2005/02, where it has none. */
  sequenceTerminated(request: Message, receipt: DestinationState): Message | undefined {
    const { version } = this.#init;
    const { terminateSequenceResponse } = version.actions;
    if (terminateSequenceResponse === undefined) return undefined;
    const body = aboutSequence(version, 'TerminateSequenceResponse', { id: receipt.id });
    return response(request, terminateSequenceResponse, this.#acknowledgements(this.acknowledgement(receipt)), body);
  }

  fault(
    effect: Extract<SourceEffect, { readonly effect: 'fault' }>,
    id: string,
    receives: string | undefined,
  ): Delivery {
    const { version, template } = this.#init;
    const { refused, text: reason } = effect;
    const acknowledgement = refused === undefined ? undefined : { id, nacks: [], ...refused };
    const code = effect.fault === 'SequenceTerminated' ? 'receiver' : 'sender';
    // It is the end that receives on a sequence which gives it up (WCF).
    const form = formOf(template.soap, version, {
      name: effect.fault,
      code,
      reason,
      identifier: receives ?? id,
      acknowledgement,
    });
    return this.#message(version.faultAction ?? template.wsa.soapFaultAction, {
      headers: form.headers,
      body: faultPayload(template.soap, form.fault),
    });
  }

  #acknowledgements(block: Acknowledgement | undefined): readonly HeaderBlock[] {
    const { version, template } = this.#init;
    return block === undefined ? [] : [acknowledgementHeader(version, template.soap, block)];
  }

  #message(
    action: string,
    parts: { readonly headers?: readonly HeaderBlock[]; readonly body?: XmlFragment; readonly messageId?: string },
  ): Delivery {
    const { soap, wsa, to } = this.#init.template;
    const addressed = withAddressing(message({ version: soap, body: parts.body }), {
      version: wsa,
      action,
      to: to ?? (wsa.writesAnonymousTo ? wsa.anonymous : undefined),
      messageId: parts.messageId,
      replyTo: parts.messageId !== undefined && wsa.writesAnonymousTo ? anonymousReference(wsa) : undefined,
    });
    return delivery(withHeaders(addressed, parts.headers ?? []));
  }

  #messageId(of: 'close' | 'terminate'): string {
    const known = this.#messageIds.get(of) ?? this.#init.settings.newIdentifier('message');
    this.#messageIds.set(of, known);
    return known;
  }
}
