/** A peer made of a script, for either end: what it hears, and a hand to answer with. */
import type { VirtualClock } from '../../src/base/clock.ts';
import type { Delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import {
  aboutSequence,
  createSequence,
  createSequenceResponse,
  type IncompleteSequenceBehavior,
  readCreateSequenceResponse,
} from '../../src/reliable/bodies.ts';
import {
  type Acknowledgement,
  acknowledgementHeader,
  ackRequestedHeader,
  readHeaders,
  sequenceHeader,
} from '../../src/reliable/headers.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import {
  addressing200508,
  addressingOf,
  anonymousReference,
  replyAddressing,
  withAddressing,
} from '../../src/soap/addressing.ts';
import { message, withHeaders } from '../../src/soap/envelope.ts';
import type { HeaderBlock, Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap12 } from '../../src/soap/version.ts';
import type { XmlFragment } from '../../src/xml/fragment.ts';
import { cryptoAtRest } from '../simulation/crypto-at-work.ts';
import type { AcceptorEnd } from './ends.ts';
import { saying } from './ends.ts';

/** Lets time pass until `work` has settled, or says that it never will. */
export async function until<T>(clock: VirtualClock, work: Promise<T>, limit = 3_600_000): Promise<T> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  work.then(mark, mark);
  const start = clock.now();
  while (!settled) {
    if (clock.now() - start > limit) throw new Error('time is over and the work is not done');
    await cryptoAtRest();
    await clock.advance(clock.next === undefined ? 1_000 : Math.max(0, clock.next - clock.now()));
  }
  return work;
}

/** Whoever connects with this certificate. */
export function as(name: string): (trip: Delivery) => Delivery {
  return (trip) => trip.with(peer, { secure: true, fingerprint: name });
}

/** What the server at the other end of an initiator says. */
export class Server {
  readonly version: ReliableVersion;
  readonly heard: Message[] = [];

  constructor(version: ReliableVersion) {
    this.version = version;
  }

  answer(request: Message, action: string, headers: readonly HeaderBlock[] = [], body?: XmlFragment): Message {
    const asked = addressingOf(request);
    const bare = message({ version: request.version, action, body });
    return withHeaders(asked === undefined ? bare : withAddressing(bare, replyAddressing(asked, action)), headers);
  }

  created(request: Message, id = 'urn:s', accept = true, behaviour?: IncompleteSequenceBehavior): Message {
    const accepted = accept ? { address: 'http://service.example/', parameters: [] } : undefined;
    const body = createSequenceResponse(this.version, addressing200508, { id, accept: accepted, behaviour });
    return this.answer(request, this.version.actions.createSequenceResponse, [], body);
  }

  acknowledged(request: Message, more: Partial<Acknowledgement> & { readonly upper?: number } = {}): Message {
    return this.answer(request, this.version.actions.sequenceAcknowledgement, [this.block(request.version, more)]);
  }

  block(
    soap: SoapVersion,
    { upper = 1, ...more }: Partial<Acknowledgement> & { readonly upper?: number },
  ): HeaderBlock {
    const ranges = upper === 0 ? [] : [{ lower: 1, upper }];
    return acknowledgementHeader(this.version, soap, { id: 'urn:s', ranges, nacks: [], final: false, ...more });
  }

  reply(request: Message, offer: string, number: number, upper: number): Message {
    const block = sequenceHeader(this.version, request.version, { id: offer, number, last: false });
    const said = saying(`re ${upper}`, request.version);
    const reply = this.answer(request, 'urn:test:reply', [block, this.block(request.version, { upper })]);
    return { ...reply, body: said.body };
  }

  /** Answers as a good server would, for as long as it is let. */
  good(request: Message): Message | undefined {
    this.heard.push(request);
    const { actions } = this.version;
    const sequence = readHeaders(request)?.sequence;
    const upper = Math.max(0, ...this.heard.map((of) => Number(readHeaders(of)?.sequence?.number ?? 0)));
    const final = [this.block(request.version, { upper, final: true })];
    switch (request.action) {
      case actions.createSequence:
        return this.created(request, 'urn:s', request.body.toString().includes('Offer'));
      case actions.closeSequence:
        return this.answer(
          request,
          actions.closeSequenceResponse ?? '',
          final,
          aboutSequence(this.version, 'CloseSequenceResponse', { id: 'urn:s' }),
        );
      case actions.terminateSequence:
        return actions.terminateSequenceResponse === undefined
          ? undefined
          : this.answer(
              request,
              actions.terminateSequenceResponse,
              final,
              aboutSequence(this.version, 'TerminateSequenceResponse', { id: 'urn:s' }),
            );
      default:
        return sequence === undefined && request.action !== actions.ackRequested
          ? undefined
          : this.acknowledged(request, { upper });
    }
  }
}

/** A client that says to an acceptor whatever a test wants, and who it is. */
export class Client {
  readonly end: AcceptorEnd;
  readonly version: ReliableVersion;
  readonly who: (trip: Delivery) => Delivery;
  readonly soap: SoapVersion;
  id = '';
  readonly offer: string | undefined;
  #made = 0;

  constructor(
    end: AcceptorEnd,
    version: ReliableVersion,
    options: { who?: string; offer?: string; soap?: SoapVersion } = {},
  ) {
    this.end = end;
    this.version = version;
    this.who = as(options.who ?? 'alice');
    this.soap = options.soap ?? soap12;
    this.offer = options.offer;
  }

  ask(of: Message): Promise<Message | undefined> {
    return this.end.ask(of, this.who);
  }

  message(
    action: string,
    init: { headers?: readonly HeaderBlock[]; body?: XmlFragment; messageId?: string | undefined } = {},
  ): Message {
    const bare = message({ version: this.soap, body: init.body });
    this.#made += 1;
    const messageId = 'messageId' in init ? init.messageId : `urn:uuid:${this.#made}`;
    const addressed = withAddressing(bare, {
      version: addressing200508,
      action,
      to: 'http://service.example/',
      messageId,
    });
    return withHeaders(addressed, init.headers ?? []);
  }

  createMessage(
    more: { messageId?: string | undefined; expires?: string; acksTo?: string; offer?: string | undefined } = {},
  ): Message {
    const here = anonymousReference(addressing200508);
    const offer = 'offer' in more ? more.offer : this.offer;
    const body = createSequence(this.version, addressing200508, {
      acksTo: more.acksTo === undefined ? here : { address: more.acksTo, parameters: [] },
      expires: more.expires,
      offer: offer === undefined ? undefined : { id: offer, endpoint: here },
    });
    return this.message(this.version.actions.createSequence, {
      body,
      ...('messageId' in more ? { messageId: more.messageId } : {}),
    });
  }

  async create(): Promise<this> {
    const answer = await this.ask(this.createMessage());
    if (answer === undefined) throw new Error('CreateSequence was not answered');
    this.id = readCreateSequenceResponse(this.version, answer).id;
    return this;
  }

  /** Message `number`; with an `offer` it wants a reply unless `messageId` is undefined. */
  numbered(
    number: number | string,
    more: { last?: boolean; headers?: readonly HeaderBlock[]; messageId?: string | undefined; id?: string } = {},
  ): Message {
    const block = sequenceHeader(this.version, this.soap, {
      id: more.id ?? this.id,
      number: Number(number),
      last: more.last ?? false,
    });
    const action = more.last === true ? (this.version.actions.lastMessage ?? '') : 'urn:test:say';
    const init = 'messageId' in more ? { messageId: more.messageId } : {};
    const of = this.message(action, { ...init, headers: [...(more.headers ?? []), block] });
    return more.last === true ? of : { ...of, body: saying(`message ${number}`, this.soap).body };
  }

  acknowledging(upper: number, more: Partial<Acknowledgement> = {}): HeaderBlock {
    const ranges = upper === 0 ? [] : [{ lower: 1, upper }];
    return acknowledgementHeader(this.version, this.soap, {
      id: this.offer ?? '',
      ranges,
      nacks: [],
      final: false,
      ...more,
    });
  }

  ackRequested(id: string = this.id): Message {
    return this.message(this.version.actions.ackRequested, {
      headers: [ackRequestedHeader(this.version, this.soap, id)],
    });
  }

  about(
    local: 'CloseSequence' | 'TerminateSequence',
    last?: number,
    headers: readonly HeaderBlock[] = [],
    id: string = this.id,
  ): Message {
    const action =
      local === 'CloseSequence' ? this.version.actions.closeSequence : this.version.actions.terminateSequence;
    return this.message(action ?? '', { headers, body: aboutSequence(this.version, local, { id, last }) });
  }
}
