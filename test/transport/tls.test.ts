/** TLS at both ends: each way in which a certificate can be wrong, and what is proven when all is right (RFC 5280, 6125). */
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type Peer, peer } from '../../src/channel/transport.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import type { TlsOptions } from '../../src/transport/tls.ts';
import { Authority, pkcs12 } from './certificates.ts';
import {
  channelOf,
  channelTo,
  codeOf,
  echo,
  events,
  failure,
  foreign,
  foreignSecure,
  request,
  serve,
  textOf,
} from './rig.ts';

const ours = new Authority('Test Authority');
const others = new Authority('Somebody Else');
const server = ours.leaf();
const client = ours.leaf({ name: 'client', hosts: ['client.example'] });
const trusting: TlsOptions = { ca: ours.cert };
const asServer: TlsOptions = { cert: server.cert, key: server.key };

/** Speaks to a server that shows `identity`, as a client with `tls`. */
async function met(
  identity: { readonly cert: string; readonly key: string },
  tls: TlsOptions = trusting,
): Promise<unknown> {
  const to = await foreignSecure({ cert: identity.cert, key: identity.key });
  return channelTo(to, { tls }).send(request());
}

describe('the certificate of the server', () => {
  test('is accepted when authority, dates and name are right', async () => {
    expect(await met(server)).toBeUndefined();
  });

  test('of another host is TRANSPORT_TLS_HOST, and its names are told', async () => {
    const error = await failure(met(ours.leaf({ hosts: ['other.example', 'third.example'] })));
    expect(error).toMatchObject({ code: 'TRANSPORT_TLS_HOST', transient: false });
    expect(error.message).toContain('other.example');
    expect(error.message).toContain('third.example');
  });

  test('of another host is accepted under the name in tls.serverName, and that name is asked for', async () => {
    let asked: unknown;
    const { cert, key } = ours.leaf({ hosts: ['other.example'] });
    const to = await foreignSecure({ cert, key }, (incoming, response) => {
      asked = (incoming.socket as { servername?: unknown }).servername;
      response.end();
    });
    await channelTo(to, { tls: { ...trusting, serverName: 'other.example' } }).send(request());
    expect(asked).toBe('other.example');
  });

  test('of the right host but not of tls.serverName is TRANSPORT_TLS_HOST', async () => {
    expect(await codeOf(met(server, { ...trusting, serverName: 'other.example' }))).toBe('TRANSPORT_TLS_HOST');
  });

  test('of an authority that is not trusted is TRANSPORT_TLS_UNTRUSTED', async () => {
    const error = await failure(met(others.leaf()));
    expect(error).toMatchObject({ code: 'TRANSPORT_TLS_UNTRUSTED', transient: false });
    expect(error.message).toContain('tls.ca');
  });

  test('of our own authority is not trusted unless tls.ca says so', async () => {
    expect(await codeOf(met(server, {}))).toBe('TRANSPORT_TLS_UNTRUSTED');
  });

  test.each([
    ['expired', { from: -10, until: -1 }],
    ['not yet valid', { from: 1, until: 10 }],
  ])('that is %s is TRANSPORT_TLS_EXPIRED', async (words, dates) => {
    const error = await failure(met(ours.leaf(dates)));
    expect(error).toMatchObject({ code: 'TRANSPORT_TLS_EXPIRED', transient: false });
    expect(error.message).toContain(words);
  });

  test('on the revocation list is TRANSPORT_TLS_REVOKED', async () => {
    const revoked = ours.leaf();
    const crl = ours.crl([revoked]);
    expect(await failure(met(revoked, { ...trusting, crl }))).toMatchObject({
      code: 'TRANSPORT_TLS_REVOKED',
      transient: false,
    });
    expect(await met(server, { ...trusting, crl })).toBeUndefined();
  });

  test('whose authority has no revocation list among those given is TRANSPORT_TLS_UNTRUSTED', async () => {
    const tls = { ca: [ours.cert, others.cert], crl: ours.crl([]) };
    const error = await failure(met(others.leaf(), tls));
    expect(error.code).toBe('TRANSPORT_TLS_UNTRUSTED');
    expect(error.message).toContain('tls.crl');
  });

  test('must be a pinned one when there are pins', async () => {
    const to = await foreignSecure({ cert: server.cert, key: server.key });
    let found: string | undefined;
    const looking: TlsOptions = {
      ...trusting,
      checkServerIdentity: (_, certificate) => {
        found = certificate.fingerprint256;
        return undefined;
      },
    };
    await channelTo(to, { tls: looking }).send(request());
    const pins = [found ?? ''];
    await channelTo(to, { tls: { ...trusting, pinnedFingerprints: pins } }).send(request());
    await channelTo(to, {
      tls: { ...trusting, pinnedFingerprints: [pins[0]?.replaceAll(':', '').toLowerCase() ?? ''] },
    }).send(request());
    const wrong = { ...trusting, pinnedFingerprints: ['00'.repeat(32)] };
    expect(await codeOf(channelTo(to, { tls: wrong }).send(request()))).toBe('TRANSPORT_TLS_UNTRUSTED');
  });

  test('a pin does not replace the other checks', async () => {
    const other = others.leaf();
    const pinnedFingerprints = ['00'.repeat(32)];
    expect(await codeOf(met(other, { ...trusting, pinnedFingerprints }))).toBe('TRANSPORT_TLS_UNTRUSTED');
    expect(await codeOf(met(ours.leaf({ from: -9, until: -1 }), { ...trusting, pinnedFingerprints }))).toBe(
      'TRANSPORT_TLS_EXPIRED',
    );
  });

  test('refused by tls.checkServerIdentity is TRANSPORT_TLS_HOST with its words', async () => {
    const error = await failure(
      met(server, { ...trusting, checkServerIdentity: (host) => new Error(`I do not like ${host}`) }),
    );
    expect(error.code).toBe('TRANSPORT_TLS_HOST');
    expect(error.message).toContain('I do not like 127.0.0.1');
  });

  test('is what the reply delivery carries as peer', async () => {
    const { url } = await serve(echo, { tls: asServer }, 'https');
    const channel = channelTo(url, { tls: trusting });
    const [one, other] = [await channel.send(request()), await channel.send(request())];
    const found = one?.get(peer);
    expect(found).toMatchObject({ secure: true, address: '127.0.0.1' });
    expect(found?.certificate).toEqual(server.der);
    expect(found?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(other?.get(peer), 'made once a connection').toBe(found);
  });
});

describe('the handshake', () => {
  test('with a port that speaks plain HTTP is TRANSPORT_TLS', async () => {
    const to = await foreign((_, response) => response.end());
    expect(await failure(channelTo(to.replace('http:', 'https:')).send(request()))).toMatchObject({
      code: 'TRANSPORT_TLS',
      transient: false,
    });
  });

  test('with a server that speaks only TLS 1.1 is TRANSPORT_TLS', async () => {
    const to = await foreignSecure({
      cert: server.cert,
      key: server.key,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    expect(await codeOf(channelTo(to, { tls: trusting }).send(request()))).toBe('TRANSPORT_TLS');
  });

  test.each([
    ['TLS 1.1', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }],
    ['RSA key transport, without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }],
    ['CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA256' }],
  ] as const)('a listener refuses a client that speaks only %s, and says so', async (_, weak) => {
    const seen = events();
    const { url } = await serve(echo, { tls: asServer }, 'https');
    const outcome = await new Promise((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port: Number(url.port), ca: ours.cert, ...weak });
      socket.once('secureConnect', () => resolve('connected'));
      socket.once('error', () => resolve('refused'));
    });
    expect(outcome).toBe('refused');
    expect(seen).toContainEqual(expect.objectContaining({ event: 'handshake.refused' }));
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('with a server that speaks only %s is fine', async (version) => {
    const to = await foreignSecure({ cert: server.cert, key: server.key, minVersion: version, maxVersion: version });
    expect(await channelTo(to, { tls: trusting }).send(request())).toBeUndefined();
  });
});

describe('client certificates', () => {
  const asClient: TlsOptions = { ...trusting, cert: client.cert, key: client.key };
  const requiring: TlsOptions = { ...asServer, ca: ours.cert, clientCertificate: 'require' };

  /** What the service knows of a client with `tls`. */
  async function seenBy(listening: TlsOptions, tls: TlsOptions): Promise<Peer | undefined> {
    let seen: Peer | undefined;
    const { url } = await serve(
      async (inbound) => {
        seen = inbound.get(peer);
        return undefined;
      },
      { tls: listening },
      'https',
    );
    await channelTo(url, { tls }).send(request());
    return seen;
  }

  test('that the listener requires and the client has are proven to the service', async () => {
    const seen = await seenBy(requiring, asClient);
    expect(seen).toMatchObject({ secure: true, address: '127.0.0.1' });
    expect(seen?.certificate).toEqual(client.der);
    expect(seen?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('that the client lacks end in an error of TLS (%s)', async (version) => {
    const to = await foreignSecure({
      cert: server.cert,
      key: server.key,
      ca: ours.cert,
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: version,
    });
    const error = await failure(channelTo(to, { tls: trusting }).send(request()));
    expect(error).toMatchObject({
      code: version === 'TLSv1.3' ? 'TRANSPORT_TLS_CLIENT_CERTIFICATE' : 'TRANSPORT_TLS',
      transient: false,
    });
    expect(error.message).toContain('client certificate');
  });

  test('that the listener requires and the client lacks: nothing reaches the service', async () => {
    let arrived = 0;
    const { url } = await serve(
      async () => {
        arrived += 1;
        return undefined;
      },
      { tls: requiring },
      'https',
    );
    expect(await codeOf(channelTo(url, { tls: trusting }).send(request()))).toBe('TRANSPORT_TLS_CLIENT_CERTIFICATE');
    expect(arrived).toBe(0);
  });

  test.each([
    ['of another authority', others.leaf({ name: 'client' })],
    ['that expired', ours.leaf({ name: 'client', from: -10, until: -1 })],
  ])('%s do not pass where they are required, and the error names the likely cause', async (_, identity) => {
    const { url } = await serve(echo, { tls: requiring }, 'https');
    const tls = { ...trusting, cert: identity.cert, key: identity.key };
    const error = await failure(channelTo(url, { tls }).send(request()));
    expect(['TRANSPORT_BROKEN', 'TRANSPORT_TLS_CLIENT_CERTIFICATE']).toContain(error.code);
    expect(error.message).toContain('client certificate');
  });

  test('on the revocation list do not pass', async () => {
    const revoked = ours.leaf({ name: 'client' });
    const { url } = await serve(echo, { tls: { ...requiring, crl: ours.crl([revoked]) } }, 'https');
    const as = (identity: typeof revoked) => ({ tls: { ...trusting, cert: identity.cert, key: identity.key } });
    await failure(channelTo(url, as(revoked)).send(request('revoked')));
    expect(textOf(await channelTo(url, as(client)).send(request('good')))).toBe('good');
  });

  test('that are only requested may be missing or wrong: then nothing is proven', async () => {
    const requesting: TlsOptions = { ...requiring, clientCertificate: 'request' };
    const stranger = others.leaf({ name: 'client' });
    const nobody = { secure: true, address: '127.0.0.1', exporter: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(await seenBy(requesting, trusting)).toEqual(nobody);
    expect(await seenBy(requesting, { ...trusting, cert: stranger.cert, key: stranger.key })).toEqual(nobody);
    expect((await seenBy(requesting, asClient))?.certificate).toBeDefined();
  });

  test('that nobody asked for are not shown', async () => {
    const seen = await seenBy(asServer, asClient);
    expect(seen).toEqual({ secure: true, address: '127.0.0.1', exporter: expect.any(String) });
  });

  test('and server certificates can come as PKCS#12', async () => {
    const listening = { ...requiring, cert: undefined, key: undefined };
    const { cert: _, key: __, ...rest } = listening;
    const seen = await seenBy(
      { ...rest, pfx: pkcs12(server, 'one'), passphrase: 'one' },
      { ...trusting, pfx: pkcs12(client, 'two'), passphrase: 'two' },
    );
    expect(seen?.certificate).toBeDefined();
  });
});

describe('keys and certificates that cannot be used are TRANSPORT_KEY, at once', () => {
  const strangerKey = others.identity.key;
  test.each<[string, TlsOptions]>([
    ['a certificate that is none', { cert: 'hello', key: server.key }],
    ['a key that is none', { cert: server.cert, key: 'hello' }],
    ['a key of another certificate', { cert: server.cert, key: strangerKey }],
    ['PKCS#12 that is none', { pfx: Buffer.from('hello') }],
    ['PKCS#12 with another passphrase', { pfx: pkcs12(server, 'secret-one'), passphrase: 'secret-two' }],
    ['an authority that is none', { ca: 'hello' }],
    ['an empty authority', { ca: [ours.cert, ''] }],
    ['a revocation list that is none', { crl: 'hello' }],
    ['a cipher list that is none', { ciphers: 'NONSENSE' }],
  ])('%s', (_, tls) => {
    expect(() => httpTransport({ tls })).toThrowError(
      expect.objectContaining({ code: 'TRANSPORT_KEY', message: expect.not.stringMatching(/secret|PRIVATE/) }),
    );
  });

  test.each<[string, TlsOptions | undefined]>([
    ['https without a certificate', undefined],
    ['https without a key', { cert: server.cert }],
    ['client certificates without authorities', { ...asServer, clientCertificate: 'require' }],
  ])('a listener: %s', async (_, tls) => {
    expect(await codeOf(serve(echo, tls === undefined ? {} : { tls }, 'https'))).toBe('TRANSPORT_KEY');
  });
});

test('keep-alive over TLS: one handshake for messages one after another', async () => {
  const sockets = new Set<unknown>();
  const to = await foreignSecure({ cert: server.cert, key: server.key }, (incoming, response) => {
    sockets.add(incoming.socket);
    incoming.resume();
    incoming.on('end', () => response.writeHead(202).end());
  });
  const channel = channelOf(httpTransport({ tls: trusting }), to);
  for (let sent = 0; sent < 5; sent++) await channel.send(request());
  expect(sockets.size).toBe(1);
});
