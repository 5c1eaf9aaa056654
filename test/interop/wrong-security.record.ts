/**
 * Records what goes wrong with peers that are asked about security, tokens and metadata, for the rows that are false:
 * `npm run interop -- --record`. Each has to fail; what went over the wire, or what the program said, is kept in
 * test/interop/transcripts.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as soap from 'soap';
import { afterAll, describe, expect, test } from 'vitest';
import { wsHttp } from '../../src/binding/bindings.ts';
import { noSecurity } from '../../src/binding/security.ts';
import { binding, connect } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { publish } from '../../src/metadata/publish.ts';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, usernameOverTransport } from '../../src/security/policy.ts';
import { ed25519, rsaPssSha256 } from '../../src/security/suites.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { host } from '../../src/service/host.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { soap12 } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { tokenClient } from '../../src/trust/client.ts';
import { trust200502 } from '../../src/trust/versions/v200502.ts';
import { trust200512 } from '../../src/trust/versions/v200512.ts';
import { orders } from '../binding/rig.ts';
import { asked } from './asked.ts';
import { certificates } from './certificates.ts';
import { start } from './child.ts';
import { plain } from './course.ts';
import type { FlawName } from './flaws.ts';
import { buildJava } from './java-build.ts';
import { startJava } from './java-peer.ts';
import { bare, parties } from './parties.ts';
import { protectionOf } from './protections.ts';
import { relayTo } from './relay.ts';
import { securedServer, surewireClient, surewireServer } from './surewire-end.ts';
import { made, signing } from './surewire-party.ts';
import { tokenIssuer } from './token-issuer.ts';
import { buildFolder, run } from './tools.ts';
import { writeTranscript } from './transcripts.ts';

const folderOf = (name: FlawName): string => join(fileURLToPath(new URL('transcripts', import.meta.url)), name);
const [tls, all] = await Promise.all([certificates(), parties()]);
const wsdl = fileURLToPath(new URL('interop.wsdl', import.meta.url));
const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
/** Enough to see what it does for ever. */
const MOST = 8;

/** A call through a relay to a secured endpoint of ours, which fails. */
async function refused(name: FlawName, policy: SecurityPolicy, call: (url: URL) => Promise<unknown>): Promise<void> {
  const server = await securedServer(security(policy), tls);
  const relay = await relayTo(server.listener.url, undefined, tls);
  const ended = await call(relay.url).catch((thrown: unknown) => thrown);
  await relay.close();
  await server.listener.close(AbortSignal.timeout(2_000));
  writeTranscript(folderOf(name), relay.heard);
  expect(ended).toBeInstanceOf(Error);
}

describe('node-soap', () => {
  const signatures = signing(all, 'service', { addressing: 'optional', freshness: { lifetime: 600_000 } });
  const { key, certificate } = all.of.client;
  const call = async (url: URL, given: soap.ISecurity): Promise<void> => {
    const client = await soap.createClientAsync(wsdl, { disableCache: true });
    client.setEndpoint(url.href);
    client.setSecurity(given);
    const httpsAgent = new Agent({ ca: tls.authority });
    const { echoAsync } = client;
    await echoAsync({ text: 'hello' }, { httpsAgent, timeout: 10_000 }).finally(() => httpsAgent.destroy());
  };
  test('ids', () =>
    refused('node-soap-id', signatures, (url) => call(url, new soap.WSSecurityCert(key, certificate, ''))));
  test('reference', () =>
    refused('node-soap-reference', signatures, (url) =>
      call(
        url,
        new soap.WSSecurityCertWithToken({
          privateKey: Buffer.from(key),
          publicKey: certificate,
          username: '',
          password: '',
        }),
      ),
    ));
});

describe('zeep', async () => {
  const script = fileURLToPath(new URL('zeep/client.py', import.meta.url));
  const peer = await asked(() => start('/usr/bin/python3', [script], { name: 'zeep', limit: 60_000, asked: true }));
  afterAll(() => peer.stop());
  const { keyFile, certificateFile } = all.of.client;
  const call = async (url: URL, how: object): Promise<void> => {
    const of = { url: url.href, wsdl, ca: tls.authorityFile, text: 'hello', soap: '1.2' };
    const calling = await peer.ask({ ...of, key: keyFile, certificate: certificateFile, ...how });
    const { event, why } = await calling.answer(['answered', 'refused']);
    if (event === 'refused') throw new Error(String(why));
  };
  const policy = (more: object) => signing(all, 'service', { addressing: 'optional', ...more });
  test('user', () =>
    refused('zeep-unsigned-user', policy({ passwords }), (url) =>
      call(url, { user: 'alice', password: 'secret', digest: true }),
    ));
  test('X509Data', () => refused('zeep-x509data', policy({}), (url) => call(url, { form: 'x509data' })));
});

describe('xmlsec1', () => {
  test.each([
    ['xmlsec1-ed25519', ed25519, 'ed25519'],
    ['xmlsec1-rsa-pss', rsaPssSha256, 'client'],
  ] as const)('%s', async (name, algorithm, who) => {
    const text = await made(signing(all, who, { algorithm }));
    const folder = folderOf(name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const message = join(folder, 'message.xml');
    writeFileSync(message, text);
    const said: string[] = [];
    for (const args of [
      ['--verify', '--pubkey-cert-pem', all.of[who].certificateFile],
      ['--sign', '--privkey-pem', all.of[who].keyFile],
    ]) {
      const ended = await run('xmlsec1', [...args, message]).catch((thrown: unknown) => thrown);
      expect(ended).toBeInstanceOf(Error);
      // Without its usage, which it prints at times.
      const lines = String(ended)
        .split('\n')
        .filter((line) => /^(func=|Error)/.test(line));
      said.push(...lines.map((line) => line.replaceAll(folder, '').replaceAll(buildFolder, '')));
    }
    writeFileSync(join(folder, 'peer.log'), `${said.join('\n').trimEnd()}\n`);
  });
});

describe('cxf-sts', async () => {
  const classPath = await buildJava('sts', { common: true });
  const peer = await asked(() =>
    start('java', ['-Xmx512m', '-cp', classPath, 'surewire.sts.Peer'], {
      name: 'cxf-sts',
      limit: 120_000,
      asked: true,
    }),
  );
  afterAll(() => peer.stop());
  const { service, issuer } = all.of;
  const serving = await peer.ask({
    do: 'serve',
    security: {
      own: { key: bare(issuer.key), certificate: bare(issuer.certificate) },
      peer: bare(service.certificate),
      anchor: bare(all.authority),
      tls: { key: bare(tls.key), certificate: bare(tls.certificate), anchor: bare(tls.authority) },
    },
  });
  const { port } = await serving.answer('listening');
  const username = { user: 'alice', password: 'secret', form: 'text' } as const;
  const wanted = { appliesTo: 'https://localhost:1/orders', keyKind: 'bearer' } as const;
  test.each([
    ['cxf-sts-trust-200502', trust200502],
    ['cxf-sts-cancel', trust200512],
  ] as const)('%s', async (name, version) => {
    const relay = await relayTo(new URL(`https://127.0.0.1:${port}/sts`), undefined, tls);
    const elements = [exchange({ addressing: addressing200508 }), security(usernameOverTransport({ username }))];
    const channel = connect(binding(elements, httpTransport({ tls: { ca: tls.authority } }), soap12), relay.url);
    const sts = tokenClient({ channel, version });
    const ended = await sts
      .issue(wanted)
      .then((token) => sts.cancel(token))
      .catch((thrown: unknown) => thrown);
    await sts.close();
    await relay.close();
    writeTranscript(folderOf(name), relay.heard);
    expect(ended).toBeInstanceOf(Error);
  });
});

test('CXF, configured by a WSDL: WS-RM 1.0 with WS-Addressing 2004/08', async () => {
  const via = wsHttp({ security: noSecurity, reliableSession: true });
  const receive = dispatcher(orders, { place: ({ quantity }) => ({ number: quantity }), cancel: () => undefined });
  await using hosted = await host([{ binding: via, url: new URL('http://127.0.0.1:0/orders'), receive }]);
  const relay = await relayTo(hosted.url);
  const told = publish(via, orders)(relay.url).document('wsdl');
  const file = join(buildFolder, `orders-${process.pid}.wsdl`);
  writeFileSync(file, told?.body ?? '');
  const [tools, cxf] = [await buildJava('wsdl'), await buildJava('cxf', { common: true })];
  const payload = '<Place xmlns="urn:example:orders"><sku>A-1</sku><quantity>2</quantity></Place>';
  const target = [tls.authorityFile, `file://${file}`, 'OrdersService', 'OrdersPort', '', '', payload];
  const [reader = ''] = tools.split(':');
  const ended = await run('java', ['-cp', `${reader}:${cxf}`, 'surewire.wsdl.Reader', ...target]).catch(
    (thrown: unknown) => thrown,
  );
  rmSync(file);
  await relay.close();
  writeTranscript(folderOf('cxf-client-wsdl-addressing'), relay.heard.slice(0, MOST));
  expect(ended).toBeInstanceOf(Error);
});

describe('metro', async () => {
  const issuer = await tokenIssuer(all, tls);
  const keys = { messages: all, tls, issuer };
  const peer = await startJava('metro', keys);
  afterAll(() => Promise.all([peer.stop(), issuer.close()]));

  test('its client asks for ever', async () => {
    const course = { ...plain, operation: 'notify', messages: 1, polled: true } as const;
    const server = await surewireServer(course, tls, { polled: true });
    const relay = await relayTo(server.listener.url);
    const call = peer.call(course, relay.url);
    call.catch(() => undefined);
    while (relay.heard.length < MOST) await new Promise((resolve) => setTimeout(resolve, 100));
    await relay.close();
    await server.listener.close(AbortSignal.timeout(2_000));
    writeTranscript(folderOf('metro-client-one-way-polled'), relay.heard.slice(0, MOST));
  });

  test('its server says unsigned that something waits', async () => {
    const course = { ...plain, messages: 2, polled: true, mode: 'conversation' } as const;
    const server = await peer.serve(course);
    const relay = await relayTo(server.url);
    const options = { ...protectionOf('metro', course, 'client', keys), polled: true };
    const client = surewireClient(course, tls, relay.url, options);
    const over = AbortSignal.timeout(10_000);
    const ended = await Promise.race([
      client.echo({ text: 'one' }).catch((thrown: unknown) => thrown),
      new Promise((resolve) => over.addEventListener('abort', () => resolve(over.reason))),
    ]);
    client.abort(new Error('the scenario is over'));
    await relay.close();
    await server.stop();
    writeTranscript(folderOf('metro-server-pending'), relay.heard.slice(0, MOST));
    expect(ended).toBeInstanceOf(Error);
  });

  test('its client asks for no token', async () => {
    const heard = [];
    const said: string[] = [];
    for (const mode of ['issued', 'issued-bearer'] as const) {
      const course = { ...plain, secure: true, messages: 1, mode };
      const server = await surewireServer(course, tls, protectionOf('metro', course, 'service', keys));
      const relay = await relayTo(server.listener.url, undefined, tls);
      const ended = await peer.call(course, relay.url).catch((thrown: unknown) => thrown);
      await relay.close();
      await server.listener.close(AbortSignal.timeout(2_000));
      heard.push(...relay.heard.slice(0, 2));
      expect(ended).toBeInstanceOf(Error);
      const why = /.*Trust IssuedToken not Found[\s\S]*?ClientTube.java.*/.exec(String(ended))?.[0];
      if (why !== undefined) said.push(why);
    }
    writeTranscript(folderOf('metro-client-issued'), heard, said.join('\n'));
  });
});
