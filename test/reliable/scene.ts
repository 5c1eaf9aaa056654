/** An initiator in virtual time before a peer made of a script, and what a test wants to know of it. */
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { expectsReply } from '../../src/channel/correlation.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { ChannelError } from '../../src/channel/errors.ts';
import type { Turn } from '../../src/channel/turn.ts';
import { ReliableError } from '../../src/reliable/errors.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { type OutcomeListener, onOutcome } from '../../src/reliable/outcomes.ts';
import type { SessionView } from '../../src/reliable/session.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import type { Message } from '../../src/soap/message.ts';
import { initiatorEnd, saying } from './ends.ts';
import { Server, until } from './peers.ts';

export const to: URL = new URL('http://service.example/');

export class Scene {
  readonly clock: VirtualClock = new VirtualClock();
  readonly server: Server;
  readonly sent: Message[] = [];
  view: SessionView | undefined;
  readonly channel: Channel;

  constructor(
    options: ReliableSessionOptions,
    answer: (request: Message, server: Server) => Message | Delivery | undefined = (request, server) =>
      server.good(request),
    turn?: Turn,
  ) {
    this.server = new Server(options.version ?? reliable200702);
    const session = {
      clock: this.clock,
      random: seededRandom(1),
      to,
      onSession: (view: SessionView) => {
        this.view = view;
      },
      ...options,
    };
    const heard = async (request: Message) => {
      this.sent.push(request);
      return answer(request, this.server);
    };
    this.channel = initiatorEnd(session, heard, addressing200508, turn);
  }

  until<T>(work: Promise<T>): Promise<T> {
    return until(this.clock, work);
  }

  say(text: string, wantsReply = false, signal?: AbortSignal, hear?: OutcomeListener): Promise<Delivery | undefined> {
    return this.channel.send(delivery(saying(text), signal).with(expectsReply, wantsReply).with(onOutcome, hear));
  }

  async failure(work: Promise<unknown>): Promise<ReliableError> {
    const thrown = await this.until(
      work.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    if (thrown instanceof ReliableError) return thrown;
    throw new Error(`a ReliableError was expected: ${String(thrown)}`);
  }

  get actions(): readonly string[] {
    return this.sent.map(({ action }) => action.slice(action.lastIndexOf('/') + 1));
  }
}

export const numberOf = (of: Message): number | 'beyond' | undefined => readHeaders(of)?.sequence?.number;
export const lost = (): ChannelError => new ChannelError('CHANNEL_LOST', 'lost', { transient: true });
