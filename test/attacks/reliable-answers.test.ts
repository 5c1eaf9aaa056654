/** Attacks on the initiator by whoever can answer in the peer's place (facts/attacks.md M4, M5, M20; R8). */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { expectsReply } from '../../src/channel/correlation.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { readReliableFault, reliableFaultReply } from '../../src/reliable/faults.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { Message } from '../../src/soap/message.ts';
import { initiatorEnd, overTheWire, saying } from '../reliable/ends.ts';
import { as, Server, until } from '../reliable/peers.ts';

type Answer = (
  request: Message,
  server: Server,
  from: (name: string, of: Message | undefined) => Delivery | undefined,
) => Delivery | undefined;

function scene(answer: Answer) {
  const clock = new VirtualClock();
  const server = new Server(reliable200702);
  const sent: Message[] = [];
  const from = (name: string, of: Message | undefined) =>
    of === undefined ? undefined : as(name)(delivery(overTheWire(of)));
  const channel = initiatorEnd(
    { clock, random: seededRandom(3), to: new URL('http://service.example/'), oneWay: true },
    async (request) => {
      sent.push(request);
      return answer(request, server, from);
    },
  );
  const say = (text: string) => channel.send(delivery(saying(text)).with(expectsReply, false));
  return { clock, channel, sent, say };
}

const isNumbered = (of: Message) => readHeaders(of)?.sequence !== undefined;
const terminated = (request: Message) =>
  reliableFaultReply(request, reliable200702, {
    name: 'SequenceTerminated',
    code: 'sender',
    reason: 'x',
    identifier: 'urn:s',
  });

describe('answers of somebody else than whoever created the sequence', () => {
  test.each([
    ['M4 an acknowledgement', (request: Message, server: Server) => server.acknowledged(request)],
    ['M5 SequenceTerminated', terminated],
  ] as const)('%s: as if it had not come; the message is sent again', async (_, forged) => {
    let forgeries = 2;
    const { clock, say, sent, channel } = scene((request, server, from) => {
      const good = server.good(request);
      if (isNumbered(request) && forgeries-- > 0) return from('mallory', forged(request, server));
      return from('service', good);
    });
    await until(clock, say('one'));
    expect(sent.filter(isNumbered)).toHaveLength(3);
    await until(clock, channel.close());
    expect(await channel.closed).toBeUndefined();
  });
});

describe('lies of the peer itself', () => {
  test('M4 an acknowledgement of what was never sent: InvalidAcknowledgement is sent, the session ends', async () => {
    const { clock, say, sent } = scene((request, server, from) =>
      from('service', isNumbered(request) ? server.acknowledged(request, { upper: 5 }) : server.good(request)),
    );
    await expect(until(clock, say('one'))).rejects.toMatchObject({ code: 'RELIABLE_INVALID_ACKNOWLEDGEMENT' });
    expect(readReliableFault(sent.at(-1) ?? saying(''))?.fault.name).toBe('InvalidAcknowledgement');
  });

  test('M20 a final acknowledgement that takes back what was acknowledged', async () => {
    const { clock, say, channel } = scene((request, server, from) => {
      const good = server.good(request);
      if (!request.action.endsWith('CloseSequence')) return from('service', good);
      return from('service', server.acknowledged(request, { upper: 0, final: true }));
    });
    await until(clock, say('one'));
    await expect(until(clock, channel.close())).rejects.toMatchObject({ code: 'RELIABLE_INVALID_ACKNOWLEDGEMENT' });
  });

  test('an older acknowledgement after a newer one takes nothing back', async () => {
    const { clock, say, channel } = scene((request, server, from) => {
      const good = server.good(request);
      const number = readHeaders(request)?.sequence?.number;
      return from('service', number === 3 ? server.acknowledged(request, { ranges: [{ lower: 3, upper: 3 }] }) : good);
    });
    for (const text of ['one', 'two', 'three']) await until(clock, say(text));
    await until(clock, channel.close());
  });

  test('answers that cannot be read are lost answers', async () => {
    let garbage = 3;
    const { clock, say } = scene((request, server, from) => {
      const good = server.good(request);
      if (!isNumbered(request) || garbage-- <= 0) return from('service', good);
      const twice =
        good === undefined
          ? good
          : {
              ...good,
              headers: [...good.headers, ...good.headers.filter(({ local }) => local === 'SequenceAcknowledgement')],
            };
      return from('service', twice);
    });
    await until(clock, say('one'));
  });

  test('a fault about another sequence is not ours', async () => {
    let faults = 2;
    const { clock, say } = scene((request, server, from) => {
      const good = server.good(request);
      if (!isNumbered(request) || faults-- <= 0) return from('service', good);
      const other = { name: 'SequenceTerminated', code: 'sender', reason: 'x', identifier: 'urn:other' } as const;
      return from('service', reliableFaultReply(request, reliable200702, other));
    });
    await until(clock, say('one'));
  });
});
