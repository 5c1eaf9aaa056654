/** A contract, its client and its dispatcher, over the in-memory transport: everything is encoded and decoded on the way. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { binding, connect } from '../../src/channel/binding.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { client } from '../../src/service/client.ts';
import { contract, oneWay, requestReply } from '../../src/service/contract.ts';
import { type DispatcherOptions, dispatcher, type Implementation } from '../../src/service/dispatcher.ts';
import { OperationFault } from '../../src/service/errors.ts';
import type { Host } from '../../src/service/host.ts';
import { host } from '../../src/service/host.ts';
import { integer, list, record, text } from '../../src/service/shape.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { header, message } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';

const namespace = 'urn:example:shop';
const shop = contract({
  name: 'Shop',
  namespace,
  operations: {
    place: requestReply({
      request: record({ sku: text, quantity: integer }),
      reply: record({ number: integer, notes: list(text) }),
      faults: { OutOfStock: record({ left: integer }) },
    }),
    remark: oneWay({ request: record({ text }) }),
  },
});
type Shop = Implementation<typeof shop>;

const address = new URL('http://127.0.0.1:80/shop');
const open: { close(): Promise<void> }[] = [];
const wire = () => binding([exchange({ addressing: addressing200508, to: address })], loopback());
let via = wire();
let clock: VirtualClock;

beforeEach(() => {
  via = wire();
  clock = new VirtualClock();
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function serving(implementation: Shop, options: DispatcherOptions = {}): Promise<Channel> {
  open.push(await host([{ binding: via, url: address, receive: dispatcher(shop, implementation, options) }]));
  const channel = connect(via, address);
  open.push(channel);
  return channel;
}

const good: Shop = {
  place: ({ sku, quantity }) => ({ number: quantity + 1, notes: [sku, 'ok'] }),
  remark: () => undefined,
};

describe.each([soap11, soap12])('SOAP $name', (version) => {
  test('a call and its reply are typed both ways', async () => {
    const calls = client(shop, await serving(good), { version });
    expect(await calls.place({ sku: 'A-1', quantity: 2 })).toEqual({ number: 3, notes: ['A-1', 'ok'] });
  });

  test('a one-way call arrives and has no value', async () => {
    const heard: string[] = [];
    const calls = client(shop, await serving({ ...good, remark: (said) => void heard.push(said.text) }), { version });
    expect(await calls.remark({ text: 'hello' })).toBeUndefined();
    expect(heard).toEqual(['hello']);
  });

  test('a declared fault arrives as what was thrown', async () => {
    const place: Shop['place'] = () => {
      throw new OperationFault('OutOfStock', { left: 4 }, 'only four are left');
    };
    const calls = client(shop, await serving({ ...good, place }), { version });
    await expect(calls.place({ sku: 'A-1', quantity: 5 })).rejects.toMatchObject({
      code: 'SERVICE_FAULT',
      fault: 'OutOfStock',
      detail: { left: 4 },
      message: 'only four are left',
    });
  });

  test('any other error is a receiver fault that tells the caller nothing of it', async () => {
    const place: Shop['place'] = () => {
      throw new Error('the password of the database is hunter2');
    };
    const calls = client(shop, await serving({ ...good, place }), { version });
    const failed = await calls.place({ sku: 'A-1', quantity: 5 }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'SOAP_FAULT', fault: { code: 'receiver' } });
    expect(JSON.stringify(failed)).not.toContain('hunter2');
    expect(String(failed)).not.toContain('hunter2');
  });

  test('SOAP §mustUnderstand: a mandatory header that no layer consumed is refused, a voluntary one is not', async () => {
    const channel = await serving(good);
    const block = XmlFragment.parse('<x:Pay xmlns:x="urn:example:x">now</x:Pay>');
    const send = (mustUnderstand: boolean) =>
      channel.send(
        delivery(
          message({
            version,
            action: `${namespace}/Shop/Place`,
            headers: [header(version, block, { mustUnderstand })],
            body: XmlFragment.parse(`<Place xmlns="${namespace}"><sku>A</sku><quantity>1</quantity></Place>`),
          }),
        ),
      );
    const refused = (await send(true))?.message;
    expect(refused === undefined ? undefined : faultOf(refused)).toMatchObject({ code: 'mustUnderstand' });
    const accepted = (await send(false))?.message;
    expect(accepted === undefined ? undefined : faultOf(accepted)).toBeUndefined();
  });
});

describe('what does not fit the contract', () => {
  const asked = async (action: string, body: string): Promise<unknown> => {
    const channel = await serving(good);
    const reply = await channel.send(delivery(message({ version: soap12, action, body: XmlFragment.parse(body) })));
    return reply === undefined ? undefined : faultOf(reply.message);
  };

  test('WS-Addressing 1.0 SOAP binding §6.4.3: an unknown action is ActionNotSupported', async () => {
    expect(await asked('urn:example:unknown', '<a/>')).toMatchObject({
      code: 'sender',
      subcode: { namespace: addressing200508.namespace, local: 'ActionNotSupported' },
    });
  });

  test.each([
    ['another element', '<Other xmlns="urn:example:shop"/>'],
    ['the element in another namespace', '<Place xmlns="urn:example:other"/>'],
    ['a field missing', '<Place xmlns="urn:example:shop"><sku>A</sku></Place>'],
    ['a field of the wrong type', '<Place xmlns="urn:example:shop"><sku>A</sku><quantity>x</quantity></Place>'],
  ])('a body with %s is a sender fault', async (_, body) => {
    expect(await asked(`${namespace}/Shop/Place`, body)).toMatchObject({ code: 'sender' });
  });

  const unnamed = (body: string) => delivery(message({ version: soap12, body: XmlFragment.parse(body) }));
  const named = '<Place xmlns="urn:example:shop"><sku>A</sku><quantity>2</quantity></Place>';

  test('BP 1.2 R2710: a message that has no action is known by its body', async () => {
    const reply = await dispatcher(shop, good)(unnamed(named));
    expect(reply?.message.action).toBe(`${namespace}/Shop/PlaceResponse`);
  });

  test('and by its body alone where that means two operations, or none, it is not', async () => {
    const place = { request: record({ sku: text, quantity: integer }), element: 'Place' };
    const twice = contract({
      name: 'Twice',
      namespace,
      operations: { a: oneWay({ ...place, action: 'urn:a' }), b: oneWay({ ...place, action: 'urn:b' }) },
    });
    const called: string[] = [];
    const service = dispatcher(twice, { a: () => void called.push('a'), b: () => void called.push('b') });
    for (const body of [named, '<Other xmlns="urn:example:shop"/>']) {
      const reply = await service(unnamed(body));
      expect(reply === undefined ? undefined : faultOf(reply.message)).toMatchObject({ code: 'sender' });
    }
    expect(called).toEqual([]);
  });

  test.each(['open', 'close', 'abort', 'then'])(
    'SERVICE_CONTRACT: an operation called %s, as a client has it',
    (name) => {
      const operations = { [name]: oneWay({ request: record({ text }) }) };
      expect(() => contract({ name: 'X', namespace, operations })).toThrow(
        expect.objectContaining({ code: 'SERVICE_CONTRACT' }),
      );
    },
  );

  test('SERVICE_CONTRACT: two operations with one action', () => {
    const operations = { a: oneWay({ request: text, action: 'urn:x' }), b: oneWay({ request: text, action: 'urn:x' }) };
    expect(() => contract({ name: 'Twice', namespace, operations })).toThrow(
      expect.objectContaining({ code: 'SERVICE_CONTRACT' }),
    );
  });

  test('SERVICE_SHAPE: a value that cannot be sent is refused before anything is', async () => {
    let arrived = 0;
    const calls = client(shop, await serving({ ...good, place: () => ({ number: ++arrived, notes: [] }) }));
    await expect(calls.place({ sku: 'A', quantity: 0.5 })).rejects.toMatchObject({ code: 'SERVICE_SHAPE' });
    expect(arrived).toBe(0);
  });

  const answering = (answer: Carry): ReturnType<typeof client<NonNullable<(typeof shop)['types']>>> => {
    const channel: Channel = {
      side: 'initiator',
      send: answer,
      open: async () => undefined,
      close: async () => undefined,
      abort: () => undefined,
      closed: new Promise(() => undefined),
    };
    return client(shop, channel, { clock });
  };

  test('SERVICE_NO_REPLY: a request-reply operation answered with nothing', async () => {
    await expect(answering(async () => undefined).place({ sku: 'A', quantity: 1 })).rejects.toMatchObject({
      code: 'SERVICE_NO_REPLY',
    });
  });

  test('SERVICE_REPLY: another element than the contract states', async () => {
    const body = XmlFragment.parse('<Wrong xmlns="urn:example:shop"/>');
    const calls = answering(async (trip) => trip.carrying(message({ version: soap12, body })));
    await expect(calls.place({ sku: 'A', quantity: 1 })).rejects.toMatchObject({ code: 'SERVICE_REPLY' });
  });

  test('SERVICE_TIMEOUT at the client: the time of the call, in virtual time', async () => {
    const calls = answering(() => new Promise(() => undefined));
    const outcome = calls.place({ sku: 'A', quantity: 1 }, { timeout: 5_000 }).catch((error: unknown) => error);
    await clock.advance(4_999);
    await clock.advance(1);
    expect(await outcome).toMatchObject({ code: 'SERVICE_TIMEOUT', transient: true });
    expect(clock.next).toBeUndefined();
  });

  test('an AbortSignal ends a call with its reason', async () => {
    const calls = answering(() => new Promise(() => undefined));
    const giveUp = new AbortController();
    const outcome = calls.place({ sku: 'A', quantity: 1 }, { signal: giveUp.signal });
    const reason = new Error('no longer wanted');
    giveUp.abort(reason);
    await expect(outcome).rejects.toBe(reason);
  });
});

test('an operation that takes too long: its signal fires and the caller gets a fault', async () => {
  let given: AbortSignal | undefined;
  const place: Shop['place'] = (_, context) => {
    given = context.signal;
    return new Promise(() => undefined);
  };
  const calls = client(shop, await serving({ ...good, place }, { timeout: 1_000, clock }));
  const outcome = calls.place({ sku: 'A', quantity: 1 }).catch((error: unknown) => error);
  await clock.advance(1_000);
  expect(await outcome).toMatchObject({ code: 'SOAP_FAULT', fault: { code: 'receiver' } });
  expect(given?.aborted).toBe(true);
});

test('a host opens all of its endpoints or none', async () => {
  const elsewhere = new URL('http://127.0.0.1:81/other');
  const endpoint = (url: URL) => ({ binding: via, url, receive: dispatcher(shop, good) });
  await expect(host([endpoint(elsewhere), endpoint(address), endpoint(address)])).rejects.toMatchObject({
    code: 'CHANNEL_ADDRESS_IN_USE',
  });
  const second: Host = await host([endpoint(elsewhere), endpoint(address)]);
  open.push(second);
  expect(second.urls.map(String)).toEqual([elsewhere, address].map(String));
});
