/**
 * What a session of an acceptor says, as messages: responses to protocol messages, acknowledgements and replies, in the form
 * and header order that WCF's client demands (checklist 3.13). The initiator's counterpart is `composer.ts`.
 */
import { addressingOf, replyAddressing, withAddressing } from '../soap/addressing.ts';
import { message, withHeaders } from '../soap/envelope.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import { aboutSequence, createSequenceResponse } from './bodies.ts';
import { bufferRemaining, type DeliveryAssurance, type DestinationState, isFinal } from './destination-state.ts';
import { publish } from './events.ts';
import { type Acknowledgement, acknowledgementHeader, sequenceHeader } from './headers.ts';
import type { Ranges } from './ranges.ts';
import { type AcceptorRecord, type Answer, templateOf } from './record.ts';
import { response } from './responses.ts';
import type { Settings } from './settings.ts';
import type { ReliableVersion } from './versions/version.ts';

export class Wording {
  readonly #settings: Settings;
  readonly #version: ReliableVersion;
  readonly #assurance: DeliveryAssurance;
  readonly #offer: string | undefined;

  /** @param offer identifier of the sequence for replies, where the client offered one */
  constructor(settings: Settings, version: ReliableVersion, assurance: DeliveryAssurance, offer: string | undefined) {
    this.#settings = settings;
    this.#version = version;
    this.#assurance = assurance;
    this.#offer = offer;
  }

  /** The answer to CreateSequence. */
  created(request: Message, record: AcceptorRecord): Message {
    const { addressing, incompleteSequenceBehavior: behaviour } = this.#settings;
    const { expires, receipt, to } = record;
    const accept = this.#offer === undefined ? undefined : { address: to, parameters: [] };
    const body = createSequenceResponse(this.#version, templateOf(record)?.wsa ?? addressing, {
      id: receipt.id,
      expires: expires ?? undefined,
      behaviour,
      accept,
    });
    return response(request, this.#version.actions.createSequenceResponse, [], body);
  }

  /** The answer to CloseSequence. */
  closed(request: Message, receipt: DestinationState): Message {
    const { closeSequenceResponse = '' } = this.#version.actions;
    const body = aboutSequence(this.#version, 'CloseSequenceResponse', { id: receipt.id });
    return response(request, closeSequenceResponse, this.acknowledgement(request.version, receipt), body);
  }

  /** The answer to TerminateSequence; `undefined` where it has none (2005/02, without a reply sequence). */
  terminated(request: Message, receipt: DestinationState): Message | undefined {
    const { terminateSequence, terminateSequenceResponse } = this.#version.actions;
    const headers = this.acknowledgement(request.version, receipt);
    if (terminateSequenceResponse !== undefined) {
      const body = aboutSequence(this.#version, 'TerminateSequenceResponse', { id: receipt.id });
      return response(request, terminateSequenceResponse, headers, body);
    }
    if (this.#offer === undefined) return undefined;
    const body = aboutSequence(this.#version, 'TerminateSequence', { id: this.#offer });
    return response(request, terminateSequence, headers, body);
  }

  /** This end's own last message, which answers that of the client (2005/02). */
  lastMessage(request: Message, action: string): Message {
    const asked = addressingOf(request);
    const bare = message({ version: request.version, action });
    return asked === undefined ? bare : withAddressing(bare, replyAddressing(asked, action));
  }

  /** A message that only acknowledges. */
  acknowledged(request: Message, receipt: DestinationState): Message {
    const headers = this.acknowledgement(request.version, receipt);
    return response(request, this.#version.actions.sequenceAcknowledgement, headers);
  }

  /** The answer to AckRequested: whoever asks may be told that there is no room at all, as it will ask again. */
  asked(request: Message, receipt: DestinationState): Message {
    const headers = this.acknowledgement(request.version, receipt, undefined, 0);
    return response(request, this.#version.actions.sequenceAcknowledgement, headers);
  }

  /** The reply as it goes out: with its number, where the client offered a sequence, and the acknowledgement. */
  numbered(reply: Message, answer: Answer, receipt: DestinationState): Message {
    const last = answer.last === true;
    const block =
      this.#offer === undefined
        ? []
        : [sequenceHeader(this.#version, reply.version, { id: this.#offer, number: answer.reply, last })];
    return withHeaders(reply, [...block, ...this.acknowledgement(reply.version, receipt, answer.acknowledged)]);
  }

  /**
   * @param ranges what to acknowledge instead of everything that was received; a final one says everything
   * @param least the least room that is told. 1: a WCF client that is told there is none and has nothing under way would wait
   *   for ever; it asks for it (AckRequested) and does not listen to the answer's.
   */
  acknowledgement(soap: SoapVersion, receipt: DestinationState, ranges?: Ranges, least = 1): readonly HeaderBlock[] {
    const final = isFinal(receipt);
    const room = Math.max(least, bufferRemaining(receipt, this.#assurance));
    const block: Acknowledgement = {
      id: receipt.id,
      ranges: final || ranges === undefined ? receipt.received : ranges,
      nacks: [],
      final,
      bufferRemaining: this.#settings.flowControlEnabled && !final ? room : undefined,
    };
    publish(() => {
      const { id, bufferRemaining: said = null } = block;
      const { ranges: spoken } = block;
      return {
        event: 'acknowledgement.sent',
        side: 'acceptor',
        session: id,
        sequence: id,
        ranges: spoken,
        final,
        room: said,
      };
    });
    return [acknowledgementHeader(this.#version, soap, block)];
  }
}
