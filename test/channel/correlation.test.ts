import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import type { Channel, ChannelFactory } from '../../src/channel/channel.ts';
import { type ExchangeOptions, exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import {
  type Addressing,
  addressing200408,
  addressing200508,
  addressingOf,
  addressingVersions,
  replyAddressing,
  withAddressing,
} from '../../src/soap/addressing.ts';
import { message } from '../../src/soap/envelope.ts';
import { FaultError, faultOf, faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';

const to = new URL('http://service/soap');
const ask = message({ version: soap12, action: 'urn:ask' });
const uuid = /^urn:uuid:[0-9a-f-]{36}$/;

/** Both arrows of the element, with `below` where the transport would be. */
function wrapped(
  options: Partial<ExchangeOptions>,
  ends: { below?: Carry; receive?: Carry },
): { channel: Channel; up: Carry } {
  let up: Carry | undefined;
  const inner: ChannelFactory = (receive) => {
    up = receive;
    return {
      side: 'initiator',
      closed: Promise.resolve(undefined),
      open: async () => undefined,
      send: ends.below ?? (async () => undefined),
      close: async () => undefined,
      abort: () => undefined,
    };
  };
  const element = exchange({ addressing: addressing200508, ...options });
  const channel = element.wrap(inner)(ends.receive ?? (async () => undefined));
  if (up === undefined) throw new Error('the element did not make the channel below');
  return { channel, up };
}

test('wsa:To is where the channel was connected to, unless the message or the options say otherwise', async () => {
  const seen: (string | undefined)[] = [];
  const network = loopback();
  const via = binding([exchange({ addressing: addressing200508 })], network);
  const listener = await listen(via, to, async (trip) => {
    seen.push(addressingOf(trip.message)?.to);
    return undefined;
  });
  const oneWay = delivery(ask).with(expectsReply, false);
  await connect(via, to).send(oneWay);
  const elsewhere = binding([exchange({ addressing: addressing200508, to: new URL('http://public/soap') })], network);
  await connect(elsewhere, to).send(oneWay);
  expect(seen).toEqual(['http://service/soap', 'http://public/soap']);
  await listener.close();
});

/** What `send` puts on the wire. */
async function sent(trip: Delivery, options: Partial<ExchangeOptions> = {}): Promise<Addressing | undefined> {
  let found: Addressing | undefined;
  const below: Carry = async (down) => {
    found = addressingOf(down.message);
    return undefined;
  };
  await wrapped({ to, ...options }, { below }).channel.send(trip);
  return found;
}

/** What comes of an answer. */
function answered(make: (request: Addressing) => Message): Promise<Delivery | undefined> {
  const below: Carry = async (down) => {
    const request = addressingOf(down.message);
    if (request === undefined) throw new Error('sent without addressing');
    return delivery(make(request));
  };
  return wrapped({}, { below }).channel.send(delivery(ask));
}

/** What a service that answers `reply` says to `request`. */
function told(
  request: Message,
  reply: Message | undefined,
  options: Partial<ExchangeOptions> = {},
): Promise<Delivery | undefined> {
  const receive: Carry = async (trip) => (reply === undefined ? undefined : trip.carrying(reply));
  return wrapped(options, { receive }).up(delivery(request));
}

describe('what is sent (WS-Addressing 1.0 Core section 3.2; WCF 3.2)', () => {
  test.each(addressingVersions)(
    '$name: a request has Action, MessageID, anonymous ReplyTo and To',
    async (addressing) => {
      expect(await sent(delivery(ask), { addressing })).toMatchObject({
        version: addressing,
        action: 'urn:ask',
        to: to.href,
        messageId: expect.stringMatching(uuid),
        replyTo: { address: addressing.anonymous, parameters: [] },
        relatesTo: undefined,
      });
    },
  );

  test('a one-way message has neither MessageID nor ReplyTo, as WCF sends it', async () => {
    const found = await sent(delivery(ask).with(expectsReply, false));
    expect(found).toMatchObject({ action: 'urn:ask', to: to.href, messageId: undefined, replyTo: undefined });
  });

  test('what the message says of its addressing stays', async () => {
    const given: Addressing = {
      version: addressing200508,
      action: 'urn:mine',
      to: 'http://elsewhere/',
      messageId: 'urn:uuid:mine',
      relatesTo: 'urn:uuid:theirs',
      replyTo: { address: 'http://me/', parameters: [] },
      faultTo: { address: 'http://me/faults', parameters: [] },
    };
    expect(await sent(delivery(withAddressing(ask, given)))).toMatchObject(given);
  });

  test('MessageIDs differ, and are those of the given chance', async () => {
    const random = seededRandom(1);
    const ids = [await sent(delivery(ask), { random }), await sent(delivery(ask), { random })].map(
      (one) => one?.messageId,
    );
    expect(new Set(ids).size).toBe(2);
    expect((await sent(delivery(ask), { random: seededRandom(1) }))?.messageId).toBe(ids[0]);
  });

  test('without a To: 2004/08 says anonymous, 2005/08 says nothing', async () => {
    expect((await sent(delivery(ask), { to: undefined }))?.to).toBeUndefined();
    const old = await sent(delivery(ask), { to: undefined, addressing: addressing200408 });
    expect(old?.to).toBe(addressing200408.anonymous);
  });

  test('a message without action is not sent', async () => {
    const { channel } = wrapped({}, {});
    await expect(channel.send(delivery(message({ version: soap12 })))).rejects.toMatchObject({
      code: 'SOAP_ADDRESSING',
    });
  });
});

describe('the answer has to be the answer (attacks A4, R8)', () => {
  const reply = message({ version: soap12, action: 'urn:answer' });
  const fault = { code: 'sender', reason: 'no' } as const;

  test('one that relates to the request is handed up', async () => {
    const found = await answered((request) => withAddressing(reply, replyAddressing(request, 'urn:answer')));
    expect(found?.message.action).toBe('urn:answer');
  });

  test('one that relates to another message is not', async () => {
    const other = answered(() =>
      withAddressing(reply, { version: addressing200508, action: 'urn:answer', relatesTo: 'urn:uuid:other' }),
    );
    await expect(other).rejects.toMatchObject({ code: 'CHANNEL_CORRELATION' });
  });

  test('one that relates to none is not, with addressing or without', async () => {
    const none = answered(() => withAddressing(reply, { version: addressing200508, action: 'urn:answer' }));
    await expect(none).rejects.toMatchObject({ code: 'CHANNEL_CORRELATION' });
    await expect(answered(() => reply)).rejects.toMatchObject({ code: 'CHANNEL_CORRELATION' });
  });

  test('one whose RelatesTo stands there twice is not', async () => {
    const twice = answered((request) => {
      const once = withAddressing(reply, replyAddressing(request, 'urn:answer'));
      return { ...once, headers: [...once.headers, ...once.headers.filter((block) => block.local === 'RelatesTo')] };
    });
    await expect(twice).rejects.toMatchObject({ code: 'SOAP_ADDRESSING' });
  });

  test('a fault is handed up as a message, related or to none, but not when it relates to another', async () => {
    const related = await answered((request) => faultReply(withAddressing(ask, request), fault));
    expect(related && faultOf(related.message)).toMatchObject(fault);
    const bare = await answered(() => faultReply(undefined, fault));
    expect(bare && faultOf(bare.message)).toMatchObject(fault);
    const foreign = answered((request) =>
      faultReply(withAddressing(ask, { ...request, messageId: 'urn:uuid:x' }), fault),
    );
    await expect(foreign).rejects.toMatchObject({ code: 'CHANNEL_CORRELATION' });
  });

  test('no answer is no answer', async () => {
    await expect(wrapped({}, {}).channel.send(delivery(ask))).resolves.toBeUndefined();
  });

  test('what comes back on a one-way message, such as an acknowledgement, is handed up', async () => {
    const { channel } = wrapped({}, { below: async () => delivery(reply) });
    expect((await channel.send(delivery(ask).with(expectsReply, false)))?.message).toBe(reply);
  });
});

describe('what is answered', () => {
  const asked = (more: Partial<Addressing> = {}, version = addressing200508): Message =>
    withAddressing(ask, { version, action: 'urn:ask', messageId: 'urn:uuid:1', to: to.href, ...more });
  const at = (address: string) => ({ address, parameters: [] });
  const reply = message({ version: soap12, action: 'urn:answer' });

  test.each(addressingVersions)('$name: a reply without addressing is related and addressed', async (addressing) => {
    const said = await told(asked({}, addressing), reply, { addressing });
    expect(said && addressingOf(said.message)).toMatchObject({
      version: addressing,
      action: 'urn:answer',
      relatesTo: 'urn:uuid:1',
      to: addressing.writesAnonymousTo ? addressing.anonymous : undefined,
    });
  });

  test('a reply without action is the Response of what was asked (WSDL default action pattern); a fault is a fault', async () => {
    expect((await told(asked(), message({ version: soap12 })))?.message.action).toBe('urn:askResponse');
    const fault = faultReply(undefined, { code: 'receiver', reason: 'no' });
    const said = await told(asked(), fault);
    expect(said && addressingOf(said.message)).toMatchObject({
      action: addressing200508.soapFaultAction,
      relatesTo: 'urn:uuid:1',
    });
  });

  test('a reply with its own addressing keeps it, and is related when it was not', async () => {
    const own = withAddressing(reply, { version: addressing200508, action: 'urn:own', messageId: 'urn:uuid:2' });
    const said = await told(asked(), own);
    expect(said && addressingOf(said.message)).toMatchObject({
      action: 'urn:own',
      messageId: 'urn:uuid:2',
      relatesTo: 'urn:uuid:1',
    });
    const related = withAddressing(reply, { version: addressing200508, action: 'urn:own', relatesTo: 'urn:uuid:0' });
    expect((await told(asked(), related))?.message).toBe(related);
  });

  test('nothing returned is nothing said; a request without MessageID gets an answer that relates to none', async () => {
    expect(await told(asked(), undefined)).toBeUndefined();
    const said = await told(asked({ messageId: undefined }), reply);
    expect(said && addressingOf(said.message)?.relatesTo).toBeUndefined();
  });

  test('an answer to "none" is dropped (WS-Addressing 1.0 Core section 3.4)', async () => {
    const none = at(addressing200508.none ?? '');
    expect(await told(asked({ replyTo: none }), reply)).toBeUndefined();
    const fault = faultReply(undefined, { code: 'receiver', reason: 'no' });
    expect(await told(asked({ faultTo: none }), fault)).toBeUndefined();
    expect(await told(asked({ faultTo: none }), reply)).toBeDefined();
    const thrown = new FaultError({ code: 'receiver', reason: 'no' });
    const { up } = wrapped({}, { receive: () => Promise.reject(thrown) });
    expect(await up(delivery(asked({ faultTo: none })))).toBeUndefined();
  });

  test.each(['replyTo', 'faultTo'] as const)(
    '%s elsewhere is refused before anybody serves it (attack A2)',
    async (name) => {
      let served = false;
      const { up } = wrapped(
        {},
        {
          receive: async () => {
            served = true;
            return undefined;
          },
        },
      );
      const said = await up(delivery(asked({ [name]: at('http://victim/') })));
      const fault = said && faultOf(said.message);
      expect(fault?.subcode?.local).toBe('InvalidAddressingHeader');
      expect(fault?.subsubcode?.local).toBe('OnlyAnonymousAddressSupported');
      expect(said && addressingOf(said.message)).toMatchObject({
        action: addressing200508.faultAction,
        relatesTo: 'urn:uuid:1',
      });
      expect(served).toBe(false);
    },
  );

  test('R6 a message to another service is DestinationUnreachable where addresses are given', async () => {
    const addresses = ['https://service.example/soap'];
    const says = async (to: string | undefined) => {
      const said = await told(asked({ to }), reply, { addresses });
      return said && faultOf(said.message)?.subcode?.local;
    };
    expect(await says('https://service.example/soap')).toBeUndefined();
    for (const to of [
      'https://other.example/soap',
      'https://service.example/soap/',
      'https://SERVICE.example/soap',
      undefined,
    ]) {
      expect(await says(to)).toBe('DestinationUnreachable');
    }
  });

  test('in 2004/08 that is an InvalidMessageInformationHeader', async () => {
    const said = await told(asked({ replyTo: at('http://victim/') }, addressing200408), reply, {
      addressing: addressing200408,
    });
    expect(said && faultOf(said.message)?.subcode?.local).toBe('InvalidMessageInformationHeader');
  });

  test('with an allow-list other hosts are refused as InvalidAddress; an allowed one is served one-way', async () => {
    const replyHosts = ['friend', 'friend:8080'];
    for (const address of ['http://victim/', 'http://friend.victim/', 'urn:friend', 'friend']) {
      const said = await told(asked({ replyTo: at(address) }), reply, { replyHosts });
      expect(said && faultOf(said.message)?.subsubcode?.local).toBe('InvalidAddress');
    }
    for (const address of ['http://friend/', 'https://friend:8443/a', 'http://friend:8080/b']) {
      expect(await told(asked({ replyTo: at(address) }), undefined, { replyHosts })).toBeUndefined();
      await expect(told(asked({ replyTo: at(address) }), reply, { replyHosts })).rejects.toMatchObject({
        code: 'CHANNEL_REPLY_ADDRESS',
      });
    }
  });

  test.each([
    ['no addressing', ask],
    ['addressing of the other version', asked({}, addressing200408)],
  ])('%s: MessageAddressingHeaderRequired', async (_, request) => {
    const said = await told(request, reply);
    const fault = said && faultOf(said.message);
    expect(fault?.subcode).toEqual({ namespace: addressing200508.namespace, local: 'MessageAddressingHeaderRequired' });
  });

  test('malformed addressing is answered with its fault, related as far as can be known', async () => {
    const good = asked();
    const twice = { ...good, headers: [...good.headers, ...good.headers.filter((block) => block.local === 'To')] };
    const said = await told(twice, reply);
    expect(said && faultOf(said.message)?.subsubcode?.local).toBe('InvalidCardinality');
    expect(said && addressingOf(said.message)?.relatesTo).toBe('urn:uuid:1');
  });

  test('a fault thrown above travels down as a reply; any other error goes on', async () => {
    const throwing = (error: Error) => wrapped({}, { receive: () => Promise.reject(error) }).up(delivery(asked()));
    const said = await throwing(new FaultError({ code: 'sender', reason: 'thrown' }));
    expect(said && faultOf(said.message)?.reason).toBe('thrown');
    expect(said && addressingOf(said.message)?.relatesTo).toBe('urn:uuid:1');
    const other = new Error('other');
    await expect(throwing(other)).rejects.toBe(other);
  });
});

describe('both ends together', () => {
  test.each(addressingVersions)('$name: request and reply over the loopback', async (addressing) => {
    const via = binding([exchange({ addressing, to })], loopback());
    const listener = await listen(via, new URL('http://service:0/soap'), async (trip) =>
      trip.carrying(message({ version: soap12, action: `${trip.message.action}Answer` })),
    );
    const replies = await Promise.all(Array.from({ length: 8 }, () => connect(via, listener.url).send(delivery(ask))));
    expect(replies.map((reply) => reply?.message.action)).toEqual(new Array(8).fill('urn:askAnswer'));
  });
});
