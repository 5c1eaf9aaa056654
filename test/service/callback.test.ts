/** Callback contracts: a service calls its client back over a duplex channel, with and without a reliable session. */
import { describe, expect, test } from 'vitest';
import { binding, connect } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { callbackClient } from '../../src/service/callback.ts';
import { client } from '../../src/service/client.ts';
import { contract, oneWay, requestReply } from '../../src/service/contract.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { host } from '../../src/service/host.ts';
import { record, text } from '../../src/service/shape.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';

const namespace = 'urn:surewire:test:callback';
const shop = contract({
  name: 'Shop',
  namespace,
  operations: {
    order: requestReply({ request: record({ sku: text }), reply: record({ said: text }) }),
    watch: oneWay({ request: record({ name: text }) }),
  },
});
const customer = contract({
  name: 'Customer',
  namespace,
  operations: {
    confirm: requestReply({ request: record({ sku: text }), reply: record({ answer: text }) }),
    news: oneWay({ request: record({ text }) }),
  },
});

const url = new URL('http://127.0.0.1:0/shop');

describe.each([
  ['over a duplex channel alone', () => []],
  ['over a reliable duplex session', () => [reliableSession()]],
])('%s', (_, session) => {
  const bound = (transport = loopback({ duplex: true })) =>
    binding([exchange({ addressing: addressing200508 }), ...session()], transport);

  test('a handler asks its caller before it answers, and keeps the way back for later', async () => {
    const via = bound();
    const watchers: ((said: string) => Promise<unknown>)[] = [];
    const service = dispatcher(shop, {
      async order({ sku }, call) {
        const { answer } = await callbackClient(customer, call).confirm({ sku });
        return { said: `${sku}: ${answer}` };
      },
      watch({ name }, call) {
        const back = callbackClient(customer, call);
        watchers.push((said) => back.news({ text: `${name}: ${said}` }));
      },
    });
    const served = await host([{ binding: via, url, receive: service }]);
    const people = ['alice', 'bob'].map((name) => {
      const heard: string[] = [];
      const own = dispatcher(customer, {
        confirm: ({ sku }) => ({ answer: `${name} wants ${sku}` }),
        news: ({ text: said }) => {
          heard.push(said);
        },
      });
      return { name, heard, calls: client(shop, connect(via, served.url, own)) };
    });
    for (const { name, calls } of people) {
      expect(await calls.order({ sku: 'A-1' })).toEqual({ said: `A-1: ${name} wants A-1` });
      await calls.watch({ name });
    }
    await expect.poll(() => watchers.length).toBe(2);
    await Promise.all(watchers.map((tell) => tell('sold out')));
    await expect.poll(() => people.map(({ heard }) => heard)).toEqual([['alice: sold out'], ['bob: sold out']]);
    for (const { calls } of people) await calls.close();
    await served.close();
  });

  test('over HTTP-like channels there is no way back, and the caller hears a fault', async () => {
    const via = binding(
      [exchange({ addressing: addressing200508 }), ...session()],
      loopback({ network: new Network() }),
    );
    const service = dispatcher(shop, {
      order: async (_, call) => ({ said: (await callbackClient(customer, call).confirm({ sku: 'x' })).answer }),
      watch: () => undefined,
    });
    const served = await host([{ binding: via, url, receive: service }]);
    const calls = client(shop, connect(via, served.url));
    await expect(calls.order({ sku: 'A-1' })).rejects.toMatchObject({ code: 'SOAP_FAULT' });
    await calls.close();
    await served.close();
  });
});
