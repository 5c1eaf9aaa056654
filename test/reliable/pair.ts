/** Both ends of a reliable session in virtual time, one in front of the other, with a hand in between. */
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import type { SessionView } from '../../src/reliable/session.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import type { Message } from '../../src/soap/message.ts';
import { type AcceptorEnd, acceptorEnd, initiatorEnd, saying } from './ends.ts';
import { until } from './peers.ts';
import { to } from './scene.ts';

/** What becomes of one exchange: carries it, or throws. */
export type Hand = (request: Message, carry: () => Promise<Message | undefined>) => Promise<Message | undefined>;

export class Pair {
  readonly clock: VirtualClock = new VirtualClock();
  readonly channel: Channel;
  readonly acceptor: AcceptorEnd;
  readonly sent: Message[] = [];
  view: SessionView | undefined;

  constructor(
    options: ReliableSessionOptions,
    receive: (clock: VirtualClock) => Carry,
    hand: Hand = (_, carry) => carry(),
  ) {
    const common = { clock: this.clock, random: seededRandom(7), ...options };
    const acceptor = acceptorEnd(common, receive(this.clock));
    this.acceptor = acceptor;
    const onSession = (view: SessionView) => {
      this.view = view;
    };
    this.channel = initiatorEnd({ ...common, to, onSession }, (request) => {
      this.sent.push(request);
      return hand(request, () => acceptor.ask(request));
    });
  }

  say(text: string, wantsReply = false): Promise<Delivery | undefined> {
    return this.channel.send(delivery(saying(text)).with(expectsReply, wantsReply));
  }

  until<T>(work: Promise<T>, limit?: number): Promise<T> {
    return until(this.clock, work, limit);
  }
}
