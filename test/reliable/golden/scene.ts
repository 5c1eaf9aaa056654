/**
 * Where the golden transcripts are made: both ends of the product, seeded identifiers and virtual time, and between them a
 * wire that keeps every message by name. What a WCF peer would say and this initiator never does (a wrong acknowledgement, a
 * number that does not exist) is written by the product's own writers and handed to the acceptor.
 */
import { VirtualClock } from '../../../src/base/clock.ts';
import { seededRandom } from '../../../src/base/random.ts';
import type { Channel } from '../../../src/channel/channel.ts';
import { expectsReply } from '../../../src/channel/correlation.ts';
import { delivery } from '../../../src/channel/delivery.ts';
import { aboutSequence, createSequence } from '../../../src/reliable/bodies.ts';
import { type Acknowledgement, acknowledgementHeader, sequenceHeader } from '../../../src/reliable/headers.ts';
import type { ReliableSessionOptions } from '../../../src/reliable/settings.ts';
import type { ReliableVersion } from '../../../src/reliable/versions/version.ts';
import {
  type Addressing,
  type AddressingVersion,
  anonymousReference,
  type EndpointReference,
  withAddressing,
} from '../../../src/soap/addressing.ts';
import { encodeEnvelope, message, withHeaders } from '../../../src/soap/envelope.ts';
import type { HeaderBlock, Message } from '../../../src/soap/message.ts';
import type { SoapVersion } from '../../../src/soap/version.ts';
import type { XmlFragment } from '../../../src/xml/fragment.ts';
import { type AcceptorEnd, acceptorEnd, initiatorEnd, saying } from '../ends.ts';
import { until } from '../peers.ts';

/** Turns of the event loop in which what needs no time gets done. */
const turns = 20;

export interface Combination {
  readonly version: ReliableVersion;
  readonly soap: SoapVersion;
  readonly wsa: AddressingVersion;
}

const address = 'http://service.example/box';

export class Scene {
  readonly of: Combination;
  readonly clock: VirtualClock = new VirtualClock();
  /** Octets by name, in the order in which they were sent. */
  readonly kept: Map<string, string> = new Map();
  readonly #random = seededRandom(20_070_211);
  #made = 0;

  constructor(of: Combination) {
    this.of = of;
  }

  keep(name: string, of: Message): void {
    if (this.kept.has(name)) throw new Error(`two messages are called ${name}`);
    this.kept.set(name, Buffer.from(encodeEnvelope(of)).toString('utf8'));
  }

  acceptor(options: ReliableSessionOptions = {}): AcceptorEnd {
    const { version, soap, wsa } = this.of;
    const said: ReliableSessionOptions = { versions: [version], clock: this.clock, random: this.#random, ...options };
    return acceptorEnd(
      said,
      async (trip) => trip.carrying({ ...saying('the answer', soap, 'urn:golden:sayResponse'), source: undefined }),
      wsa,
    );
  }

  /**
   * An initiator whose messages reach `acceptor`. Each leg is kept as `names` says, in turn; the rest is not kept.
   *
   * @param bend what the peer answers instead
   */
  initiator(
    acceptor: AcceptorEnd,
    names: readonly (readonly [request: string, answer: string])[],
    options: ReliableSessionOptions = {},
    bend: (answer: Message | undefined, name: string) => Message | undefined = (answer) => answer,
  ): Channel {
    const { version, soap, wsa } = this.of;
    const to = new URL(address);
    const left = [...names];
    const said = { version, soap, addressing: wsa, to, clock: this.clock, random: this.#random, ...options };
    return initiatorEnd(
      said,
      async (request) => {
        const [asked = '', answered = ''] = left.shift() ?? [];
        if (asked !== '') this.keep(asked, request);
        const answer = bend(await acceptor.ask(request), asked);
        if (answered !== '' && answer !== undefined) this.keep(answered, answer);
        return answer;
      },
      wsa,
    );
  }

  say(channel: Channel, words: string, expects = true): Promise<unknown> {
    const { soap, wsa } = this.of;
    const addressing = { version: wsa, action: 'urn:golden:say', messageId: expects ? this.#id() : undefined };
    const of = withAddressing(saying(words, soap, 'urn:golden:say'), addressing);
    const trip = delivery(of).with(expectsReply, expects);
    return this.until(channel.send(trip));
  }

  /** Lets time pass only for what does not settle without. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    work.then(settled, settled);
    for (let turn = 0; turn < turns && !isSettled; turn++) await this.clock.advance(0);
    return isSettled ? work : until(this.clock, work);
  }

  #id(): string {
    this.#made += 1;
    return `urn:uuid:00000000-0000-4000-8000-${String(this.#made).padStart(12, '0')}`;
  }

  /** A message as a client addresses it. */
  message(
    action: string,
    parts: { readonly headers?: readonly HeaderBlock[]; readonly body?: XmlFragment; readonly bare?: boolean } = {},
  ): Message {
    const { soap, wsa } = this.of;
    const asks: Partial<Addressing> = parts.bare === true ? {} : { messageId: this.#id(), replyTo: this.here };
    const bare = message({ version: soap, body: parts.body });
    return withHeaders(withAddressing(bare, { version: wsa, action, to: address, ...asks }), parts.headers ?? []);
  }

  get here(): EndpointReference {
    return anonymousReference(this.of.wsa);
  }

  create(more: { readonly expires?: string; readonly offer?: string; readonly acksTo?: string } = {}): Message {
    const { version, wsa } = this.of;
    const { expires, offer, acksTo } = more;
    const body = createSequence(version, wsa, {
      acksTo: acksTo === undefined ? this.here : { address: acksTo, parameters: [] },
      expires,
      offer: offer === undefined ? undefined : { id: offer, endpoint: this.here, expires, behaviour: 'NoDiscard' },
    });
    return this.message(version.actions.createSequence, { body });
  }

  numbered(id: string, number: number, headers: readonly HeaderBlock[] = []): Message {
    const { version, soap } = this.of;
    const block = sequenceHeader(version, soap, { id, number, last: false });
    const of = this.message('urn:golden:say', { headers: [...headers, block] });
    return { ...of, body: saying('words', soap).body };
  }

  acknowledging(block: Partial<Acknowledgement> & { readonly id: string }): HeaderBlock {
    return acknowledgementHeader(this.of.version, this.of.soap, { ranges: [], nacks: [], final: false, ...block });
  }

  about(local: 'CloseSequence' | 'TerminateSequence', id: string, last: number): Message {
    const { version } = this.of;
    const { closeSequence = '', terminateSequence } = version.actions;
    const action = local === 'CloseSequence' ? closeSequence : terminateSequence;
    return this.message(action, { body: aboutSequence(version, local, { id, last }) });
  }

  /** Hands a message in and keeps what comes back. */
  async ask(acceptor: AcceptorEnd, request: Message, name: string): Promise<Message> {
    const answer = await this.until(acceptor.ask(request));
    if (answer === undefined) throw new Error(`no answer that could be kept as ${name}`);
    if (name !== '') this.keep(name, answer);
    return answer;
  }
}
