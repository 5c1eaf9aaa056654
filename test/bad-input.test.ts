/**
 * Whatever bad comes in has its own error code, a sentence that says what to do, and the answer that the specification
 * asks for; and nobody else is harmed: beside every case another client's session goes on at the same endpoint.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../src/base/bytes.ts';
import { type Instant, instant, systemClock } from '../src/base/clock.ts';
import { asError, SurewireError } from '../src/base/errors.ts';
import { systemRandom } from '../src/base/random.ts';
import * as surewire from '../src/index.ts';
import { readCreateSequenceResponse } from '../src/reliable/bodies.ts';
import { Protector } from '../src/security/protect.ts';
import { decode } from '../src/soap/codec.ts';
import { encodeEnvelope, header, payload } from '../src/soap/envelope.ts';
import type { QualifiedName } from '../src/soap/errors.ts';
import { Client } from './reliable/peers.ts';
import { idle } from './security/rig.ts';

const { integer, record } = surewire;
const orders = surewire.contract({
  name: 'Orders',
  namespace: 'urn:test:orders',
  operations: { place: surewire.requestReply({ request: record({ n: integer }), reply: record({ n: integer }) }) },
});
const wsrm = surewire.reliable200702.namespace;
const wsa = surewire.addressing200508.namespace;
const soap = surewire.soap12;
const limit = 200_000;

let folder: string;
let pki: string;
let hosted: surewire.Host;
let bystander: surewire.Calls<typeof orders> & surewire.Life;
/** What the service did, whoever asked. */
const heard: number[] = [];
let placed = 0;

const pem = (name: string): Promise<Buffer> => readFile(join(pki, name));
const ca = (): Promise<Buffer> => pem('trust.pem');

async function policyOf(name: string, more: { readonly crl?: boolean } = {}): Promise<surewire.SecurityPolicy> {
  const key = surewire.signingKey({
    privateKey: await pem(`ec/${name}.key.pem`),
    certificate: await pem(`ec/${name}.chain.pem`),
  });
  const lists = [await pem('ec/root.crl.pem'), await pem('ec/intermediate.crl.pem')];
  const trust = surewire.trustChain({
    anchors: await ca(),
    intermediates: await pem('ec/intermediate.cert.pem'),
    ...(more.crl === true ? { revocation: lists } : {}),
  });
  return surewire.x509Signed({ key, trust });
}

async function server(name: string): Promise<surewire.TlsOptions> {
  return { cert: await pem(`ec/${name}.chain.pem`), key: await pem(`ec/${name}.key.pem`) };
}

async function layers(
  signer: string,
  transport: surewire.HttpTransportOptions,
  crl = false,
): Promise<surewire.Binding> {
  const elements = [
    surewire.exchange({ addressing: surewire.addressing200508 }),
    surewire.reliableSession({ retryFloor: 2_000 }),
    surewire.security(await policyOf(signer, { crl })),
  ];
  return surewire.binding(elements, surewire.httpTransport(transport));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-bad-input-'));
  pki = join(folder, 'pki');
  await surewire.developmentPki({ folder: pki, algorithms: ['ec'] });
  const service = surewire.dispatcher(orders, {
    place: ({ n }) => {
      heard.push(n);
      return { n };
    },
  });
  const tls = await server('server');
  const via = await layers('service-signing', { tls, maxReceivedMessageSize: limit }, true);
  hosted = await surewire.host([{ binding: via, url: new URL('https://127.0.0.1:0/orders'), receive: service }]);
  bystander = surewire.client(
    orders,
    surewire.connect(await layers('client-signing', { tls: { ca: await ca() } }), hosted.url),
  );
  await bystander.place({ n: ++placed });
});

afterAll(async () => {
  await bystander.close();
  await hosted.close();
  await rm(folder, { recursive: true, force: true });
});

/** The session beside it goes on: its next message is the next that the service hears, and is answered. */
async function expectUnharmed(): Promise<void> {
  const before = [...heard];
  placed += 1;
  expect(await bystander.place({ n: placed })).toEqual({ n: placed });
  expect(heard).toEqual([...before, placed]);
  expect(heard, 'the service heard nobody else').toEqual(Array.from({ length: placed }, (_, at) => at + 1));
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Codes that the rooms published while it was answered. */
  readonly codes: readonly string[];
}

const contentType = 'application/soap+xml; charset=utf-8';

/** Posts octets to the endpoint under way. */
async function post(body: string | Uint8Array, headers: RequestOptions['headers'] = {}): Promise<Answer> {
  const codes: string[] = [];
  const hear = (of: unknown) => {
    const { code, error } = of as { readonly code?: string; readonly error?: unknown };
    if (code !== undefined) codes.push(code);
    else if (error instanceof SurewireError) codes.push(error.code);
  };
  const topics = ['transport', 'security', 'reliable', 'service'].map((room) => `surewire:${room}`);
  for (const topic of topics) subscribe(topic, hear);
  try {
    const answer = await raw(body, { 'Content-Type': contentType, ...headers });
    return { ...answer, codes };
  } finally {
    for (const topic of topics) unsubscribe(topic, hear);
  }
}

async function raw(body: string | Uint8Array, headers: RequestOptions['headers']): Promise<Omit<Answer, 'codes'>> {
  const agent = new Agent({ ca: await ca(), keepAlive: false });
  return new Promise((resolve, reject) => {
    const asked = httpsRequest(hosted.url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { 'content-type': type = '' } = response.headers;
        resolve({ status: response.statusCode ?? 0, type, text: Buffer.concat(chunks).toString() });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const messageOf = ({ text, type }: Answer): surewire.Message => decode(utf8(text), type);

function faultIn(answer: Answer): surewire.Fault {
  const fault = surewire.faultOf(messageOf(answer));
  if (fault === undefined) throw new Error(`There is no fault in ${answer.text}`);
  return fault;
}

/** A client that says what no surewire client would, signed all right, at the time given. */
async function stranger(
  signer = 'client-signing',
  now: () => Instant = () => systemClock.now(),
): Promise<{
  readonly client: Client;
  readonly ask: (of: surewire.Message) => Promise<Answer>;
}> {
  const protector = new Protector((await policyOf(signer)).outbound, systemRandom);
  const ask = async (of: surewire.Message) => post(encodeEnvelope(await protector.protect(of, now())));
  const end = {
    channel: idle('acceptor', async () => undefined),
    ask: async (of: surewire.Message) => messageOf(await ask(of)),
  };
  const client = new Client(end, surewire.reliable200702, { offer: `urn:uuid:${crypto.randomUUID()}` });
  return { client, ask };
}

const envelope = (body: string, namespace: string = soap.namespace): string =>
  `<s:Envelope xmlns:s="${namespace}"><s:Body>${body}</s:Body></s:Envelope>`;

/** A sentence that says more than that something is wrong. */
const aSentence = /^\S.{20,}[.?]$/s;

interface Refusal {
  readonly code: string;
  readonly status: number;
  readonly fault?: { readonly code: string; readonly subcode?: QualifiedName };
  readonly says?: RegExp;
}

async function expectRefused(answer: Answer, refusal: Refusal): Promise<void> {
  expect(answer.status).toBe(refusal.status);
  expect(answer.codes).toContain(refusal.code);
  if (refusal.fault === undefined) {
    expect(answer.type).toMatch(/^text\/plain/);
    expect(answer.text.trim()).toMatch(refusal.says ?? aSentence);
  } else {
    const fault = faultIn(answer);
    expect(fault).toMatchObject(refusal.fault);
    expect(fault.reason).toMatch(refusal.says ?? aSentence);
  }
  await expectUnharmed();
}

describe('octets that are no message for this endpoint', () => {
  const sender = { code: 'sender' };
  const cases: readonly (readonly [string, () => Promise<Answer>, Refusal])[] = [
    [
      'malformed XML',
      () => post(envelope('<a><b></a>')),
      { code: 'XML_MALFORMED', status: 500, fault: sender, says: /XML/ },
    ],
    [
      'a message that ends in the middle',
      () => post(envelope('<a/>').slice(0, -9)),
      { code: 'XML_MALFORMED', status: 500, fault: sender, says: /XML/ },
    ],
    [
      'octets that are not UTF-8',
      () => post(Buffer.from(envelope('<a>\u00e9</a>'), 'latin1')),
      { code: 'XML_ENCODING', status: 500, fault: sender, says: /XML/ },
    ],
    [
      'the wrong content type',
      () => post(envelope('<a/>'), { 'Content-Type': 'text/html' }),
      { code: 'SOAP_CONTENT_TYPE', status: 415, says: /application\/soap\+xml/ },
    ],
    [
      'a charset that is not supported',
      () => post(envelope('<a/>'), { 'Content-Type': 'application/soap+xml; charset=iso-8859-1' }),
      { code: 'SOAP_CONTENT_TYPE', status: 415, says: /utf-8/i },
    ],
    [
      'a DTD',
      () => post(`<!DOCTYPE a [<!ENTITY b "c">]>${envelope('<a>&b;</a>')}`),
      { code: 'XML_DTD', status: 500, fault: sender, says: /XML/ },
    ],
    [
      'an oversize message that says so',
      () => post(envelope('x'.repeat(limit))),
      { code: 'TRANSPORT_OVERSIZE', status: 413, says: /200000/ },
    ],
    [
      'an oversize message in chunks',
      () => post(envelope('x'.repeat(limit)), { 'Transfer-Encoding': 'chunked' }),
      { code: 'TRANSPORT_OVERSIZE', status: 413, says: /200000/ },
    ],
    [
      'a depth beyond the limit',
      () => post(envelope('<a>'.repeat(300) + '</a>'.repeat(300))),
      { code: 'XML_LIMIT', status: 500, fault: sender, says: /XML/ },
    ],
    [
      'an unknown version of SOAP',
      () => post(envelope('<a/>', 'urn:soap:1.3')),
      { code: 'SOAP_VERSION', status: 500, fault: { code: 'versionMismatch' } },
    ],
    [
      'a message without security',
      () => post(envelope('<a/>')),
      { code: 'SECURITY_MISSING', status: 500, fault: sender },
    ],
  ];
  test.each(cases)('%s', async (_, attack, refusal) => {
    await expectRefused(await attack(), refusal);
  });
});

describe('sequences that are not', () => {
  const fault = (local: string, namespace: string = wsrm) => ({ code: 'sender', subcode: { namespace, local } });
  const numbered = (client: Client, text: string) => {
    const block = `<r:Sequence xmlns:r="${wsrm}"><r:Identifier>${client.id}</r:Identifier><r:MessageNumber>${text}</r:MessageNumber></r:Sequence>`;
    const sequence = header(soap, surewire.XmlFragment.parse(block), { mustUnderstand: true });
    return client.message('urn:test:say', { headers: [sequence] });
  };
  const acknowledged = (client: Client, ranges: string) => {
    const block = `<r:SequenceAcknowledgement xmlns:r="${wsrm}"><r:Identifier>${client.offer}</r:Identifier>${ranges}</r:SequenceAcknowledgement>`;
    return client.numbered(1, { headers: [header(soap, surewire.XmlFragment.parse(block))] });
  };
  const range = (lower: string, upper: string) => `<r:AcknowledgementRange Lower="${lower}" Upper="${upper}"/>`;
  const written = (of: surewire.XmlElement | undefined) =>
    of === undefined ? '' : surewire.XmlFragment.of(of).toString();
  const withReplyTo = (of: surewire.Message) => {
    const { version, action, to } = surewire.addressingOf(of) ?? {};
    if (version === undefined || action === undefined) throw new Error('there is no addressing');
    const replyTo = { address: version.anonymous, parameters: [] };
    return surewire.withAddressing(of, { version, action, to, replyTo });
  };

  const cases: readonly (readonly [string, (client: Client) => surewire.Message, Refusal])[] = [
    [
      'an unknown sequence',
      (client) => client.numbered(1, { id: 'urn:uuid:never' }),
      { code: 'RELIABLE_UNKNOWN_SEQUENCE', status: 500, fault: fault('UnknownSequence') },
    ],
    [
      'an unknown version of WS-RM',
      (client) => {
        const of = client.createMessage();
        const later = (text: string) => text.replaceAll(wsrm, 'urn:wsrm:2.0');
        const { version, to, messageId } = surewire.addressingOf(of) ?? {};
        if (version === undefined) throw new Error('there is no addressing');
        const body = surewire.XmlFragment.parse(later(written(payload(of))));
        return surewire.withAddressing(
          { ...client.message('urn:x', { body }) },
          { version, to, messageId, action: later(of.action) },
        );
      },
      { code: 'RELIABLE_REQUIRED', status: 500, fault: fault('WsrmRequired') },
    ],
    [
      'a message without a sequence',
      (client) => client.message('urn:test:say'),
      { code: 'RELIABLE_REQUIRED', status: 500, fault: fault('WsrmRequired') },
    ],
    [
      'number 0',
      (client) => numbered(client, '0'),
      { code: 'RELIABLE_MALFORMED', status: 500, fault: { code: 'sender' }, says: /MessageNumber.*from 1 on/ },
    ],
    [
      'a number that is none',
      (client) => numbered(client, 'one'),
      { code: 'RELIABLE_MALFORMED', status: 500, fault: { code: 'sender' }, says: /MessageNumber.*from 1 on/ },
    ],
    [
      'a number beyond 2^63−1',
      (client) => numbered(client, '9223372036854775808'),
      { code: 'RELIABLE_ROLLOVER', status: 500, fault: fault('MessageNumberRollover') },
    ],
    [
      'an acknowledgement of what was never sent',
      (client) => acknowledged(client, range('1', '7')),
      { code: 'RELIABLE_INVALID_ACKNOWLEDGEMENT', status: 500, fault: fault('InvalidAcknowledgement') },
    ],
    [
      'ranges that run backwards',
      (client) => acknowledged(client, range('5', '1')),
      { code: 'RELIABLE_INVALID_ACKNOWLEDGEMENT', status: 500, fault: fault('InvalidAcknowledgement') },
    ],
    [
      'ranges that overlap',
      (client) => acknowledged(client, range('1', '1') + range('1', '4')),
      { code: 'RELIABLE_INVALID_ACKNOWLEDGEMENT', status: 500, fault: fault('InvalidAcknowledgement') },
    ],
    [
      'a reply that is wanted, and no MessageID',
      (client) => withReplyTo(client.numbered(1, { messageId: undefined })),
      { code: 'SOAP_ADDRESSING', status: 500, fault: fault('MessageAddressingHeaderRequired', wsa) },
    ],
  ];
  test.each(cases)('%s', async (_, attack, refusal) => {
    const { client, ask } = await stranger();
    client.id = readCreateSequenceResponse(
      surewire.reliable200702,
      messageOf(await ask(client.createMessage({ messageId: `urn:uuid:${crypto.randomUUID()}` }))),
    ).id;
    await expectRefused(await ask(attack(client)), refusal);
  });
});

describe('messages whose signature proves nothing', () => {
  const minutes = (count: number) => (): Instant => instant(systemClock.now() + count * 60_000);
  const cases: readonly (readonly [string, string, () => Instant, string])[] = [
    ['made 20 minutes ago (clock skew)', 'client-signing', minutes(-20), 'SECURITY_TIMESTAMP_EXPIRED'],
    ['made in 20 minutes (clock skew)', 'client-signing', minutes(20), 'SECURITY_TIMESTAMP_FUTURE'],
    ['signed with an expired certificate', 'expired', minutes(0), 'SECURITY_CERTIFICATE_EXPIRED'],
    ['signed with a revoked certificate', 'revoked', minutes(0), 'SECURITY_CERTIFICATE_REVOKED'],
  ];
  test.each(cases)('%s', async (_, signer, now, code) => {
    const { client, ask } = await stranger(signer, now);
    const answer = await ask(client.createMessage());
    await expectRefused(answer, { code, status: 500, fault: { code: 'sender' }, says: /wsse:Security/ });
  });
});

describe('a server that is not what it says', () => {
  const cases: readonly (readonly [string, string, () => Promise<surewire.TlsOptions>, string, RegExp])[] = [
    [
      'the wrong host name',
      'server',
      async () => ({ ca: await ca(), serverName: 'elsewhere.example' }),
      'TRANSPORT_TLS_HOST',
      /for another host: it names DNS:localhost.*tls\.serverName/,
    ],
    ['an expired certificate', 'expired', async () => ({ ca: await ca() }), 'TRANSPORT_TLS_EXPIRED', /expired/],
    [
      'a revoked certificate',
      'revoked',
      async () => ({
        ca: [await ca(), await pem('ec/intermediate.cert.pem')],
        crl: [await pem('ec/root.crl.pem'), await pem('ec/intermediate.crl.pem')],
      }),
      'TRANSPORT_TLS_REVOKED',
      /revo/,
    ],
    ['a certificate of nobody known', 'server', async () => ({}), 'TRANSPORT_TLS_UNTRUSTED', /tls\.ca/],
  ];
  test.each(cases)('%s', async (_, shown, tls, code, says) => {
    const other = surewire.httpTransport({ tls: await server(shown) });
    const at = new URL('https://127.0.0.1:0/');
    const listener = await surewire.listen(surewire.binding([], other), at, async () => undefined);
    const calls = surewire.client(
      orders,
      surewire.connect(await layers('client-signing', { tls: await tls() }), listener.url),
    );
    const error = await calls.place({ n: 0 }).then(() => undefined, asError);
    expect(causes(error)).toContainEqual(expect.objectContaining({ code, message: expect.stringMatching(says) }));
    await listener.close();
    await expectUnharmed();
  });
});

/** An error of ours with those that caused it. */
function causes(error: Error | undefined): readonly { readonly code: string; readonly message: string }[] {
  if (!(error instanceof SurewireError)) return [];
  return [{ code: error.code, message: error.message }, ...causes(error.cause as Error | undefined)];
}

describe('what cannot be started', () => {
  const failing = async (work: () => unknown): Promise<Error | undefined> => {
    try {
      await work();
      return undefined;
    } catch (thrown) {
      return asError(thrown);
    }
  };
  const listening = (url: URL, tls: surewire.TlsOptions) => () =>
    surewire.listen(surewire.binding([], surewire.httpTransport({ tls })), url, async () => undefined);
  const cases: readonly (readonly [string, () => Promise<Error | undefined>, string, RegExp])[] = [
    [
      'a busy port',
      async () => failing(listening(hosted.url, await server('server'))),
      'TRANSPORT_PORT_BUSY',
      /another port|port 0|other/i,
    ],
    [
      'a key of TLS that is none',
      async () =>
        failing(listening(new URL('https://127.0.0.1:0/'), { ...(await server('server')), key: 'not a key' })),
      'TRANSPORT_KEY',
      /key/,
    ],
    [
      'a key of TLS for another certificate',
      async () => {
        const key = await pem('ec/alice.key.pem');
        return failing(listening(new URL('https://127.0.0.1:0/'), { ...(await server('server')), key }));
      },
      'TRANSPORT_KEY',
      /key/,
    ],
    [
      'a signing key that is none',
      async () => {
        const certificate = await pem('ec/client-signing.cert.pem');
        return failing(() => surewire.signingKey({ privateKey: 'not a key', certificate }));
      },
      'SECURITY_KEY',
      /key/,
    ],
    [
      'a store in a folder that is not there',
      () => failing(() => opened(join(folder, 'nowhere', 'sessions.db'))),
      'STORE_UNWRITABLE',
      /nowhere/,
    ],
    [
      'a store that is a folder',
      async () => {
        await mkdir(join(folder, 'a folder'), { recursive: true });
        return failing(() => opened(join(folder, 'a folder')));
      },
      'STORE_UNWRITABLE',
      /a folder/,
    ],
    [
      'a store that is another file',
      async () => {
        await writeFile(join(folder, 'letter.db'), 'Dear Sir or Madam, this is no database. '.repeat(100));
        return failing(() => opened(join(folder, 'letter.db')));
      },
      'STORE_CORRUPT',
      /letter\.db/,
    ],
  ];
  const opened = async (file: string) => {
    const store = surewire.sqlite(file);
    await store.sessions();
  };
  test.each(cases)('%s', async (_, attempt, code, says) => {
    const error = await attempt();
    expect(error).toMatchObject({ code });
    expect(error?.message).toMatch(says);
    expect(error?.message).toMatch(aSentence);
    await expectUnharmed();
  });
});

test('a store that cannot be written any more: the call says so, others go on', async () => {
  const broken: surewire.SessionStore = {
    sessions: async () => [],
    async *messages() {
      yield* [];
    },
    message: async () => undefined,
    close: async () => undefined,
    commit: async () => {
      throw new surewire.StoreError('STORE_UNWRITABLE', 'The disk is gone. Bring it back.');
    },
  };
  const session = surewire.reliableSession({ store: broken, label: 'x', to: hosted.url });
  const elements = [
    surewire.exchange({ addressing: surewire.addressing200508 }),
    session,
    surewire.security(await policyOf('client-signing')),
  ];
  const via = surewire.binding(elements, surewire.httpTransport({ tls: { ca: await ca() } }));
  const calls = surewire.client(orders, surewire.connect(via, hosted.url));
  const error = await calls.place({ n: 0 }).then(() => undefined, asError);
  expect(causes(error).at(0)?.code).toBe('RELIABLE_STORE');
  expect(causes(error).at(-1)).toEqual({ code: 'STORE_UNWRITABLE', message: 'The disk is gone. Bring it back.' });
  await expectUnharmed();
});
