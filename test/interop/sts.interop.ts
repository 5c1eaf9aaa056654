/** The security token service of Apache CXF asked by our client, and ours asked by the client of CXF: WS-Trust over HTTPS. */
import { createPublicKey } from 'node:crypto';
import { afterAll, expect } from 'vitest';
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { algorithmSuite } from '../../src/security/algorithm-suites.ts';
import { certificates as certificatesOf } from '../../src/security/certificates.ts';
import { security } from '../../src/security/element.ts';
import { evidence } from '../../src/security/evidence.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { openHeldKey } from '../../src/security/tokens/held-key.ts';
import { readAssertion } from '../../src/security/tokens/saml-assertion.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { soap12 } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { tokenClient } from '../../src/trust/client.ts';
import { tokenTypeOf } from '../../src/trust/names.ts';
import { tokenService } from '../../src/trust/service.ts';
import { trustVersions } from '../../src/trust/versions/table.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { question } from '../trust/rig.ts';
import { asked } from './asked.ts';
import { certificates } from './certificates.ts';
import { type PeerEvent, start } from './child.ts';
import { buildJava } from './java-build.ts';
import { bare, parties } from './parties.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';
import { keyOf } from './surewire-party.ts';

const audience = 'https://localhost:1/orders';
const suite = algorithmSuite('Basic256Sha256');
const username = { user: 'alice', password: 'secret', form: 'text' } as const;
const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };

await withPeer(
  'cxf-sts',
  async () => {
    const [tls, messages, classPath] = await Promise.all([
      certificates(),
      parties(),
      buildJava('sts', { common: true }),
    ]);
    const peer = await asked(() =>
      start('java', ['-Xmx512m', '-cp', classPath, 'surewire.sts.Peer'], {
        name: 'cxf-sts',
        limit: 300_000,
        asked: true,
      }),
    );
    const { service, issuer } = messages.of;
    const keys = {
      own: { key: bare(issuer.key), certificate: bare(issuer.certificate) },
      peer: bare(service.certificate),
      anchor: bare(messages.authority),
      tls: { key: bare(tls.key), certificate: bare(tls.certificate), anchor: bare(tls.authority) },
    };
    const serving = await peer.ask({ do: 'serve', security: keys });
    const { port } = await serving.answer('listening');
    const { release: of } = peer.ready;
    const release = String(of);
    return { peer, keys, tls, messages, release, url: new URL(`https://127.0.0.1:${port}/sts`) };
  },
  ({ peer, keys, tls, messages, release, url }) => {
    afterAll(() => peer.stop());
    const layers = (policy: SecurityPolicy, end: 'client' | 'server' = 'client'): Binding =>
      binding(
        [exchange({ addressing: addressing200508 }), security(policy)],
        httpTransport({ tls: end === 'client' ? { ca: tls.authority } : { cert: tls.certificate, key: tls.key } }),
        soap12,
      );
    const row = (name: string, direction: string) => ({ peer: 'cxf-sts', version: release, scenario: name, direction });
    const sent = (name: string) => row(name, 'surewire -> cxf-sts');
    const asked = (name: string) => row(name, 'cxf-sts -> surewire');
    const service = keyOf(messages.of.service);
    const cxf = certificatesOf(messages.of.issuer.certificate)[0];
    const saml = { issuers: [{ name: 'urn:cxf:sts', trust: trustPeers(cxf ?? []) }], audiences: [audience] };

    /** A service over HTTPS under a policy; who it was that came in. */
    const comesIn = async (service: SecurityPolicy, client: SecurityPolicy): Promise<string | undefined> => {
      const heard: (string | undefined)[] = [];
      const listener = await listen(
        layers(service, 'server'),
        new URL('https://127.0.0.1:0/orders'),
        async (request) => {
          heard.push(request.get(evidence)?.user?.name);
          return request.carrying(question('urn:orders/placed'));
        },
      );
      try {
        const channel = connect(layers(client), listener.url);
        await channel.open();
        await channel.send(delivery(question()));
        await channel.close();
        return heard[0];
      } finally {
        await listener.close();
      }
    };

    for (const version of trustVersions) {
      if (version.name !== '200512') {
        unclaimed(sent(`WS-Trust ${version.name}`), 'cxf-sts-trust-200502');
        continue;
      }
      const client = () => tokenClient({ channel: connect(layers(usernameOverTransport({ username })), url), version });
      for (const tokenType of ['saml20', 'saml11'] as const) {
        const title = `WS-Trust ${version.name}, ${tokenType}`;
        scenario(sent(`${title}, a key that both ends make, used at a service`), async () => {
          await using sts = client();
          const { issued } = await sts.issue({ appliesTo: audience, tokenType });
          const from = await comesIn(
            issuedTokenOverTransport({ saml, key: service, suite }),
            issuedTokenOverTransport({ token: () => issued, suite }),
          );
          expect(from).toContain('alice');
        });
        scenario(sent(`${title}, bearer, used at a service`), async () => {
          await using sts = client();
          const { issued } = await sts.issue({ appliesTo: audience, tokenType, keyKind: 'bearer' });
          const confirmation = 'bearer';
          const from = await comesIn(
            issuedTokenOverTransport({ saml, confirmation }),
            issuedTokenOverTransport({ token: () => issued, confirmation }),
          );
          expect(from).toContain('alice');
        });
        scenario(sent(`${title}, a key of the requester, used at a service`), async () => {
          await using sts = client();
          const key = keyOf(messages.of.client);
          const { issued } = await sts.issue({ appliesTo: audience, tokenType, keyKind: 'public', key });
          const from = await comesIn(
            issuedTokenOverTransport({ saml }),
            issuedTokenOverTransport({ token: () => issued }),
          );
          expect(from).toContain('alice');
        });
      }
      scenario(sent(`WS-Trust ${version.name}, JSON Web Token, used at a service`), async () => {
        await using sts = client();
        const { issued } = await sts.issue({ appliesTo: audience, tokenType: 'jwt' });
        const keysOf = createPublicKey(messages.of.issuer.certificate);
        const jwt = { issuers: [{ name: 'urn:cxf:sts', keys: keysOf }], audiences: [audience] };
        const from = await comesIn(
          issuedTokenOverTransport({ jwt }),
          issuedTokenOverTransport({ token: () => issued, confirmation: 'bearer' }),
        );
        expect(from).toContain('alice');
      });
      scenario(sent(`WS-Trust ${version.name}, validate`), async () => {
        await using sts = client();
        const token = await sts.issue({ appliesTo: audience, keyKind: 'bearer' });
        expect(await sts.validate(token)).toBe(true);
        const changed = XmlFragment.parse(token.element.toString().replace('>alice<', '>root<'));
        expect(await sts.validate(changed)).toBe(false);
      });
      scenario(sent(`WS-Trust ${version.name}, renew`), async () => {
        await using sts = client();
        const token = await sts.issue({ appliesTo: audience, keyKind: 'bearer' });
        const renewed = await sts.renew(token);
        expect(renewed.element.toString()).not.toBe(token.element.toString());
        expect(await sts.validate(renewed)).toBe(true);
      });
      scenario(sent(`WS-Trust ${version.name}, on behalf of somebody`), async () => {
        await using sts = client();
        const { element } = await sts.issue({ appliesTo: audience, keyKind: 'bearer' });
        const { issued } = await sts.issue({ appliesTo: audience, keyKind: 'bearer', onBehalfOf: element });
        expect('jwt' in issued ? '' : issued.assertion.toString()).toContain('alice');
      });
      unclaimed(sent(`WS-Trust ${version.name}, cancel`), 'cxf-sts-cancel');

      for (const [kind, keyType] of [
        ['saml20', 'SymmetricKey'],
        ['saml11', 'SymmetricKey'],
        ['saml20', 'Bearer'],
      ] as const) {
        scenario(asked(`WS-Trust ${version.name}, ${kind}, ${keyType}`), async () => {
          const own = tokenService({
            issuer: 'https://sts.surewire.example/',
            key: keyOf(messages.of.issuer),
            relyingParties: [{ address: audience, certificate: service.certificate }],
            subject: ({ evidence: proven }) => proven?.user && { name: proven.user.name },
            suite,
          });
          const policy = usernameOverTransport({ passwords });
          const listener = await listen(layers(policy, 'server'), new URL('https://127.0.0.1:0/sts'), own);
          try {
            const { token, secret } = await callCxf({
              url: listener.url.href,
              trust: version.namespace,
              tokenType: tokenTypeOf(kind),
              keyType,
              appliesTo: audience,
            });
            const assertion = readAssertion(XmlFragment.parse(String(token)).element);
            expect(assertion.subject?.name).toBe('alice');
            const [confirmed] = assertion.confirmations;
            if (keyType === 'Bearer') return expect(confirmed?.method).toBe('bearer');
            // CXF has computed the very key that the service finds in the assertion.
            if (confirmed?.keyInfo === undefined || service.decrypter === undefined) throw new Error('there is no key');
            const holder = { certificate: service.certificate, decrypter: service.decrypter };
            const held = await openHeldKey([holder], suite.accepted.encryption)(confirmed.keyInfo);
            return expect(held?.export().toString('base64')).toBe(secret);
          } finally {
            await listener.close();
          }
        });
      }
    }

    async function callCxf(asking: object): Promise<PeerEvent> {
      const calling = await peer.ask({ do: 'call', security: keys, ...asking });
      return calling.answer('token');
    }
  },
);
