/**
 * HTTP proxies between the ends (issue 3, item 6): a tunnel that breaks after any octet, and a gateway that ends TLS, answers HTML
 * and loses replies. The session is one and signed end to end; the proxies see and change only HTTP.
 */
import { describe, expect, test } from 'vitest';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { soap12 } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { pki } from '../security/rig.ts';
import { Authority } from '../transport/certificates.ts';
import { clientOf, serviceAt, texts } from './ends.ts';
import { forwardProxy, reverseProxy } from './proxies.ts';

const authority = new Authority('Test Authority');
const identity = authority.leaf();
const tls = { cert: identity.cert, key: identity.key, ca: authority.cert };

describe.each(reliableVersions)('WS-RM $name', (version) => {
  test('a forward proxy whose tunnels break after any octet', async () => {
    const people = await pki();
    await using service = await serviceAt(httpTransport({ tls }), 'https://127.0.0.1:0/service', people);
    await using proxy = await forwardProxy({ seed: 5, upTo: 60_000 });
    const transport = httpTransport({ tls: { ca: tls.ca }, client: { proxy: { url: proxy.url } } });
    const client = clientOf(transport, service.url, service.url, people, { soap: soap12, version });
    const sent = texts(25);
    expect(await Promise.all(sent.map((text) => client.say(text)))).toEqual(sent.map((text) => `re: ${text}`));
    await client.channel.close();
    expect(service.heard.map(({ text }) => text)).toEqual(sent);
    expect(proxy.counts.broken).toBeGreaterThan(0);
  });

  test('a reverse proxy that ends TLS, loses requests and replies, and answers HTML', async () => {
    const people = await pki();
    await using service = await serviceAt(httpTransport({ tls }), 'https://127.0.0.1:0/service', people);
    await using proxy = await reverseProxy({ to: service.url, tls, seed: 9, loss: 0.2 });
    const transport = httpTransport({ tls: { ca: tls.ca } });
    const client = clientOf(transport, proxy.url, service.url, people, { soap: soap12, version });
    const sent = texts(25);
    expect(await Promise.all(sent.map((text) => client.say(text)))).toEqual(sent.map((text) => `re: ${text}`));
    await client.channel.close();
    expect(service.heard.map(({ text }) => text)).toEqual(sent);
    expect(proxy.counts.broken).toBeGreaterThan(0);
  });
});
