/** The initiator's driver: opening, settling, giving up, closing, and what each peer's manners come to. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { ChannelError } from '../../src/channel/errors.ts';
import { readReliableFault, reliableFaultReply, requiredFault } from '../../src/reliable/faults.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { storedOutcomes } from '../../src/reliable/outcomes.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressing200508, addressingOf } from '../../src/soap/addressing.ts';
import { payload } from '../../src/soap/envelope.ts';
import { FaultError, faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap11 } from '../../src/soap/version.ts';
import { memory } from '../../src/stores/memory.ts';
import { initiatorEnd, saying } from './ends.ts';
import { Server, until } from './peers.ts';
import { lost, numberOf, Scene, to } from './scene.ts';

describe('opening', () => {
  test('CreateSequence is repeated with the same MessageID and Offer until it is answered', async () => {
    let tries = 0;
    const scene = new Scene({}, (request, server) => {
      tries += 1;
      if (tries < 4) throw lost();
      return server.good(request);
    });
    await scene.until(scene.channel.open());
    expect(scene.sent).toHaveLength(4);
    expect(new Set(scene.sent.map((of) => addressingOf(of)?.messageId)).size).toBe(1);
    expect(new Set(scene.sent.map((of) => of.body.toString())).size).toBe(1);
  });

  test('nobody answers: RELIABLE_OPEN_TIMEOUT, transient, with what went wrong as its cause', async () => {
    const scene = new Scene({ openTimeout: 20_000 }, () => {
      throw lost();
    });
    const error = await scene.failure(scene.channel.open());
    expect(error).toMatchObject({ code: 'RELIABLE_OPEN_TIMEOUT', transient: true });
    expect(error.cause).toBeInstanceOf(ChannelError);
  });

  test('an error that sending again cannot mend ends it at once', async () => {
    const scene = new Scene({}, () => {
      throw new SurewireError('TLS_HOST', 'The certificate is for another host.');
    });
    const error = await scene.failure(scene.channel.open());
    expect(error).toMatchObject({ code: 'RELIABLE_FAILED', transient: false });
    expect(error.cause).toMatchObject({ code: 'TLS_HOST' });
    expect(scene.sent).toHaveLength(1);
  });

  test('in the middle of a session a page of HTML (a proxy’s) is a lost answer, and the last word when there is no other', async () => {
    const says = 'http://service.example/ answered with "text/html" instead of a SOAP message. It says: "502 bad day"';
    const page = () => new SurewireError('TRANSPORT_CONTENT_TYPE', says, { refusal: true });
    let pages = 3;
    const scene = new Scene({}, (request, server) => {
      if (numberOf(request) !== undefined && pages-- > 0) throw page();
      return server.good(request);
    });
    await scene.until(scene.say('one'));
    expect(scene.sent.filter((of) => numberOf(of) === 1)).toHaveLength(4);
    pages = Number.POSITIVE_INFINITY;
    const error = await scene.failure(scene.say('two'));
    expect(error).toMatchObject({ code: 'RELIABLE_RETRIES_EXHAUSTED', cause: { code: 'TRANSPORT_CONTENT_TYPE' } });
    expect(error.message).toContain(says);
    const wrong = new Scene({}, () => {
      throw page();
    });
    expect(await wrong.failure(wrong.channel.open())).toMatchObject({ code: 'RELIABLE_FAILED', transient: false });
    expect(wrong.sent).toHaveLength(1);
  });

  test('an answer that cannot be believed ends it when it comes a second time, and says what to check', async () => {
    const scene = new Scene({}, () => {
      throw new SurewireError('SECURITY_UNSECURED_FAULT', 'The peer answered with an unprotected fault.', {
        transient: true,
        refusal: true,
      });
    });
    const error = await scene.failure(scene.channel.open());
    expect(error).toMatchObject({ code: 'RELIABLE_REFUSED', transient: false });
    expect(error.message).toMatch(/not created.*unprotected fault.*certificates.*clocks/);
    expect(error.cause).toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
    expect(scene.sent).toHaveLength(2);
  });

  test.each(['FailedAuthentication', 'SecurityError'])(
    'one that may be about a password ends it at once, and it is not offered again: %s',
    async (local) => {
      const scene = new Scene({}, () => {
        const subcode = { namespace: 'urn:test:codes', local };
        const cause = new FaultError({ code: 'sender', subcode, reason: 'no' });
        throw new SurewireError('SECURITY_UNSECURED_FAULT', 'It says no.', { transient: true, refusal: true, cause });
      });
      expect(await scene.failure(scene.channel.open())).toMatchObject({ code: 'RELIABLE_REFUSED', transient: false });
      expect(scene.sent).toHaveLength(1);
    },
  );

  test('an established session passes over such an answer, also when it comes late to a repeated CreateSequence', async () => {
    let forgeries = 3;
    const late = Promise.withResolvers<Message>();
    const forged = () => new SurewireError('SECURITY_DIGEST', 'Forged.', { transient: true, refusal: true });
    const clock = new VirtualClock();
    const server = new Server(reliable200702);
    let creates = 0;
    const channel = initiatorEnd({ clock, random: seededRandom(1), to, oneWay: true }, async (request) => {
      if (request.action.endsWith('CreateSequence')) {
        creates += 1;
        if (creates === 1) return late.promise;
      } else if (forgeries-- > 0) throw forged();
      return server.good(request);
    });
    await until(clock, channel.open());
    expect(creates).toBe(2);
    late.reject(forged());
    await until(clock, channel.send(delivery(saying('one')).with(expectsReply, false)));
    expect(forgeries).toBe(-1);
    await until(clock, channel.close());
    expect(await channel.closed).toBeUndefined();
  });

  describe('CreateSequence is still open', () => {
    /** A peer that answers each CreateSequence when it is told to. */
    function slow(options: ConstructorParameters<typeof Scene>[0] = {}) {
      const asked: PromiseWithResolvers<Message>[] = [];
      const clock = new VirtualClock();
      const server = new Server(reliable200702);
      const channel = initiatorEnd({ clock, random: seededRandom(1), to, ...options }, async (request) => {
        if (!request.action.endsWith('CreateSequence')) return server.good(request);
        const answer = Promise.withResolvers<Message>();
        asked.push(answer);
        server.heard.push(request);
        return answer.promise;
      });
      const refuse = (index: number) =>
        asked[index]?.resolve(
          reliableFaultReply(server.heard[index] ?? saying(''), server.version, {
            name: 'CreateSequenceRefused',
            code: 'sender',
            reason: `copy ${index + 1} is none of mine`,
          }),
        );
      const create = (index: number) => asked[index]?.resolve(server.created(server.heard[index] ?? saying('')));
      const opened = channel.open();
      const outcome = opened.then(
        () => 'opened',
        (thrown: unknown) => thrown,
      );
      return { asked, clock, server, channel, refuse, create, outcome };
    }

    test('for ten seconds no copy goes out, and one as soon as the exchange has failed', async () => {
      const { asked, clock, create, outcome } = slow();
      await clock.advance(9_999);
      expect(asked).toHaveLength(1);
      asked[0]?.reject(lost());
      await clock.advance(1);
      expect(asked).toHaveLength(2);
      create(1);
      await clock.advance(1);
      expect(await outcome).toBe('opened');
    });

    test('a copy that is refused is not the last word: the answer to the first one opens the session', async () => {
      const { asked, clock, channel, refuse, create, outcome } = slow();
      await clock.advance(20_000);
      expect(asked).toHaveLength(2);
      refuse(1);
      await clock.advance(30_000);
      expect(asked).toHaveLength(2);
      create(0);
      await clock.advance(1);
      expect(await outcome).toBe('opened');
      await until(clock, channel.close());
      expect(await channel.closed).toBeUndefined();
    });

    test('so for an answer that cannot be believed, and an error that sending again cannot mend', async () => {
      for (const trouble of [
        new SurewireError('SECURITY_UNSECURED_FAULT', 'Not protected.', { transient: true, refusal: true }),
        new SurewireError('TRANSPORT_STATUS', 'The proxy has lost its mind.'),
      ]) {
        const { asked, clock, create, outcome } = slow();
        await clock.advance(20_000);
        asked[1]?.reject(trouble);
        await clock.advance(1_000);
        create(0);
        await clock.advance(1);
        expect(await outcome).toBe('opened');
      }
    });

    test('it is the last word when nothing comes of the first one any more', async () => {
      const { asked, clock, refuse, outcome } = slow();
      await clock.advance(20_000);
      refuse(1);
      await clock.advance(1_000);
      asked[0]?.reject(lost());
      await clock.advance(1);
      expect(await outcome).toMatchObject({
        code: 'RELIABLE_REFUSED',
        message: expect.stringContaining('copy 2 is none of mine'),
      });
    });

    test('and of two refusals the one that comes last', async () => {
      const { clock, refuse, outcome } = slow();
      await clock.advance(20_000);
      refuse(1);
      await clock.advance(1_000);
      refuse(0);
      await clock.advance(1);
      expect(await outcome).toMatchObject({ message: expect.stringContaining('copy 1 is none of mine') });
    });

    test('a first one that is never answered costs the open timeout, and what the copy came to is the cause', async () => {
      const { clock, refuse, outcome } = slow({ openTimeout: 40_000 });
      await clock.advance(20_000);
      refuse(1);
      await clock.advance(20_000);
      expect(await outcome).toMatchObject({ code: 'RELIABLE_OPEN_TIMEOUT', cause: { code: 'RELIABLE_REFUSED' } });
    });

    test('a refusal that comes when the session is there changes nothing', async () => {
      const { asked, clock, channel, create, outcome } = slow();
      await clock.advance(20_000);
      create(0);
      await clock.advance(1);
      expect(await outcome).toBe('opened');
      asked[1]?.reject(new SurewireError('TRANSPORT_STATUS', 'The proxy has lost its mind.'));
      await clock.advance(1);
      await until(clock, channel.send(delivery(saying('one')).with(expectsReply, false)));
      await until(clock, channel.close());
      expect(await channel.closed).toBeUndefined();
    });
  });

  test('refused: RELIABLE_REFUSED; too many sessions: RELIABLE_TOO_BUSY, transient', async () => {
    const refusing = (connectionLimit: boolean) =>
      new Scene({}, (request, server) =>
        reliableFaultReply(request, server.version, {
          name: 'CreateSequenceRefused',
          code: 'receiver',
          reason: 'no',
          connectionLimit,
        }),
      );
    const refused = refusing(false);
    expect(await refused.failure(refused.channel.open())).toMatchObject({ code: 'RELIABLE_REFUSED', transient: false });
    const busy = refusing(true);
    expect(await busy.failure(busy.channel.open())).toMatchObject({ code: 'RELIABLE_TOO_BUSY', transient: true });
  });

  test.each([
    [
      'an answer to another message',
      (request: Message, server: Server) => {
        const created = server.created(request);
        return { ...created, headers: created.headers.map((block) => block) };
      },
      false,
    ],
    [
      'an Accept that nothing was offered for',
      (request: Message, server: Server) => server.created(request, 'urn:s', true),
      true,
    ],
    [
      'a message that is no answer at all',
      (request: Message, server: Server) => server.answer(request, 'urn:something'),
      false,
    ],
  ] as const)('%s', async (name, answer, oneWay) => {
    const scene = new Scene({ oneWay }, answer);
    if (name.startsWith('an answer')) return scene.until(scene.channel.open());
    expect((await scene.failure(scene.channel.open())).code).toBe('RELIABLE_REFUSED');
  });

  test('without an address, the first message tells it, and its SOAP version', async () => {
    const scene = new Scene({ to: undefined });
    await scene.until(scene.channel.open());
    expect(scene.sent).toEqual([]);
    const sending = scene.channel.send(delivery(saying('one', soap11)).with(expectsReply, false));
    await scene.until(sending);
    expect(scene.sent[0]?.version).toBe(soap11);
  });

  test('settings out of range are refused', () => {
    for (const options of [
      { maxTransferWindowSize: 0 },
      { maxTransferWindowSize: 4_097 },
      { maxPendingChannels: 0 },
      { maxRetryCount: 0 },
      { inactivityTimeout: Number.NaN },
    ]) {
      expect(() => new Scene(options)).toThrow(expect.objectContaining({ code: 'RELIABLE_SETTING' }));
    }
  });
});

describe('sending', () => {
  test('a one-way message is settled by its acknowledgement; the same MessageID and number each time', async () => {
    let refusals = 2;
    const scene = new Scene({}, (request, server) => {
      if (numberOf(request) === 1 && refusals-- > 0) return undefined;
      return server.good(request);
    });
    expect(await scene.until(scene.say('one'))).toBeUndefined();
    expect(scene.sent.filter((of) => numberOf(of) === 1)).toHaveLength(3);
    expect(scene.view?.statistics).toMatchObject({ sent: 1, resent: 2, acknowledged: 1 });
  });

  test('a peer that takes one-way messages without a word (gSOAP): it is asked, and nothing is sent twice', async () => {
    const scene = new Scene({}, (request, server) => {
      const answer = server.good(request);
      return numberOf(request) === undefined ? answer : undefined;
    });
    await scene.until(scene.say('one'));
    expect(scene.actions).toEqual(['CreateSequence', 'urn:test:say', 'AckRequested']);
  });

  test('a request is settled by its own reply, acknowledged or not; a copy of a reply is not given twice', async () => {
    let asked = 0;
    const scene = new Scene({}, (request, server) => {
      if (numberOf(request) === undefined) return server.good(request);
      server.heard.push(request);
      asked += 1;
      return asked === 1 ? server.acknowledged(request) : server.reply(request, offerOf(scene), 1, 1);
    });
    const reply = await scene.until(scene.say('one', true));
    expect(payload(reply?.message ?? saying(''))?.text).toBe('re 1');
    expect(readHeaders(reply?.message ?? saying(''))).toBeUndefined();
    expect(asked).toBe(2);
  });

  test('the reply number of another request does not settle this one', async () => {
    let turn = 0;
    const scene = new Scene({ maxRetryCount: 3 }, (request, server) => {
      if (numberOf(request) === undefined) return server.good(request);
      turn += 1;
      // The second request first gets a copy of reply 1 under its own RelatesTo.
      return server.reply(request, offerOf(scene), turn <= 2 ? 1 : 2, Number(numberOf(request)));
    });
    await scene.until(scene.say('one', true));
    const second = await scene.until(scene.say('two', true));
    expect(payload(second?.message ?? saying(''))?.text).toBe('re 2');
    expect(turn).toBe(3);
  });

  test('a fault of gSOAP, outside of the reply sequence, is the reply it relates to', async () => {
    const scene = new Scene({}, (request, server) =>
      numberOf(request) === undefined
        ? server.good(request)
        : faultReply(request, { code: 'sender', reason: 'bad operation' }),
    );
    const reply = await scene.until(scene.say('one', true));
    expect(reply?.message.body.toString()).toContain('bad operation');
  });

  test('a security fault ends the session at once', async () => {
    const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
    const scene = new Scene({}, (request, server) =>
      numberOf(request) === undefined
        ? server.good(request)
        : faultReply(request, {
            code: 'sender',
            subcode: { namespace: wsse, local: 'FailedAuthentication' },
            reason: 'no',
          }),
    );
    const error = await scene.failure(scene.say('one', true));
    expect(error.code).toBe('RELIABLE_FAILED');
    expect(error.cause).toMatchObject({ code: 'SOAP_FAULT' });
  });

  test('nobody acknowledges: RETRIES_EXHAUSTED with each message’s outcome, and the peer is told', async () => {
    const scene = new Scene({ maxRetryCount: 2 }, (request, server) => {
      if (numberOf(request) !== undefined) throw lost();
      return server.good(request);
    });
    const first = scene.failure(scene.say('one'));
    const second = scene.failure(scene.say('two'));
    const error = await first;
    expect(error.code).toBe('RELIABLE_RETRIES_EXHAUSTED');
    expect([...error.outcomes]).toEqual([
      [1, 'unknown'],
      [2, 'failed'],
    ]);
    expect((await second).code).toBe('RELIABLE_RETRIES_EXHAUSTED');
    const last = scene.sent.at(-1) ?? saying('');
    expect(readReliableFault(last)?.fault).toMatchObject({ name: 'SequenceTerminated', code: 'receiver' });
    expect(await scene.until(scene.channel.closed)).toBe(error);
    expect((await scene.failure(scene.say('three'))).code).toBe('RELIABLE_RETRIES_EXHAUSTED');
  });

  test.each([
    ['SequenceTerminated', 'RELIABLE_TERMINATED'],
    ['UnknownSequence', 'RELIABLE_UNKNOWN_SEQUENCE'],
    ['InvalidAcknowledgement', 'RELIABLE_INVALID_ACKNOWLEDGEMENT'],
    ['SequenceClosed', 'RELIABLE_SEQUENCE_CLOSED'],
    ['LastMessageNumberExceeded', 'RELIABLE_LAST_EXCEEDED'],
  ] as const)('the fault %s ends the session with %s', async (name, code) => {
    const scene = new Scene({}, (request, server) =>
      numberOf(request) === undefined
        ? server.good(request)
        : reliableFaultReply(request, server.version, { name, code: 'sender', reason: 'why', identifier: 'urn:s' }),
    );
    expect((await scene.failure(scene.say('one'))).code).toBe(code);
  });

  test('MessageNumberRollover: nothing new is taken, what is under way goes on', async () => {
    let rolled = false;
    const scene = new Scene({}, (request, server) => {
      if (numberOf(request) !== 1 || rolled) return server.good(request);
      rolled = true;
      return reliableFaultReply(request, server.version, {
        name: 'MessageNumberRollover',
        code: 'sender',
        reason: 'why',
        identifier: 'urn:s',
      });
    });
    await scene.until(scene.say('one'));
    expect((await scene.failure(scene.say('two'))).code).toBe('RELIABLE_ROLLOVER');
    await scene.until(scene.channel.close());
  });

  test('an end that demands another version says so: RELIABLE_REQUIRED for WsrmRequired', async () => {
    const scene = new Scene({}, (request, server) =>
      numberOf(request) === undefined
        ? server.good(request)
        : faultReply(request, requiredFault(reliable200702, addressing200508), {
            action: reliable200702.faultAction ?? '',
          }),
    );
    expect((await scene.failure(scene.say('one'))).code).toBe('RELIABLE_REQUIRED');
  });

  test('the caller gives up; the message does not', async () => {
    let answering = false;
    const scene = new Scene({}, (request, server) => {
      return numberOf(request) === 1 && !answering ? undefined : server.good(request);
    });
    await scene.until(scene.channel.open());
    const impatient = new AbortController();
    const sending = scene.say('one', false, impatient.signal);
    await scene.clock.advance(100);
    impatient.abort(new Error('enough'));
    await expect(sending).rejects.toThrow('enough');
    answering = true;
    await scene.until(scene.channel.close());
    expect(scene.view?.outcome(1)).toBe('acknowledged');
  });

  test('no more unsettled messages than allowed: the next send waits', async () => {
    let answering = false;
    const scene = new Scene({ maxUnsettled: 2 }, (request, server) => {
      return numberOf(request) === undefined || answering ? server.good(request) : undefined;
    });
    await scene.until(scene.channel.open());
    const sending = ['one', 'two', 'three'].map((text) => scene.say(text));
    await scene.clock.advance(100);
    expect(scene.view?.submitted).toBe(2);
    answering = true;
    await scene.until(Promise.all(sending));
    expect(scene.view?.submitted).toBe(3);
  });

  test('idle: a poll after half the inactivity timeout keeps the session', async () => {
    const scene = new Scene({ inactivityTimeout: 60_000 });
    await scene.until(scene.channel.open());
    await scene.clock.advance(200_000);
    expect(scene.actions.filter((action) => action === 'AckRequested').length).toBeGreaterThanOrEqual(6);
    await scene.until(scene.say('one'));
  });
});

function offerOf(scene: Scene): string {
  const offer = payload(scene.sent[0] ?? saying(''))?.children.find(({ local }) => local === 'Offer');
  return offer?.children[0]?.text ?? '';
}

describe('closing', () => {
  test.each([reliable200702, reliable200502])(
    '$name: a peer that says what it has only at the end (gSOAP): the messages are settled by closing',
    async (version) => {
      const scene = new Scene({ version, oneWay: true }, (request, server) => {
        const { actions } = version;
        const answer = server.good(request);
        if (request.action === actions.createSequence) return answer;
        const isEnd = request.action === (actions.closeSequence ?? actions.terminateSequence);
        if (isEnd && version === reliable200502)
          return server.answer(request, actions.terminateSequence, [server.block(request.version, { upper: 2 })]);
        return isEnd || request.action === actions.terminateSequence ? answer : undefined;
      });
      await scene.until(scene.channel.open());
      const sending = Promise.all([scene.say('one'), scene.say('two')]);
      await scene.clock.advance(5_000);
      await scene.until(scene.channel.close());
      await sending;
      expect(scene.actions).not.toContain('LastMessage');
      expect([1, 2].map((number) => scene.view?.outcome(number))).toEqual(['acknowledged', 'acknowledged']);
    },
  );

  test('a silent peer that does not have everything: what it lacks is unknown, and close says so', async () => {
    const scene = new Scene({ oneWay: true }, (request, server) => {
      if (request.action.endsWith('CloseSequence')) return server.acknowledged(request, { upper: 0 });
      return /(Create|Terminate)Sequence$/.test(request.action) ? server.good(request) : undefined;
    });
    await scene.until(scene.channel.open());
    const sending = scene.failure(scene.say('one'));
    await scene.clock.advance(2_000);
    const closing = scene.failure(scene.channel.close());
    expect((await closing).code).toBe('RELIABLE_SEQUENCE_CLOSED');
    expect([...(await sending).outcomes]).toEqual([[1, 'unknown']]);
  });

  test('200702: CloseSequence, TerminateSequence; 2005/02: LastMessage, TerminateSequence', async () => {
    const newer = new Scene({ oneWay: true });
    await newer.until(newer.say('one'));
    await newer.until(newer.channel.close());
    expect(newer.actions).toEqual(['CreateSequence', 'urn:test:say', 'CloseSequence', 'TerminateSequence']);
    const older = new Scene({ version: reliable200502, oneWay: true });
    await older.until(older.say('one'));
    await older.until(older.channel.close());
    expect(older.actions).toEqual(['CreateSequence', 'urn:test:say', 'LastMessage', 'TerminateSequence']);
    expect(await older.channel.closed).toBeUndefined();
  });

  test('a session without messages ends in good order too', async () => {
    for (const version of [reliable200702, reliable200502]) {
      const scene = new Scene({ version });
      await scene.until(scene.channel.open());
      await scene.until(scene.channel.close());
      expect(await scene.channel.closed).toBeUndefined();
    }
  });

  test('never opened: nothing is sent', async () => {
    const scene = new Scene({});
    await scene.until(scene.channel.close());
    expect(scene.sent).toEqual([]);
    expect(await scene.channel.closed).toBeUndefined();
  });

  test.each([reliable200702, reliable200502])(
    '$name: messages sent while the session opens, and close at once: all of them are acknowledged first',
    async (version) => {
      let refusals = 0;
      const scene = new Scene({ version, oneWay: true }, (request, server) => {
        refusals += 1;
        if (refusals <= 3) throw lost();
        return server.good(request);
      });
      const sent = ['one', 'two', 'three'].map((text) => scene.say(text));
      const closed = scene.channel.close();
      const late = await scene.failure(scene.say('late'));
      expect(late.code).toBe('RELIABLE_CLOSED');
      await scene.until(closed);
      await Promise.all(sent);
      expect(scene.view?.submitted).toBe(version === reliable200502 ? 4 : 3);
      expect(scene.server.heard.map(numberOf).filter((number) => number !== undefined)).toEqual(
        version === reliable200502 ? [1, 2, 3, 4] : [1, 2, 3],
      );
    },
  );

  test('close that its caller cuts short while the session opens: over at once, and what waits is rejected', async () => {
    const scene = new Scene({}, () => {
      throw lost();
    });
    const sent = scene.say('one').catch((thrown: unknown) => thrown);
    const caller = new AbortController();
    const closed = scene.channel.close(caller.signal).catch((thrown: unknown) => thrown);
    await scene.clock.advance(5_000);
    caller.abort(new Error('enough'));
    await scene.clock.advance(0);
    expect(await Promise.race([closed, 'time is needed'])).toMatchObject({ message: 'enough' });
    await scene.until(scene.channel.closed);
    expect(await sent).toMatchObject({ code: 'RELIABLE_ABORTED' });
    const said = scene.sent.length;
    await scene.clock.advance(120_000);
    expect(scene.sent).toHaveLength(said);
  });

  test('CloseSequence and TerminateSequence are repeated with the same MessageID', async () => {
    const dropped = new Set<string>();
    const scene = new Scene({}, (request, server) => {
      if (/(Close|Terminate)Sequence$/.test(request.action) && !dropped.has(request.action)) {
        dropped.add(request.action);
        throw lost();
      }
      return server.good(request);
    });
    await scene.until(scene.say('one'));
    await scene.until(scene.channel.close());
    const closes = scene.sent.filter(({ action }) => action.endsWith('CloseSequence'));
    expect(closes.map((of) => addressingOf(of)?.messageId)[0]).toBe(addressingOf(closes[1] ?? saying(''))?.messageId);
    expect(closes).toHaveLength(2);
  });

  test.each(['CloseSequence', 'TerminateSequence'])(
    'a copy of %s that is refused is not the last word',
    async (end) => {
      const clock = new VirtualClock();
      const server = new Server(reliable200702);
      const first = Promise.withResolvers<Message | undefined>();
      const asked: Message[] = [];
      const channel = initiatorEnd({ clock, random: seededRandom(1), to }, async (request) => {
        if (!request.action.endsWith(`/${end}`)) return server.good(request);
        asked.push(request);
        if (asked.length === 1) return first.promise;
        return faultReply(request, { code: 'sender', reason: 'This was asked before.' });
      });
      await until(clock, channel.send(delivery(saying('one')).with(expectsReply, false)));
      const closed = channel.close().then(
        () => 'closed',
        (thrown: unknown) => thrown,
      );
      await clock.advance(10_000);
      expect(asked).toHaveLength(2);
      first.resolve(server.good(asked[0] ?? saying('')));
      await clock.advance(1);
      expect(await closed).toBe('closed');
      expect(await channel.closed).toBeUndefined();
    },
  );

  test('UnknownSequence after TerminateSequence: the peer has forgotten, as it should', async () => {
    const scene = new Scene({}, (request, server) =>
      request.action.endsWith('TerminateSequence')
        ? reliableFaultReply(request, server.version, {
            name: 'UnknownSequence',
            code: 'sender',
            reason: 'gone',
            identifier: 'urn:s',
          })
        : server.good(request),
    );
    await scene.until(scene.say('one'));
    await scene.until(scene.channel.close());
    expect(await scene.channel.closed).toBeUndefined();
  });

  test('TerminateSequence is never answered: good all the same; CloseSequence never: RELIABLE_CLOSE_TIMEOUT', async () => {
    const silent = (end: string) =>
      new Scene({ closeTimeout: 5_000 }, (request, server) => {
        if (request.action.endsWith(end)) throw lost();
        return server.good(request);
      });
    const terminate = silent('TerminateSequence');
    await terminate.until(terminate.say('one'));
    await terminate.until(terminate.channel.close());
    const close = silent('CloseSequence');
    await close.until(close.say('one'));
    expect((await close.failure(close.channel.close())).code).toBe('RELIABLE_CLOSE_TIMEOUT');
  });

  test('CloseSequenceResponse without Final, as gSOAP answers', async () => {
    const scene = new Scene({}, (request, server) => {
      const answer = server.good(request);
      return answer !== undefined && request.action.endsWith('CloseSequence')
        ? { ...answer, headers: answer.headers.filter(({ local }) => local !== 'SequenceAcknowledgement') }
        : answer;
    });
    await scene.until(scene.say('one'));
    await scene.until(scene.channel.close());
    expect(await scene.channel.closed).toBeUndefined();
  });

  test('abort: SequenceTerminated as a last word, and everything that waits is rejected', async () => {
    const scene = new Scene({}, (request, server) =>
      numberOf(request) === undefined ? server.good(request) : undefined,
    );
    await scene.until(scene.channel.open());
    const sending = scene.failure(scene.say('one'));
    await scene.clock.advance(10);
    scene.channel.abort(new Error('enough'));
    expect((await sending).code).toBe('RELIABLE_ABORTED');
    expect(await scene.until(scene.channel.closed)).toMatchObject({ code: 'RELIABLE_ABORTED' });
    expect(readReliableFault(scene.sent.at(-1) ?? saying(''))?.fault.name).toBe('SequenceTerminated');
  });
});

describe('sessions in a store', () => {
  test('suspended and taken up again by its label: numbers go on, what was under way is sent again', async () => {
    const store = memory();
    let deaf = true;
    const answer = (request: Message, server: Server) =>
      deaf && numberOf(request) === 2 ? undefined : server.good(request);
    const first = new Scene({ store, label: 'orders' }, answer);
    await first.until(first.say('one'));
    const second = first.failure(first.say('two'));
    await first.clock.advance(10);
    await first.until(first.view?.suspend() ?? Promise.resolve());
    expect((await second).code).toBe('RELIABLE_SUSPENDED');
    expect(first.actions).not.toContain('fault');
    deaf = false;
    const again = new Scene({ store, label: 'orders' }, answer);
    again.server.heard.push(...first.sent);
    await again.until(again.channel.open());
    expect(again.view).toMatchObject({ resumed: true, submitted: 2, id: 'urn:s' });
    await again.until(again.say('three'));
    await again.until(again.channel.close());
    expect(again.actions).not.toContain('CreateSequence');
    expect([1, 2, 3].map((number) => again.view?.outcome(number))).toEqual([
      'acknowledged',
      'acknowledged',
      'acknowledged',
    ]);
    expect(await storedOutcomes(store, 'orders')).toMatchObject([{ state: 'completed', submitted: 3 }]);
  });

  test('another label, another destination: another session', async () => {
    const store = memory();
    const first = new Scene({ store, label: 'orders' });
    await first.until(first.say('one'));
    await first.until(first.view?.suspend() ?? Promise.resolve());
    for (const options of [{ label: 'invoices' }, { label: 'orders', to: new URL('http://other.example/') }]) {
      const other = new Scene({ store, ...options });
      await other.until(other.channel.open());
      expect(other.view?.resumed).toBe(false);
    }
  });

  test('a store that fails: RELIABLE_STORE, and the message is not sent', async () => {
    const store = memory();
    const scene = new Scene({ store, label: 'orders' });
    await scene.until(scene.channel.open());
    await store.close();
    expect((await scene.failure(scene.say('one'))).code).toBe('RELIABLE_STORE');
    expect(scene.sent.some((of) => numberOf(of) === 1)).toBe(false);
    expect(await scene.until(scene.channel.closed)).toMatchObject({ code: 'RELIABLE_STORE' });
  });
});
