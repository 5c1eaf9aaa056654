/**
 * The bindings for issued tokens, in either mode and both families of protocols: a token of the token service asks for a security
 * context, a reliable session belongs to it, and the service hears whom the token is about.
 */
import { describe, expect, test } from 'vitest';
import { ws2007FederationHttp, wsFederationHttp } from '../../src/binding/bindings.ts';
import type { Credentials } from '../../src/binding/credentials.ts';
import { messageSecurity, transportWithMessageCredential } from '../../src/binding/security.ts';
import { algorithmSuite } from '../../src/security/algorithm-suites.ts';
import { evidence } from '../../src/security/evidence.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { host } from '../../src/service/host.ts';
import { trust200502 } from '../../src/trust/versions/v200502.ts';
import { trust200512 } from '../../src/trust/versions/v200512.ts';
import { accepted, audience, clientOf, names, role, tokens } from '../trust/rig.ts';
import { calling, orders, tls } from './rig.ts';

const settings = {
  clientCredentialType: 'IssuedToken',
  algorithmSuite: 'Basic256Sha256',
  negotiateServiceCredential: false,
} as const;
const modes = [
  ['TransportWithMessageCredential', 'https', transportWithMessageCredential],
  ['Message', 'http', messageSecurity],
] as const;

describe.each([
  ['wsFederationHttp', wsFederationHttp, trust200502, '2005/02', '2005/02'],
  ['ws2007FederationHttp', ws2007FederationHttp, trust200512, '200702', '200512'],
] as const)('%s', (_, make, trust, reliable, conversation) => {
  test.each(modes)('%s, with a reliable session', async (mode, scheme, secured) => {
    const { service } = await names();
    const end = await tokens({ suite: algorithmSuite('Basic256Sha256') });
    const { issued } = await (await clientOf(end, 'alice', trust)).issue({ appliesTo: audience });
    const { clock } = end;
    const over = (credentials: Credentials, own: object) =>
      make({ security: secured({ ...settings, ...credentials }), reliableSession: true, clock, ...own });
    const here = over({ saml: await accepted(), key: service.key() }, scheme === 'https' ? { tls: tls.service } : {});
    const peer = mode === 'Message' ? { peer: service.certificate } : {};
    const there = over({ token: () => issued, ...peer }, scheme === 'https' ? { tls: tls.client } : {});
    expect(here.description).toMatchObject({
      reliableSession: { version: { name: reliable } },
      security: { mode: 'SecureConversation', versions: { conversation: { name: conversation } } },
    });
    const heard: unknown[] = [];
    const receive = dispatcher(orders, {
      place: ({ quantity }, { delivery }) => {
        const proven = delivery.get(evidence);
        heard.push([proven?.user?.name, proven?.claims?.attributes.get(role), proven?.signer?.kind]);
        return { number: quantity };
      },
      cancel: () => undefined,
    });
    await using hosted = await host([{ binding: here, url: new URL(`${scheme}://127.0.0.1:0/orders`), receive }]);
    await using calls = calling(there, hosted.url);
    expect(await calls.place({ sku: 'A-1', quantity: 3, tags: [] })).toEqual({ number: 3 });
    expect(heard).toEqual([['alice', ['buyer'], 'context']]);
  });
});
