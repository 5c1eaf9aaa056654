/**
 * A peer that answers whatever it likes to an initiator (attacks M4, M6, M7, M8): bounded memory and traffic, one clear error,
 * and the session with another peer, over the same binding element, goes on unharmed.
 */
import { describe, expect, test } from 'vitest';
import { SurewireError } from '../../src/base/errors.ts';
import { acknowledgementHeader } from '../../src/reliable/headers.ts';
import { none } from '../../src/reliable/ranges.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { withHeaders } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import type { Server } from '../reliable/peers.ts';
import { numberOf, Scene } from '../reliable/scene.ts';

/** An answer whose acknowledgement has `children` behind the identifier, whatever they are. */
function acknowledging(request: Message, server: Server, children: string): Message {
  const { namespace, actions } = reliable200702;
  const block = acknowledgementHeader(reliable200702, request.version, {
    id: 'urn:s',
    ranges: none,
    nacks: [],
    final: false,
  });
  const fragment = XmlFragment.parse(
    `<r:SequenceAcknowledgement xmlns:r="${namespace}" xmlns:netrm="http://schemas.microsoft.com/ws/2006/05/rm"><r:Identifier>urn:s</r:Identifier>${children}</r:SequenceAcknowledgement>`,
  );
  return withHeaders(server.answer(request, actions.sequenceAcknowledgement), [{ ...block, fragment }]);
}

const range = (lower: string, upper: string) =>
  `<r:AcknowledgementRange Lower="${lower}" Upper="${upper}"></r:AcknowledgementRange>`;

type Answer = (request: Message, server: Server) => Message | undefined;

/** What a session with such a peer comes to, while one with an honest peer beside it goes on. */
async function against(answer: Answer, more: ConstructorParameters<typeof Scene>[0] = {}) {
  const scene = new Scene({ maxRetryCount: 3, ...more }, (request, server) =>
    numberOf(request) === undefined ? server.good(request) : answer(request, server),
  );
  const honest = new Scene({});
  await honest.until(honest.say('before'));
  const texts = ['one', 'two', 'three'];
  const results = await scene.until(Promise.allSettled(texts.map((text) => scene.say(text))));
  await honest.until(honest.say('after'));
  await honest.until(honest.channel.close());
  expect(await honest.channel.closed).toBeUndefined();
  return { scene, results };
}

const codesOf = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'rejected' ? (result.reason as SurewireError).code : 'settled'));

describe('acknowledgements', () => {
  test.each([
    ['everything at once', range('1', '1000000')],
    ['2^53', range('1', '9007199254740992')],
    ['2^53+1 alone', range('9007199254740993', '9007199254740993')],
    ['2^63−1', range('1', '9223372036854775807')],
  ])('of %s (M4, M7): InvalidAcknowledgement, and every message unsettled', async (_, children) => {
    const { scene, results } = await against((request, server) => acknowledging(request, server, children));
    expect(new Set(codesOf(results))).toEqual(new Set(['RELIABLE_INVALID_ACKNOWLEDGEMENT']));
    expect(scene.view?.outcome(1)).toBe('unknown');
    expect(scene.actions.at(-1)).toBe('fault');
  });

  test.each([
    ['2^63', range('1', '9223372036854775808')],
    ['a range backward', range('3', '1')],
    ['a range from 0', range('0', '1')],
    ['no number', range('one', 'two')],
    ['M6 129 ranges', Array.from({ length: 129 }, (_, at) => range(`${2 * at + 1}`, `${2 * at + 1}`)).join('')],
    ['BufferRemaining below 0', `${range('1', '1')}<netrm:BufferRemaining>-1</netrm:BufferRemaining>`],
  ])('that cannot be read, %s: as if lost, until the retries run out', async (_, children) => {
    const { scene, results } = await against((request, server) => acknowledging(request, server, children));
    expect(new Set(codesOf(results))).toEqual(new Set(['RELIABLE_RETRIES_EXHAUSTED']));
    expect(scene.sent.filter((of) => numberOf(of) !== undefined)).toHaveLength(4);
  });

  test('M14 acknowledgements that never come: the first message as often as allowed, no other, and one error', async () => {
    const { scene, results } = await against((request, server) =>
      server.answer(request, reliable200702.actions.sequenceAcknowledgement),
    );
    expect(new Set(codesOf(results))).toEqual(new Set(['RELIABLE_RETRIES_EXHAUSTED']));
    expect(scene.sent.filter((of) => numberOf(of) !== undefined).map(numberOf)).toEqual([1, 1, 1, 1]);
    expect([1, 2, 3].map((number) => scene.view?.outcome(number))).toEqual(['unknown', 'failed', 'failed']);
  });

  test('that never come, and a caller who goes on: no more messages in memory than allowed', async () => {
    const scene = new Scene({ maxUnsettled: 5 }, (request, server) =>
      numberOf(request) === undefined
        ? server.good(request)
        : server.answer(request, reliable200702.actions.sequenceAcknowledgement),
    );
    await scene.until(scene.channel.open());
    const sending = Array.from({ length: 50 }, (_, at) => scene.say(`${at}`));
    await scene.clock.advance(1_000);
    expect(scene.view?.submitted).toBe(5);
    await scene.until(Promise.allSettled(sending));
  });

  test('that tell room for 2^53 messages: the window is the limit', async () => {
    const room = '<netrm:BufferRemaining>9007199254740992</netrm:BufferRemaining>';
    let last = 0;
    const scene = new Scene({ maxTransferWindowSize: 2 }, (request, server) => {
      const number = Number(numberOf(request) ?? 0);
      if (number === 0) return server.good(request);
      last = Math.max(last, number);
      return number <= 1 ? acknowledging(request, server, `${range('1', '1')}${room}`) : undefined;
    });
    const sending = Array.from({ length: 9 }, (_, at) => scene.say(`${at}`));
    await scene.clock.advance(300);
    expect(last).toBe(3);
    scene.channel.abort(new Error('enough'));
    await Promise.allSettled(sending);
  });

  test('M14 acknowledgements that tell for ever that there is no room: asked ever more rarely, never flooded, and close ends it', async () => {
    const none = `${range('1', '1')}<netrm:BufferRemaining>0</netrm:BufferRemaining>`;
    const scene = new Scene({}, (request, server) =>
      numberOf(request) !== undefined || request.action === reliable200702.actions.ackRequested
        ? acknowledging(request, server, none)
        : server.good(request),
    );
    await scene.until(scene.say('one'));
    const waiting = Promise.allSettled([scene.say('two')]);
    await scene.clock.advance(3_600_000);
    expect(scene.sent.length).toBeLessThan(3_600 / 30);
    expect((await scene.failure(scene.channel.close())).code).toBe('RELIABLE_CLOSE_TIMEOUT');
    const [two] = await waiting;
    expect(two).toMatchObject({ status: 'rejected', reason: { code: 'RELIABLE_CLOSE_TIMEOUT' } });
    expect(scene.view?.outcome(2)).toBe('failed');
  });
});

describe('replies', () => {
  test.each(['9007199254740993', '9223372036854775807', '9223372036854775808', '0'])(
    'numbered %s (M7): not believed, until the retries run out',
    async (number) => {
      const scene = new Scene({ maxRetryCount: 2 }, (request, server) => {
        const answer = server.good(request);
        if (numberOf(request) === undefined || answer === undefined) return answer;
        const offer = /<r:Offer><r:Identifier>([^<]*)</.exec(scene.sent[0]?.body.toString() ?? '')?.[1] ?? '';
        const reply = server.reply(request, offer, 1, Number(numberOf(request)));
        const headers = reply.headers.map((block) =>
          block.local === 'Sequence'
            ? {
                ...block,
                fragment: XmlFragment.parse(block.fragment.toString().replace('Number>1<', `Number>${number}<`)),
              }
            : block,
        );
        return { ...reply, headers };
      });
      const [one, two] = await scene.until(Promise.allSettled([scene.say('one', true), scene.say('two', true)]));
      expect(codesOf([one, two])).toEqual(['RELIABLE_RETRIES_EXHAUSTED', 'RELIABLE_RETRIES_EXHAUSTED']);
    },
  );
});

test('pages of HTML instead of answers: retried, then one error that says what came', async () => {
  const says = 'http://service.example/ answered with "text/html" instead of a SOAP message. It says: "bad gateway"';
  const { scene, results } = await against(() => {
    throw new SurewireError('TRANSPORT_CONTENT_TYPE', says, { refusal: true });
  });
  expect(new Set(codesOf(results))).toEqual(new Set(['RELIABLE_RETRIES_EXHAUSTED']));
  const [first] = results;
  expect(first?.status === 'rejected' ? first.reason.message : '').toContain(says);
  expect(scene.sent.filter((of) => numberOf(of) !== undefined)).toHaveLength(4);
});
