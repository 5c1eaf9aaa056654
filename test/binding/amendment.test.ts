/** Contexts of the system-provided bindings that are amended, over real connections and through the public face alone. */
import { describe, expect, test } from 'vitest';
import {
  type AddedEvidence,
  amendContext,
  type BindingOptions,
  client,
  connect,
  dispatcher,
  evidence,
  host,
  messageSecurity,
  transportWithMessageCredential,
  trustPeers,
  usernameOverTransport,
  ws2007Http,
} from '../../src/index.ts';
import { describeWsdl } from '../../src/metadata/import.ts';
import { publish } from '../../src/metadata/publish.ts';
import { issue } from '../security/pki.ts';
import { alice, orders, passwords, tls } from './rig.ts';

const [service, caller] = await Promise.all([
  issue({ name: 'service', kind: 'rsa' }),
  issue({ name: 'caller', kind: 'rsa' }),
]);
const trust = trustPeers(caller.certificate);
const common = { clientCredentialType: 'Certificate', algorithmSuite: 'Basic256Sha256' } as const;
const inMessages = { ...common, negotiateServiceCredential: false } as const;
const amendment = usernameOverTransport({ passwords });

type Ends = readonly [name: string, scheme: string, service: BindingOptions, client: BindingOptions];
const ends: readonly Ends[] = [
  [
    'TLS',
    'https',
    { security: transportWithMessageCredential({ ...common, trust }), tls: tls.service },
    { security: transportWithMessageCredential({ ...common, key: caller.key() }), tls: tls.client },
  ],
  [
    'certificates in the messages',
    'http',
    { security: messageSecurity({ ...inMessages, key: service.key(), trust }) },
    { security: messageSecurity({ ...inMessages, key: caller.key(), peer: service.certificate }) },
  ],
];

describe.each(ends)('a context over %s', (_, scheme, ours, theirs) => {
  test.each([false, true])('stands for a user as well once its password was shown, reliable: %s', async (reliable) => {
    const heard: (readonly AddedEvidence[])[] = [];
    const receive = dispatcher(orders, {
      place: ({ quantity }, { delivery }) => {
        heard.push(delivery.get(evidence)?.added ?? []);
        return { number: quantity };
      },
      cancel: () => undefined,
    });
    const via = ws2007Http({ ...ours, reliableSession: reliable, amendment });
    await using hosted = await host([{ binding: via, url: new URL(`${scheme}://127.0.0.1:0/orders`), receive }]);
    const channel = connect(ws2007Http({ ...theirs, reliableSession: reliable }), hosted.url);
    await using calls = client(orders, channel);
    // Nothing was sent, and there is no context yet.
    await amendContext(channel, usernameOverTransport({ username: alice }));
    expect(await calls.place({ sku: 'A-1', quantity: 1, tags: [] })).toEqual({ number: 1 });
    const guessed = usernameOverTransport({ username: { ...alice, password: 'guessed' } });
    await expect(amendContext(channel, guessed)).rejects.toThrow(
      expect.objectContaining({ code: 'SECURITY_UNSECURED_FAULT' }),
    );
    expect(await calls.place({ sku: 'A-1', quantity: 2, tags: [] })).toEqual({ number: 2 });
    const names = heard.map((added) => added.map(({ user }) => user?.name));
    expect(names).toEqual([['alice'], ['alice']]);
  });
});

test.each([true, false])('what is published of a context says whether it is amended: %s', async (isAmended) => {
  const receive = dispatcher(orders, { place: () => ({ number: 1 }), cancel: () => undefined });
  const security = transportWithMessageCredential({ ...common, trust });
  const via = ws2007Http({ security, tls: tls.service, ...(isAmended ? { amendment } : {}) });
  const url = new URL('https://127.0.0.1:0/orders');
  await using hosted = await host([{ binding: via, url, receive, publication: publish(via, orders) }]);
  const read = await describeWsdl(`${hosted.url}?wsdl`, undefined, { tls: tls.client });
  expect(read.description.security?.amendment).toBe(isAmended);
});

test('where there is no context, there is nothing to amend', async () => {
  const security = transportWithMessageCredential({ ...common, trust, establishSecurityContext: false });
  expect(() => ws2007Http({ security, amendment })).toThrow(expect.objectContaining({ code: 'BINDING_RULE' }));
  const channel = connect(
    ws2007Http({
      security: transportWithMessageCredential({ ...common, key: caller.key(), establishSecurityContext: false }),
    }),
    new URL('https://127.0.0.1:1/'),
  );
  await expect(amendContext(channel, amendment)).rejects.toThrow(
    expect.objectContaining({ code: 'CONVERSATION_SETTING' }),
  );
});
