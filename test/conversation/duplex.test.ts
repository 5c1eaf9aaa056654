/**
 * A secure conversation where both ends speak unasked: over one connection (WebSocket), over two (wsDualHttp) and over exchanges in which
 * the client asks for what waits (WS-MakeConnection).
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { callbackChannel } from '../../src/channel/callback.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { conversationFault, sessionFaultAction } from '../../src/conversation/faults.ts';
import { writeRequest } from '../../src/conversation/requests.ts';
import { conversationVersions } from '../../src/conversation/versions/table.ts';
import { conversation200512 } from '../../src/conversation/versions/v200512.ts';
import { readCreateSequence } from '../../src/reliable/bodies.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { algorithmSuite } from '../../src/security/algorithm-suites.ts';
import { evidence } from '../../src/security/evidence.ts';
import { addressingOf } from '../../src/soap/addressing.ts';
import { message } from '../../src/soap/envelope.ts';
import { faultReply } from '../../src/soap/fault.ts';
import { soap12 } from '../../src/soap/version.ts';
import { DuplexTalk, saying, shapes } from './duplex-rig.ts';
import { type Bootstrap, bootstraps } from './rig.ts';

const named = (name: string): Bootstrap => {
  const found = bootstraps.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no bootstrap ${name}`);
  return found;
};
const mutual = named('mutual certificates');
const password = named('user name over TLS');
const [webSocket, twoConnections, makeConnection] = shapes;
if (webSocket === undefined || twoConnections === undefined || makeConnection === undefined)
  throw new Error('no shapes');
const count = (actions: readonly string[], wanted: string) => actions.filter((one) => one === wanted).length;

describe.each(shapes)('$name', (shape) => {
  test.each(conversationVersions)(
    '$name: both ends call under the context that the sequence is bound to',
    async (version) => {
      const session = { version: version.name === '200512' ? reliable200702 : reliable200502 };
      const talk = new DuplexTalk(shape, mutual, { version }, session);
      const listener = await talk.listen();
      const channel = await talk.connect();
      expect(await talk.ask(channel, 'one')).toBe('re: one, heard');
      expect(await talk.ask(channel, 'two')).toBe('re: two, heard');
      await talk.until(channel.close());
      expect(await channel.closed).toBeUndefined();
      expect([talk.served, talk.told]).toEqual([
        ['one', 'two'],
        ['back: one', 'back: two'],
      ]);
      const { actions } = talk;
      expect(actions.slice(0, 2)).toEqual(['RST/SCT', 'RSTR/SCT']);
      expect(count(actions, 'RST/SCT')).toBe(1);
      expect(actions.slice(-2)).toEqual(['SCT/Cancel', 'SCT/Cancel']);
      // The token reference of CreateSequence names the context (WS-RM 1.1 section 5.2.1), and 200702 says so in a header.
      const creating = talk.wire.find(
        ({ message }) => message.action === session.version.actions.createSequence,
      )?.message;
      const context = talk.deliveries[0]?.get(evidence)?.context?.identifier ?? 'none';
      expect(creating && readCreateSequence(session.version, creating).token?.children[0]?.attribute('URI')).toBe(
        context,
      );
      const says = creating?.headers.some(({ local }) => local === 'UsesSequenceSTR');
      expect(says).toBe(session.version.tokenHeader);
      expect(new Set(talk.identities)).toEqual(new Set([`context:${context}`]));
      // Requests about the context say where they are answered, as everything does.
      const replies = new Set(
        talk.wire
          .filter(({ message }) => message.action.includes('RST/SCT'))
          .map(({ message }) => addressingOf(message)?.replyTo?.address),
      );
      expect(replies.size).toBe(1);
      expect([...replies][0]?.startsWith('http://client.example')).toBe(shape === twoConnections);
      await talk.until(listener.close());
    },
  );

  const usable = shape === twoConnections ? bootstraps.filter(({ secure }) => !secure) : bootstraps;
  test.each(usable.filter((one) => one !== mutual))('$name: without a reliable session', async (bootstrap) => {
    const talk = new DuplexTalk(shape, bootstrap);
    const listener = await talk.listen();
    const channel = await talk.connect();
    expect(await talk.ask(channel, 'one')).toBe('re: one, heard');
    await talk.until(channel.close());
    expect(talk.actions.slice(-2)).toEqual(['SCT/Cancel', 'SCT/Cancel']);
    await talk.until(listener.close());
  });
});

test('a connection that broke is made again, and goes on under the same context', async () => {
  for (const cut of [3, 5, 7, 9]) {
    const talk = new DuplexTalk(webSocket, password, {}, { version: reliable200702 });
    let isCut = false;
    talk.script(({ number }) => {
      if (isCut || number < cut) return undefined;
      isCut = true;
      return 'break';
    });
    await talk.listen();
    const channel = await talk.connect();
    expect(await talk.ask(channel, 'one'), `cut at ${cut}`).toBe('re: one, heard');
    expect(await talk.ask(channel, 'two')).toBe('re: two, heard');
    await talk.until(channel.close());
    expect([talk.served, talk.told]).toEqual([
      ['one', 'two'],
      ['back: one', 'back: two'],
    ]);
    expect(count(talk.actions, 'RST/SCT')).toBe(1);
    expect(new Set(talk.identities).size).toBe(1);
  }
});

test('a request for the context that is lost with its connection is asked again', async () => {
  for (const cut of [1, 2]) {
    const talk = new DuplexTalk(webSocket, password, { requestTimeout: 5_000 }, { version: reliable200702 });
    talk.script(({ number }) => (number === cut ? 'break' : undefined));
    await talk.listen();
    const channel = await talk.connect();
    expect(await talk.ask(channel, 'one')).toBe('re: one, heard');
    expect(count(talk.actions, 'RST/SCT')).toBe(2);
    await talk.until(channel.close());
  }
});

describe.each([webSocket, twoConnections])('$name', (shape) => {
  test('a key is renewed in time though the client says nothing, because the service speaks under it', async () => {
    const talk = new DuplexTalk(shape, mutual, { contextLifetime: 60_000 }, { version: reliable200702 });
    let back: ((text: string) => Promise<unknown>) | undefined;
    const listener = await talk.listen(async (trip) => {
      const channel = callbackChannel(trip);
      back = (text) => channel.send(delivery(saying('urn:back', text)));
      return trip.carrying(saying('urn:answer', 'yes'));
    });
    const channel = await talk.connect();
    await talk.ask(channel, 'one');
    await talk.pass(300_000);
    expect(count(talk.actions, 'SCT/Renew')).toBeGreaterThanOrEqual(2 * 5);
    await talk.until(back?.('late') ?? Promise.reject(new Error('nobody')));
    expect(talk.told).toEqual(['late']);
    expect(count(talk.actions, 'RST/SCT')).toBe(1);
    await talk.until(channel.close());
    await talk.until(listener.close());
  });

  test('a client that comes without a right to is refused at once, and nothing of it is left', async () => {
    const talk = new DuplexTalk(shape, named('user name for certificate'), {}, { version: reliable200702 });
    const listener = await talk.listen();
    const channel = await talk.connect('nobody');
    await expect(talk.until(channel.send(delivery(saying('urn:ask', 'one'))), 10_000)).rejects.toMatchObject({
      code: 'RELIABLE_REFUSED',
    });
    expect(talk.served).toEqual([]);
    expect(count(talk.actions, 'RST/SCT')).toBe(1);
    expect(talk.actions.some((one) => one.includes('CreateSequence'))).toBe(false);
    await talk.until(listener.close());
  });
});

test('a message that came under a key that was over is said again under the next, and counts once', async () => {
  const talk = new DuplexTalk(webSocket, mutual, { contextLifetime: 60_000 });
  let isLate = false;
  talk.script(({ message }) => {
    if (isLate || message?.action !== 'urn:ask') return undefined;
    isLate = true;
    return { delay: 65_000 };
  });
  await talk.listen();
  const channel = await talk.connect();
  expect(await talk.ask(channel, 'one')).toBe('re: one, heard');
  expect(talk.served).toEqual(['one']);
  expect(count(talk.actions, 'security/SecureConversationFault')).toBe(1);
  expect(count(talk.actions, 'RST/SCT')).toBe(1);
  await talk.until(channel.close());
});

test('a session that the service has aborted is over', async () => {
  const talk = new DuplexTalk(webSocket, mutual);
  await talk.listen(async (trip) => {
    const fault = conversationFault(conversation200512, 'SecuritySessionAborted');
    return trip.carrying(faultReply(trip.message, fault, { action: sessionFaultAction }));
  });
  const channel = await talk.connect();
  const asked = channel.send(delivery(saying('urn:ask', 'one')));
  await expect(talk.until(asked)).rejects.toMatchObject({ code: 'CONVERSATION_ENDED' });
  await expect(channel.send(delivery(saying('urn:ask', 'two')))).rejects.toThrow();
  expect(talk.served).toEqual(['one']);
});

test('a service that ends the session first is answered, as WCF has it, and nothing goes out under it any more', async () => {
  const talk = new DuplexTalk(webSocket, mutual);
  let trip: Parameters<typeof callbackChannel>[0] | undefined;
  await talk.listen(async (came) => {
    trip = came;
    return came.carrying(saying('urn:answer', 'yes'));
  });
  const channel = await talk.connect();
  await talk.ask(channel, 'one');
  const identifier = trip?.get(evidence)?.context?.identifier ?? '';
  const body = writeRequest(conversation200512, { kind: 'cancel', target: { identifier, instance: undefined } }, '_1');
  const ending = message({ version: soap12, action: conversation200512.actions.cancel, body });
  if (trip === undefined) throw new Error('nothing came');
  callbackChannel(trip)
    .send(delivery(ending))
    .catch(() => undefined);
  expect(await talk.until(channel.closed)).toBeUndefined();
  const [, answer] = talk.wire.filter(({ message: { action } }) => action.endsWith('SCT/Cancel'));
  expect([answer?.way, answer?.message.action]).toEqual(['request', conversation200512.actions.cancelResponse]);
  await expect(channel.send(delivery(saying('urn:ask', 'two')))).rejects.toThrow();
  expect(talk.served).toEqual(['one']);
});

describe.each(shapes)('bad requests over $name', (shape) => {
  test('a request that comes twice opens one context; one for a key of another size opens none', async () => {
    const talk = new DuplexTalk(shape, named('user name for certificate'), {}, { version: reliable200702 });
    talk.script(({ message: sent }) => (sent?.action.endsWith('/RST/SCT') === true ? 'duplicate' : undefined));
    const issued: string[] = [];
    const listen = (event: unknown) => {
      const { event: name, identifier } = event as { event: string; identifier: string };
      if (name === 'context.issued') issued.push(identifier);
    };
    subscribe('surewire:conversation', listen);
    const listener = await talk.listen();
    const channel = await talk.connect('alice');
    expect(await talk.ask(channel, 'one')).toBe('re: one, heard');
    expect(new Set(issued).size).toBe(1);
    await talk.until(channel.close());
    const wrong = await talk.connect('alice', { derivedKeys: false, suite: algorithmSuite('Basic128Sha256') });
    const asked = wrong.send(delivery(saying('urn:ask', 'two')));
    await expect(talk.until(asked, 10_000)).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^RELIABLE_(REFUSED|FAILED)$/) }),
    );
    unsubscribe('surewire:conversation', listen);
    expect(issued).toHaveLength(1);
    expect(talk.served).toEqual(['one']);
    await talk.until(listener.close());
  });
});

test('a service that knows the context no more when the sequence is asked for, and says so twice, is believed at once', async () => {
  const openTimeout = 60_000;
  const talk = new DuplexTalk(twoConnections, mutual, {}, { version: reliable200702, openTimeout });
  const listener = await talk.listen();
  const again = async () => {
    await listener.close(AbortSignal.abort()).catch(() => undefined);
    await talk.listen();
  };
  let isAsked = false;
  talk.script(({ way, message }) => {
    if (isAsked || way !== 'request' || message?.action !== reliable200702.actions.createSequence) return undefined;
    isAsked = true;
    return { until: again() };
  });
  const channel = await talk.connect();
  const began = talk.clock.now();
  await expect(talk.ask(channel, 'one')).rejects.toMatchObject({ code: 'RELIABLE_REFUSED' });
  expect(talk.clock.now() - began).toBeLessThan(openTimeout);
  expect(talk.served).toEqual([]);
});
