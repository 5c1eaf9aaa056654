/** A host tells what it is: `?wsdl` and WS-MetadataExchange, over real connections, read back into a binding that works. */
import { request } from 'node:https';
import { describe, expect, test } from 'vitest';
import type { SystemBinding } from '../../src/binding/assemble.ts';
import { basicHttp, netHttp, ws2007Http } from '../../src/binding/bindings.ts';
import { noSecurity, transportWithMessageCredential } from '../../src/binding/security.ts';
import { binding, connect } from '../../src/channel/binding.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { bindingFromWsdl } from '../../src/metadata/import.ts';
import { publish } from '../../src/metadata/publish.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { type Host, host } from '../../src/service/host.ts';
import { withAddressing } from '../../src/soap/addressing.ts';
import { type AddressingVersion, addressing200408, addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { type SoapVersion, soap11, soap12 } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { alice, calling, orders, passwords, tls } from '../binding/rig.ts';

const password = (more: object) =>
  transportWithMessageCredential({ clientCredentialType: 'UserName', establishSecurityContext: false, ...more });

function published(via: SystemBinding, at: string, address?: URL): Promise<Host> {
  const receive = dispatcher(orders, { place: ({ quantity }) => ({ number: quantity }), cancel: () => undefined });
  const publication = publish(via, orders, address === undefined ? {} : { address });
  return host([{ binding: via, url: new URL(at), receive, publication }]);
}

const mex = 'http://schemas.xmlsoap.org/ws/2004/09/mex';
const get = 'http://schemas.xmlsoap.org/ws/2004/09/transfer/Get';

async function asked(
  at: URL,
  action: string,
  soap: SoapVersion,
  addressing: AddressingVersion,
  body?: XmlWriter,
  replyTo?: string,
) {
  const channel = connect(binding([], httpTransport()), new URL(`${at.pathname}/mex`, at));
  await channel.open();
  const question = message({ version: soap, action, body: body === undefined ? [] : [body.end().finish()] });
  const reply = { address: replyTo ?? addressing.anonymous, parameters: [] };
  const addressed = withAddressing(question, {
    version: addressing,
    action,
    to: at.href,
    messageId: 'urn:uuid:1',
    replyTo: reply,
  });
  const answer = await channel.send(delivery(addressed));
  await channel.close();
  return answer?.message;
}

describe('?wsdl', () => {
  test('of a service with passwords over TLS makes a client that calls it', async () => {
    const via = ws2007Http({ security: password({ passwords }), tls: tls.service });
    await using hosted = await published(via, 'https://127.0.0.1:0/orders');
    const read = await bindingFromWsdl(`${hosted.url}?wsdl`, 'OrdersPort', { username: alice, tls: tls.client });
    expect(read.address).toEqual(hosted.url);
    await using calls = calling(read, hosted.url);
    expect(await calls.place({ sku: 'A-1', quantity: 5, tags: [] })).toEqual({ number: 5 });
  });

  test('of a service with a context and a reliable session over TLS makes a client that calls it', async () => {
    const settings = { clientCredentialType: 'UserName', algorithmSuite: 'Basic256Sha256' } as const;
    const security = transportWithMessageCredential({ ...settings, passwords });
    await using hosted = await published(
      ws2007Http({ security, reliableSession: true, tls: tls.service }),
      'https://127.0.0.1:0/orders',
    );
    const read = await bindingFromWsdl(`${hosted.url}?wsdl`, undefined, { username: alice, tls: tls.client });
    expect(read.elements.map(({ place }) => place)).toEqual(['exchange', 'session', 'conversation']);
    await using calls = calling(read, hosted.url);
    expect(await calls.place({ sku: 'A-1', quantity: 6, tags: [] })).toEqual({ number: 6 });
  });

  test('over WebSocket stands at the same port', async () => {
    const via = netHttp({ messageEncoding: 'Text', webSocketTransportUsage: 'Always' });
    await using hosted = await published(via, 'ws://127.0.0.1:0/orders');
    const read = await bindingFromWsdl(`${hosted.url.href.replace('ws:', 'http:')}?wsdl`, undefined);
    expect(read.description.transport.kind).toBe('websocket');
    await using calls = calling(read, hosted.url);
    expect(await calls.place({ sku: 'A-1', quantity: 7, tags: [] })).toEqual({ number: 7 });
  });

  test('attack: the Host header does not become the address', async () => {
    await using hosted = await published(
      ws2007Http({ security: password({ passwords }), tls: tls.service }),
      'https://127.0.0.1:0/orders',
    );
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const options = { ca: tls.client.ca as string, headers: { host: 'evil.example' }, servername: 'localhost' };
    request(`${hosted.url}?wsdl`, options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
    const text = await promise;
    expect(text).toContain(`location="${hosted.url.href}"`);
    expect(text).not.toContain('evil');
  });

  test('is not told unless it is published, nor under other queries', async () => {
    const via = basicHttp();
    const receive = dispatcher(orders, { place: () => ({ number: 1 }), cancel: () => undefined });
    await using silent = await host([{ binding: via, url: new URL('http://127.0.0.1:0/orders'), receive }]);
    expect((await fetch(`${silent.url}?wsdl`)).status).toBe(405);
    expect(
      (await fetch(`${silent.url}/mex`, { method: 'POST', headers: { 'content-type': 'text/xml' }, body: '<a/>' }))
        .status,
    ).toBe(404);
    await using telling = await published(basicHttp(), 'http://127.0.0.1:0/orders');
    expect((await fetch(`${telling.url}?WSDL`)).status).toBe(200);
    expect((await fetch(`${telling.url}?singleWsdl`, { method: 'HEAD' })).headers.get('content-length')).toMatch(
      /^\d{4}$/,
    );
    for (const query of ['', '?', '?wsdl=1', '?disco'])
      expect((await fetch(`${telling.url}${query}`)).status).toBe(405);
    expect((await fetch(new URL('/other?wsdl', telling.url))).status).toBe(404);
  });

  test('an address that nobody can connect to is not published', async () => {
    await expect(published(basicHttp(), 'http://0.0.0.0:0/orders')).rejects.toMatchObject({ code: 'METADATA_CHOICE' });
    await using hosted = await published(basicHttp(), 'http://0.0.0.0:0/orders', new URL('http://orders.example/soap'));
    const text = await (await fetch(`http://127.0.0.1:${hosted.url.port}/orders?wsdl`)).text();
    expect(text).toContain('location="http://orders.example/soap"');
  });
});

describe('WS-MetadataExchange', () => {
  test.each([
    [soap12, addressing200508, get],
    [soap12, addressing200408, get],
    [soap11, addressing200508, `${mex}/GetMetadata/Request`],
  ] as const)('SOAP $name is answered in kind', async (soap, addressing, action) => {
    await using hosted = await published(basicHttp(), 'http://127.0.0.1:0/orders');
    const answer = await asked(hosted.url, action, soap, addressing);
    const metadata = answer && payload(answer);
    expect(answer?.version).toBe(soap);
    expect(metadata?.is(mex, 'Metadata')).toBe(true);
    const [section] = metadata?.children ?? [];
    expect(section?.attribute('Dialect')).toBe('http://schemas.xmlsoap.org/wsdl/');
    expect(section?.children[0]?.local).toBe('definitions');
  });

  test('what is asked for in another dialect is not there', async () => {
    await using hosted = await published(basicHttp(), 'http://127.0.0.1:0/orders');
    const question = new XmlWriter()
      .start(mex, 'GetMetadata', 'mex')
      .element(mex, 'Dialect', 'http://www.w3.org/2001/XMLSchema', 'mex');
    const answer = await asked(hosted.url, `${mex}/GetMetadata/Request`, soap12, addressing200508, question);
    expect((answer && payload(answer))?.children).toEqual([]);
  });

  test('another action, and an answer that is wanted elsewhere, are refused', async () => {
    await using hosted = await published(ws2007Http({ security: noSecurity }), 'http://127.0.0.1:0/orders');
    const other = await asked(hosted.url, 'urn:example:orders/Orders/Place', soap12, addressing200508);
    expect(other && faultOf(other)?.subcode?.local).toBe('ActionNotSupported');
    const elsewhere = await asked(hosted.url, get, soap12, addressing200508, undefined, 'http://evil.example/');
    expect(elsewhere && faultOf(elsewhere)?.subsubcode?.local).toBe('OnlyAnonymousAddressSupported');
  });
});
