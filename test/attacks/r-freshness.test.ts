/**
 * R1 to R12 of docs/ATTACKS.md on messages that CXF, Metro and WSS4J have signed: a good message at another time, in another place, once
 * more, or in the place of another.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { layered } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { SecurityError } from '../../src/security/errors.ts';
import { Guard } from '../../src/security/guard.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import { idle, read } from '../security/rig.ts';
import { conversationOf, createdAt, mutual, required } from '../vectors/replayed.ts';
import { Letter, twin } from './letter.ts';
import { signedAgain } from './peer-pen.ts';
import {
  answerOf,
  attacked,
  contexts,
  everybody,
  metro,
  metroContext,
  recordingOf,
  requestOf,
  sessions,
  wss4jEcdsa,
} from './peer-stage.ts';
import { fault } from './support.ts';

const signed = [...everybody, wss4jEcdsa];

describe('the same message once more', () => {
  test.each(signed)('R1 $name: a copy is a replay, and stale later', async (target) => {
    const scene = await target.scene();
    expect((await scene.receive(scene.valid)).codes).toEqual([]);
    const codes: string[] = [];
    for (const wait of [0, 290_000, 400_000]) {
      await scene.clock.advance(wait);
      const outcome = await scene.receive(scene.valid);
      expect(outcome.answer).toBe(fault);
      codes.push(...outcome.codes);
    }
    expect(codes).toEqual(['SECURITY_REPLAY', 'SECURITY_REPLAY', 'SECURITY_TIMESTAMP_EXPIRED']);
    expect(scene.heard).toHaveLength(1);
  });

  test.each(signed)('R2 $name: the same signature value in another spelling is the same message', async (target) => {
    const scene = await target.scene();
    await scene.receive(scene.valid);
    const letter = new Letter(scene.valid);
    const value = letter.one('SignatureValue');
    const spaced = letter.saying(value, `\n ${value.text.slice(0, 9)}\t\n${value.text.slice(9)} `);
    expect((await scene.receive(spaced.text)).codes).toEqual(['SECURITY_REPLAY']);
    expect(scene.heard).toHaveLength(1);
  });

  test.each(everybody)('R3 $name: of parallel copies one is heard', async (target) => {
    const scene = await target.scene();
    await Promise.all(Array.from({ length: 8 }, () => scene.receive(scene.valid)));
    expect(scene.heard).toHaveLength(1);
  });

  test('R4 Metro: a full cache refuses the next message instead of forgetting this one', async () => {
    const of = recordingOf(metro.name);
    const replay = new MemoryReplayCache(1);
    const first = read(requestOf(metro.name, 1));
    const guard = new Guard(await mutual(of, 'service'), {
      clock: new VirtualClock(required(createdAt(first))),
      replay,
    });
    await guard.examineRequest(delivery(first));
    const next = guard.examineRequest(delivery(read(requestOf(metro.name, 2))));
    await expect(next).rejects.toMatchObject({ code: 'SECURITY_REPLAY_FULL' });
    const again = guard.examineRequest(delivery(read(requestOf(metro.name, 1))));
    await expect(again).rejects.toMatchObject({ code: 'SECURITY_REPLAY' });
  });

  test.each([metro, metroContext])('R6 $name: two nodes that share a cache hear it once', async ({ name }) => {
    const of = recordingOf(name);
    const number = of.mode === 'conversation' ? 3 : 2;
    const message = () => delivery(read(requestOf(name, number)));
    const clock = new VirtualClock(required(createdAt(message().message)));
    const replay = new MemoryReplayCache();
    const conversation = of.mode === 'conversation' ? await conversationOf(of) : undefined;
    const policy = conversation?.session ?? (await mutual(of, 'service'));
    const node = () => new Guard(policy, { clock, replay }, conversation?.contexts);
    await node().examineRequest(message());
    await expect(node().examineRequest(message())).rejects.toMatchObject({ code: 'SECURITY_REPLAY' });
    const alone = new Guard(policy, { clock }, conversation?.contexts);
    await alone.examineRequest(message());
  });
});

describe('another time', () => {
  attacked('R5 it is good for longer', everybody, 'SECURITY_TIMESTAMP_LIFETIME', (letter) =>
    letter.changed(letter.one('Expires', letter.one('Timestamp')), '>2026', '>2099'),
  );
  attacked(
    'R5 it was made later',
    everybody,
    ['SECURITY_DIGEST', 'SECURITY_TIMESTAMP_INVALID', 'SECURITY_TIMESTAMP_INVALID'],
    (letter) => letter.changed(letter.one('Created', letter.one('Timestamp')), 'Z<', '.5Z<'),
  );
  attacked('R5 without a Timestamp', everybody, 'SECURITY_TIMESTAMP_MISSING', (letter) =>
    letter.without(letter.one('Timestamp')),
  );
  attacked('R5 two Timestamps', everybody, 'SECURITY_MALFORMED', (letter) =>
    letter.behind(letter.one('Timestamp'), twin(letter.of(letter.one('Timestamp')))),
  );
  const stamped = (from: RegExp | string, to: string) =>
    signedAgain((letter) => letter.changed(letter.one('Timestamp'), from, to), 'Timestamp');
  attacked(
    'R5 good until 2099, says the peer itself',
    contexts,
    'SECURITY_TIMESTAMP_LIFETIME',
    stamped(/(?<=Expires>)2026/, '2099'),
  );
  attacked(
    'R5 from next year, says the peer itself',
    contexts,
    ['SECURITY_TIMESTAMP_LIFETIME', 'SECURITY_TIMESTAMP_FUTURE'],
    stamped(/2026-(.*)2026-/s, '2027-11-28T19:56:11Z</wsu:Created><wsu:Expires>2027-'),
  );
  attacked('R5 in local time, says the peer itself', contexts, 'SECURITY_TIMESTAMP_INVALID', stamped('Z<', '<'));
  attacked(
    'R5 in another zone, says the peer itself',
    contexts,
    'SECURITY_TIMESTAMP_INVALID',
    stamped('Z<', '+00:00<'),
  );
  attacked(
    'R5 a leap second, says the peer itself',
    contexts,
    'SECURITY_TIMESTAMP_INVALID',
    stamped(/:\d\d(\.\d+)?Z</, ':60Z<'),
  );
  attacked(
    'R5 no Created, says the peer itself',
    contexts,
    'SECURITY_TIMESTAMP_INVALID',
    stamped(/<wsu:Created>[^<]*<\/wsu:Created>/, ''),
  );
});

describe('the place of another', () => {
  test.each(['metro-server-sign-encrypt-rm11', 'cxf-server-sign-encrypt-rm11'])(
    'R7 %s: the answer of a service is no request to it',
    async (name) => {
      const of = recordingOf(name);
      const answer = read(answerOf(name, 2));
      const clock = new VirtualClock(required(createdAt(answer)));
      const asked = new Guard(await mutual(of, 'client'), { clock });
      const service = await asked.examineRequest(delivery(answer)).then(
        () => 'taken by whoever trusts the service',
        (thrown: unknown) => String(thrown),
      );
      expect(service, 'the answer itself is good').toBe('taken by whoever trusts the service');
      const guard = new Guard(await mutual(of, 'service'), { clock });
      await expect(guard.examineRequest(delivery(answer))).rejects.toBeInstanceOf(SecurityError);
    },
  );

  test.each(['metro-server-plain-rm11', 'cxf-server-plain-rm11', 'gsoap-server-plain-rm11'])(
    'R8 %s: the answer to another request does not reach the caller',
    async (name) => {
      const request = read(requestOf(name, 2));
      const ask = (number: number) => {
        const answer: Carry = async () => delivery(read(answerOf(name, number)));
        const channel = layered([exchange({ addressing: addressing200508 })], () => idle('initiator', answer))(
          async () => undefined,
        );
        return channel.send(delivery(request));
      };
      expect((await ask(2))?.message.action).toContain('echoResponse');
      await expect(ask(1)).rejects.toMatchObject({ code: 'CHANNEL_CORRELATION' });
    },
  );

  test.each(sessions)('R9 $name: its CreateSequence once more creates nothing', async ({ name, scene }) => {
    const all = await scene();
    const before = await all.state();
    const number = recordingOf(name).mode === 'conversation' ? 2 : 1;
    const { answer, codes } = await all.receive(requestOf(name, number));
    expect([answer, codes]).toEqual([fault, ['SECURITY_REPLAY']]);
    expect(await all.state()).toBe(before);
  });

  test.each(contexts)('R10 $name: a message under a context that is over', async ({ name }) => {
    const of = recordingOf(name);
    const message = () => delivery(read(requestOf(name, 3)));
    const clock = new VirtualClock(required(createdAt(message().message)));
    const { session, contexts: known } = await conversationOf(of);
    await new Guard(session, { clock }, known).examineRequest(message());
    const find = () => {
      throw new SecurityError('SECURITY_CONTEXT', 'The context was cancelled.');
    };
    const over = new Guard(session, { clock }, { namespace: known.namespace, find });
    await expect(over.examineRequest(message())).rejects.toMatchObject({ code: 'SECURITY_CONTEXT' });
  });

  test.each(contexts)('R11 $name: its request for a context once more gets none', async ({ name }) => {
    const of = recordingOf(name);
    const octets = requestOf(name, 1);
    const clock = new VirtualClock(required(createdAt(read(octets))));
    let up: Carry = async () => undefined;
    const element = secureConversation({ bootstrap: await mutual(of, 'service'), clock, random: seededRandom(8) });
    layered([exchange({ addressing: addressing200508 }), element], (receive) => {
      up = receive;
      return idle('acceptor', async () => undefined);
    })(async () => undefined);
    const ask = async () => {
      const answer = await up(delivery(read(octets)));
      return answer && new TextDecoder().decode(encodeEnvelope(answer.message));
    };
    expect(await ask()).toContain('EncryptedData');
    expect(await ask()).toBe(fault);
  });
});
