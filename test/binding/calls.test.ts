/** Calls over the system-provided bindings, with what each puts on the wire. */
import { describe, expect, test } from 'vitest';
import { later, VirtualClock } from '../../src/base/clock.ts';
import type { SystemBinding } from '../../src/binding/assemble.ts';
import {
  basicHttp,
  basicHttps,
  netHttp,
  netHttps,
  ws2007Http,
  wsDualHttp,
  wsHttp,
} from '../../src/binding/bindings.ts';
import { customBinding } from '../../src/binding/custom.ts';
import {
  messageSecurity,
  noSecurity,
  transportSecurity,
  transportWithMessageCredential,
} from '../../src/binding/security.ts';
import { messageSecurity11Trust13 } from '../../src/binding/security-versions.ts';
import { connect } from '../../src/channel/binding.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { client } from '../../src/service/client.ts';
import { host } from '../../src/service/host.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { issue } from '../security/pki.ts';
import { alice, calling, known, orders, passwords, served, tls } from './rig.ts';

const root = await issue({ name: 'messages', kind: 'rsa', ca: true });
const [service, caller] = await Promise.all(
  ['service', 'caller'].map((name) => issue({ name, kind: 'rsa', keyUsage: 0xa0 }, root)),
);
if (service === undefined || caller === undefined) throw new Error('There are two.');

const overTls = (more: object) =>
  transportWithMessageCredential({ clientCredentialType: 'UserName', establishSecurityContext: false, ...more });
const mutual = (own: typeof service, other: typeof service) =>
  messageSecurity({
    clientCredentialType: 'Certificate',
    negotiateServiceCredential: false,
    establishSecurityContext: false,
    algorithmSuite: 'Basic256Sha256',
    key: own.key(),
    peer: other.certificate.der,
  });
/** A context, bootstrapped with a password over TLS or with certificates in the messages. */
const context = (more: object) =>
  transportWithMessageCredential({ clientCredentialType: 'UserName', algorithmSuite: 'Basic256Sha256', ...more });
const contextOf = (own: typeof service, other: typeof service) =>
  messageSecurity({
    clientCredentialType: 'Certificate',
    negotiateServiceCredential: false,
    algorithmSuite: 'Basic256Sha256',
    key: own.key(),
    peer: other.certificate.der,
  });
const certificateOverTls = {
  clientCredentialType: 'Certificate',
  establishSecurityContext: false,
  algorithmSuite: 'Basic256Sha256',
} as const;
const trust = { known: [caller.certificate], accept: () => undefined };
const plain = { security: noSecurity } as const;
const https = { security: transportSecurity({ clientCredentialType: 'None' }) };
const shown = { security: transportSecurity({ clientCredentialType: 'Certificate' }) };

type Pair = readonly [service: SystemBinding, client: SystemBinding];
const pairs: readonly (readonly [name: string, scheme: string, make: () => Pair])[] = [
  ['basicHttp', 'http', () => [basicHttp(), basicHttp()]],
  [
    'wsDualHttp',
    'http',
    () => [
      wsDualHttp({ ...plain, replyHosts: ['127.0.0.1'] }),
      wsDualHttp({ ...plain, callbackAddress: new URL('http://127.0.0.1:0/callback') }),
    ],
  ],
  ...(['None', 'UserName', 'Certificate'] as const).map((type): (typeof pairs)[number] => [
    `wsDualHttp with a context in the messages after ${type}`,
    'http',
    () => {
      const common = {
        clientCredentialType: type,
        negotiateServiceCredential: false,
        algorithmSuite: 'Basic256Sha256',
      } as const;
      const [ours, theirs] = {
        None: [{}, {}],
        UserName: [{ passwords }, { username: alice }],
        Certificate: [{ peer: caller.certificate.der }, { key: caller.key() }],
      }[type];
      return [
        wsDualHttp({
          security: messageSecurity({ ...common, key: service.key(), ...ours }),
          replyHosts: ['127.0.0.1'],
        }),
        wsDualHttp({
          security: messageSecurity({ ...common, peer: service.certificate.der, ...theirs }),
          callbackAddress: new URL('http://127.0.0.1:0/callback'),
        }),
      ];
    },
  ]),
  ['basicHttps', 'https', () => [basicHttps({ tls: tls.service }), basicHttps({ tls: tls.client })]],
  ['wsHttp None', 'http', () => [wsHttp(plain), wsHttp(plain)]],
  [
    'wsHttp None with a reliable session',
    'http',
    () => [wsHttp({ ...plain, reliableSession: true }), wsHttp({ ...plain, reliableSession: true })],
  ],
  [
    'ws2007Http Transport',
    'https',
    () => [ws2007Http({ ...https, tls: tls.service }), ws2007Http({ ...https, tls: tls.client })],
  ],
  [
    'ws2007Http Transport with client certificates',
    'https',
    () => [ws2007Http({ ...shown, tls: tls.service }), ws2007Http({ ...shown, tls: known })],
  ],
  [
    'ws2007Http with passwords over TLS',
    'https',
    () => [
      ws2007Http({ security: overTls({ passwords }), tls: tls.service }),
      ws2007Http({ security: overTls({ username: alice }), tls: tls.client }),
    ],
  ],
  ...(
    [
      ['wsHttp', wsHttp],
      ['ws2007Http', ws2007Http],
    ] as const
  ).flatMap(([name, make]): (readonly [string, string, () => Pair])[] => [
    [
      `${name} with a context over TLS, reliable`,
      'https',
      () => [
        make({ security: context({ passwords }), reliableSession: true, tls: tls.service }),
        make({ security: context({ username: alice }), reliableSession: true, tls: tls.client }),
      ],
    ],
    [
      `${name} with a context in the messages, reliable`,
      'http',
      () => [
        make({ security: contextOf(service, caller), reliableSession: { ordered: false } }),
        make({ security: contextOf(caller, service), reliableSession: { ordered: false } }),
      ],
    ],
  ]),
  [
    'wsHttp with certificates over TLS',
    'https',
    () => [
      wsHttp({ security: transportWithMessageCredential({ ...certificateOverTls, trust }), tls: tls.service }),
      wsHttp({
        security: transportWithMessageCredential({ ...certificateOverTls, key: caller.key() }),
        tls: tls.client,
      }),
    ],
  ],
  [
    'ws2007Http with mutual certificates',
    'http',
    () => [ws2007Http({ security: mutual(service, caller) }), ws2007Http({ security: mutual(caller, service) })],
  ],
  [
    'basicHttp with mutual certificates',
    'http',
    () => [basicHttp({ security: mutual(service, caller) }), basicHttp({ security: mutual(caller, service) })],
  ],
  [
    'basicHttp with certificates that sign only',
    'http',
    () => [
      basicHttp({
        security: {
          ...mutual(service, caller),
          message: { ...mutual(service, caller).message, protectionLevel: 'Sign' },
        },
      }),
      basicHttp({
        security: {
          ...mutual(caller, service),
          message: { ...mutual(caller, service).message, protectionLevel: 'Sign' },
        },
      }),
    ],
  ],
  [
    'customBinding: a reliable session whose answers are fetched',
    'https',
    () => {
      const elements = [
        { kind: 'reliableSession', version: reliable200702 },
        { kind: 'makeConnection' },
        { kind: 'httpsTransport' },
      ] as const;
      return [customBinding(elements, { tls: tls.service }), customBinding(elements, { tls: tls.client })];
    },
  ],
  [
    'customBinding: a context in the messages, whose answers are fetched',
    'http',
    () => {
      const via = (end: object) =>
        customBinding(
          [
            { kind: 'reliableSession', version: reliable200702 },
            {
              kind: 'security',
              authenticationMode: 'SecureConversation',
              defaultAlgorithmSuite: 'Basic256Sha256',
              messageSecurityVersion: messageSecurity11Trust13,
              secureConversationBootstrap: {
                authenticationMode: 'AnonymousForCertificate',
                defaultAlgorithmSuite: 'Basic256Sha256',
              },
            },
            { kind: 'makeConnection' },
            { kind: 'httpTransport' },
          ],
          end,
        );
      return [via({ key: service.key() }), via({ peer: service.certificate.der })];
    },
  ],
  [
    'customBinding: a context over WebSocket with TLS, reliable',
    'wss',
    () => {
      const via = (end: object) =>
        customBinding(
          [
            { kind: 'reliableSession' },
            {
              kind: 'security',
              authenticationMode: 'SecureConversation',
              defaultAlgorithmSuite: 'Basic256Sha256',
              secureConversationBootstrap: { authenticationMode: 'UserNameOverTransport' },
            },
            { kind: 'httpsTransport', webSocket: true },
          ],
          end,
        );
      return [via({ passwords, tls: tls.service }), via({ username: alice, tls: tls.client })];
    },
  ],
  [
    'netHttp over WebSocket, reliable',
    'ws',
    () => {
      const options = { messageEncoding: 'Text', webSocketTransportUsage: 'Always', reliableSession: true } as const;
      return [netHttp(options), netHttp(options)];
    },
  ],
  [
    'netHttps',
    'https',
    () => [
      netHttps({ messageEncoding: 'Text', tls: tls.service }),
      netHttps({ messageEncoding: 'Text', tls: tls.client }),
    ],
  ],
  [
    'customBinding: a reliable session over HTTPS',
    'https',
    () => {
      const elements = [{ kind: 'reliableSession' }, { kind: 'httpsTransport' }] as const;
      return [customBinding(elements, { tls: tls.service }), customBinding(elements, { tls: tls.client })];
    },
  ],
];

describe('system-provided bindings', () => {
  test.each(pairs)('%s', async (_, scheme, make) => {
    const [here, there] = make();
    await using hosted = await served(here, `${scheme}://127.0.0.1:0/orders`);
    await using calls = calling(there, hosted.url);
    expect(await calls.place({ sku: 'A-1', quantity: 2, tags: [] })).toEqual({ number: 1_002 });
    await calls.cancel({ number: 1_002 });
  });

  test('the client speaks the SOAP version of its binding, and the service no other', async () => {
    expect([basicHttp().soap, wsHttp(plain).soap]).toEqual([soap11, soap12]);
    await using hosted = await served(basicHttp(), 'http://127.0.0.1:0/orders');
    await using other = client(orders, connect(basicHttp(), hosted.url), { version: soap12 });
    await expect(other.place({ sku: 'A-1', quantity: 2, tags: [] })).rejects.toThrow(/SOAP 1.1 is spoken here/);
  });

  test('a wrong password, a client without a certificate: nobody gets in', async () => {
    await using hosted = await served(
      ws2007Http({ security: overTls({ passwords }), tls: tls.service }),
      'https://127.0.0.1:0/orders',
    );
    const wrong = ws2007Http({ security: overTls({ username: { ...alice, password: 'guess' } }), tls: tls.client });
    await using stranger = calling(wrong, hosted.url);
    await expect(stranger.place({ sku: 'A-1', quantity: 2, tags: [] })).rejects.toThrow();
    await using guarded = await served(ws2007Http({ ...shown, tls: tls.service }), 'https://127.0.0.1:0/orders');
    expect(() => ws2007Http({ ...shown, tls: tls.client })).toThrow(/cert and key, or pfx/);
    await using nobody = calling(ws2007Http({ ...https, tls: tls.client }), guarded.url);
    await expect(nobody.place({ sku: 'A-1', quantity: 2, tags: [] })).rejects.toThrow();
  });
});

describe.each([false, true])('over WebSocket with TLS, credentials and no context, reliable: %s', (isReliable) => {
  const over = (authenticationMode: 'UserNameOverTransport' | 'CertificateOverTransport', end: object) =>
    customBinding(
      [
        ...(isReliable ? [{ kind: 'reliableSession', version: reliable200702 } as const] : []),
        { kind: 'security', authenticationMode, defaultAlgorithmSuite: 'Basic256Sha256' },
        { kind: 'httpsTransport', webSocket: true },
      ],
      end,
    );
  const order = { sku: 'A-1', quantity: 2, tags: [] };
  const user = (end: object) => over('UserNameOverTransport', end);
  const certificate = (end: object) => over('CertificateOverTransport', end);

  test('a user name, and a wrong password is told at once', async () => {
    await using hosted = await served(user({ passwords, tls: tls.service }), 'wss://127.0.0.1:0/orders');
    const guess = { ...alice, password: 'guess' };
    const wrong = calling(user({ username: guess, tls: tls.client }), hosted.url);
    const refused = { code: 'SECURITY_UNSECURED_FAULT' };
    await expect(wrong.place(order)).rejects.toMatchObject(
      isReliable ? { code: 'RELIABLE_REFUSED', cause: refused } : refused,
    );
    wrong.abort(new Error('refused'));
    const calls = calling(user({ username: alice, tls: tls.client }), hosted.url);
    expect(await calls.place(order)).toEqual({ number: 1_002 });
    await calls.close();
  });

  test('a certificate, whose answers to the service are endorsed for it too', async () => {
    const trust = trustPeers(caller.certificate);
    await using hosted = await served(certificate({ trust, tls: tls.service }), 'wss://127.0.0.1:0/orders');
    const calls = calling(certificate({ key: caller.key(), tls: tls.client }), hosted.url);
    expect(await calls.place(order)).toEqual({ number: 1_002 });
    await calls.close();
  });
});

test('receiveTimeout of a binding ends an idle session', async () => {
  const clock = new VirtualClock();
  const via = (receiveTimeout?: number) =>
    wsHttp({
      security: noSecurity,
      reliableSession: true,
      clock,
      ...(receiveTimeout === undefined ? {} : { receiveTimeout }),
    });
  const listening = await served(via(60_000), 'http://127.0.0.1:0/orders');
  const calls = calling(via(), listening.url);
  const order = { sku: 'A-1', quantity: 1, tags: [] };
  expect(await calls.place(order)).toEqual({ number: 1_001 });
  await clock.advance(59_999);
  expect(await calls.place(order)).toEqual({ number: 1_001 });
  await clock.advance(60_000);
  await expect(calls.place(order)).rejects.toMatchObject({ code: 'RELIABLE_UNKNOWN_SEQUENCE' });
  await listening.close();
});

test.each([
  ['without a reliable session the connection', false],
  ['with one the session, which outlives connections,', true],
] as const)('over WebSocket receiveTimeout of a binding ends %s', async (_, reliableSession) => {
  const [ours, serving] = [new VirtualClock(), new VirtualClock()];
  const via = (more: object) =>
    netHttp({
      security: noSecurity,
      messageEncoding: 'Text',
      webSocketTransportUsage: 'Always',
      reliableSession,
      ...more,
    });
  // Before the first ping, which is answered in the time of the sockets.
  const receiveTimeout = 20_000;
  const listening = await served(via({ clock: serving, receiveTimeout }), 'ws://127.0.0.1:0/orders');
  const channel = connect(via({ clock: ours }), listening.url);
  const calls = client(orders, channel, { clock: ours });
  const order = { sku: 'A-1', quantity: 1, tags: [] };
  expect(await calls.place(order)).toEqual({ number: 1_001 });
  const idle = later(serving.now(), receiveTimeout);
  // The client acknowledges the answer after a while, and the service waits for nothing else then.
  const waits = async () => {
    await ours.advance(10);
    return serving.next;
  };
  await expect.poll(waits).toBe(idle);
  await serving.advance(receiveTimeout);
  const code = reliableSession ? 'RELIABLE_TERMINATED' : 'TRANSPORT_BROKEN';
  expect(await channel.closed).toMatchObject({ code });
  await listening.close();
});

test('sendTimeout of a binding bounds a call', async () => {
  const clock = new VirtualClock();
  const via = wsHttp({ security: noSecurity, reliableSession: true, clock, sendTimeout: 5_000 });
  const listening = await host([
    { binding: via, url: new URL('http://127.0.0.1:0/orders'), receive: () => new Promise(() => undefined) },
  ]);
  const calls = client(orders, connect(via, listening.url), { clock });
  await calls.open();
  const began = clock.now();
  const outcome = calls.place({ sku: 'A-1', quantity: 1, tags: [] }).catch((thrown: unknown) => thrown);
  await clock.advance(4_999);
  expect(await Promise.race([outcome, 'not yet'])).toBe('not yet');
  await clock.advance(1);
  expect(await outcome).toMatchObject({ code: 'SERVICE_TIMEOUT' });
  expect(clock.now() - began).toBe(5_000);
  calls.abort(new Error('the test is over'));
  await listening.close(AbortSignal.abort(new Error('the test is over')));
});
