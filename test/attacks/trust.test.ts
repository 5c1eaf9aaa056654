/** Attacks on a token service and on its client: P6 to P9, D19, R11, A1; each begins with a request that is granted. */
import { KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { timestampOnly, x509Signed } from '../../src/security/policy.ts';
import { anonymousForCertificate } from '../../src/security/presets/for-certificate.ts';
import { issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { message } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { soap12 } from '../../src/soap/version.ts';
import { type SecurityToken, type TokenClient, tokenClient } from '../../src/trust/client.ts';
import { type TokenWishes, writeTokenRequest } from '../../src/trust/requests.ts';
import { tokenService } from '../../src/trust/service.ts';
import { trust200502 } from '../../src/trust/versions/v200502.ts';
import { trust200512 } from '../../src/trust/versions/v200512.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { start } from '../security/rig.ts';
import {
  accepted,
  audience,
  clientOf,
  End,
  names,
  question,
  relying,
  serviceOptions,
  tokens,
  user,
} from '../trust/rig.ts';

let end: End;
let sts: TokenClient;
let granted: SecurityToken;
beforeAll(async () => {
  end = await tokens();
  sts = await clientOf(end);
  granted = await sts.issue({ appliesTo: audience });
});

/** The fault that a request of any shape gets. */
async function answered(
  body: string | TokenWishes,
  action: string = trust200512.actions.issue.request,
  at: End = end,
): Promise<string | undefined> {
  const fragment = typeof body === 'string' ? XmlFragment.parse(body) : writeTokenRequest(trust200512, 'issue', body);
  const channel = await at.channel(user('alice'), 99);
  await channel.open();
  const answer = await channel.send(delivery(message({ version: soap12, action, body: [fragment] })));
  const fault = answer && faultOf(answer.message);
  expect(answer?.message.body.toString()).not.toContain('Assertion');
  return fault?.subcode?.local ?? fault?.reason;
}

const wishes = { appliesTo: audience, keyKind: 'symmetric', keySize: 256, entropy: new Uint8Array(32) } as const;

describe('P6 a token is for one service, and for nobody else', () => {
  test('P6 a service that nobody knows, or none', async () => {
    expect(await answered({ ...wishes, appliesTo: 'https://evil.example/' })).toBe('InvalidScope');
    expect(await answered({ ...wishes, appliesTo: `${audience}/` })).toBe('InvalidScope');
    expect(await answered({ ...wishes, appliesTo: undefined })).toBe('InvalidScope');
  });

  test('P6 a token used at another service', async () => {
    const { service } = await names();
    const saml = { ...(await accepted()), audiences: ['https://other.example/'] };
    const over = relying(issuedTokenOverTransport({ saml, key: service.key() }), true);
    const asked = await over.channel(issuedTokenOverTransport({ token: () => granted.issued }));
    await asked.open();
    await expect(asked.send(delivery(question()))).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
    expect(over.heard).toHaveLength(0);
  });

  test('P6 somebody else renews, cancels or asks in the name of its subject', async () => {
    const bob = await clientOf(end, 'bob', undefined, 41);
    const refused = (local: string) => ({ code: 'TRUST_REFUSED', fault: { subcode: { local } } });
    await expect(bob.renew(granted)).rejects.toMatchObject(refused('UnableToRenew'));
    await expect(bob.cancel(granted)).rejects.toMatchObject(refused('InvalidSecurityToken'));
    for (const way of ['onBehalfOf', 'actAs']) {
      await expect(bob.issue({ appliesTo: audience, [way]: granted.element })).rejects.toMatchObject(
        refused('RequestFailed'),
      );
    }
    expect(await bob.validate(granted)).toBe(true);
  });

  test('P6 the key of somebody else, who has not signed', async () => {
    const { client } = await names();
    const asked = sts.issue({ appliesTo: audience, keyKind: 'public', key: client.key() });
    await expect(asked).rejects.toMatchObject({ fault: { subcode: { local: 'FailedAuthentication' } } });
  });

  test('a token that was changed is not good, whatever its id', async () => {
    const text = granted.element.toString();
    expect(await sts.validate(XmlFragment.parse(text.replace('>alice<', '>root<')))).toBe(false);
    expect(await sts.validate(XmlFragment.parse(text.replace(/<ds:Signature .*<\/ds:Signature>/s, '')))).toBe(false);
    const { stranger } = await names();
    const other = await tokens({ key: stranger.key() });
    const forged = await (await clientOf(other, 'alice', undefined, 51)).issue({ appliesTo: audience });
    expect(await sts.validate(forged)).toBe(false);
  });
});

describe('P7 nobody on the way reads a key', () => {
  test('P7 a request without TLS and without encryption gets no symmetric key', async () => {
    const { client, service } = await names();
    const own = x509Signed({ key: service.key(), trust: trustPeers(client.certificate) });
    const clear = new End(own, tokenService(await serviceOptions()), false);
    const channel = await clear.channel(x509Signed({ key: client.key(), trust: trustPeers(service.certificate) }));
    const asking = tokenClient({ channel, clock: clear.clock });
    await expect(asking.issue({ appliesTo: audience })).rejects.toMatchObject({
      fault: { subcode: { local: 'RequestFailed' } },
    });
    expect((await asking.issue({ appliesTo: audience, keyKind: 'bearer' })).issued).toMatchObject({ bearer: true });
  });

  test('P7 a client does not take a key that came in the clear', async () => {
    const { client, service } = await names();
    const own = x509Signed({ key: service.key(), trust: trustPeers(client.certificate) });
    const foolish = new End(
      own,
      async (incoming) => {
        return tokenService(await serviceOptions())(incoming.with(peer, { secure: true }));
      },
      false,
    );
    const channel = await foolish.channel(x509Signed({ key: client.key(), trust: trustPeers(service.certificate) }));
    await expect(tokenClient({ channel, clock: foolish.clock }).issue({ appliesTo: audience })).rejects.toMatchObject({
      code: 'TRUST_KEY',
    });
  });
});

describe('P8 keys of a size that is none', () => {
  test.each([
    ['8 bits', { keySize: 8, entropy: new Uint8Array(1) }],
    ['a key that is no octets', { keySize: 129 }],
    ['a key of a megabit', { keySize: 99_999 }],
    ['entropy that is shorter than the key', { entropy: new Uint8Array(16) }],
  ])('%s', async (_, more) => {
    expect(await answered({ ...wishes, ...more })).toBe('InvalidRequest');
  });

  test('P8 entropy of a megabyte, or that is no base64', async () => {
    const body = writeTokenRequest(trust200512, 'issue', wishes).toString();
    const large = Buffer.alloc(1 << 20).toString('base64');
    expect(await answered(body.replace(/(<wst:BinarySecret[^>]*>)[^<]*/, `$1${large}`))).toBe('InvalidRequest');
    expect(await answered(body.replace(/(<wst:BinarySecret[^>]*>)[^<]*/, '$1*'))).toBe('InvalidRequest');
  });

  test('R11 the same request twice gets two keys', async () => {
    const twice = await Promise.all([0, 1].map(() => sts.issue({ appliesTo: audience })));
    const [one, other] = twice.map(({ issued }) =>
      'jwt' in issued || !(issued.proof instanceof KeyObject) ? undefined : issued.proof.export().toString('hex'),
    );
    expect(one).toBeDefined();
    expect(one).not.toEqual(other);
  });
});

describe('P9 no token lives longer than the token service says', () => {
  test('P9 a wish for a century is shortened, one for the past refused', async () => {
    const long = await sts.issue({ appliesTo: audience, lifetime: 100 * 365 * 86_400_000 });
    expect(long.expires).toBe(start + 3_600_000);
    expect(long.element.toString()).toContain('NotOnOrAfter="2026-11-22T13:00:00.000Z"');
    const over = { created: instant(start - 7_200_000), expires: instant(start - 3_600_000) };
    expect(await answered({ ...wishes, lifetime: over })).toBe('InvalidRequest');
    const backwards = { created: instant(start + 60_000), expires: instant(start) };
    expect(await answered({ ...wishes, lifetime: backwards })).toBe('InvalidRequest');
  });

  test('D19 tokens are counted, and there is an end to it', async () => {
    const few = await tokens({ mostTokens: 2 });
    const client = await clientOf(few, 'alice', undefined, 61);
    await client.issue({ appliesTo: audience });
    await client.issue({ appliesTo: audience });
    await expect(client.issue({ appliesTo: audience })).rejects.toMatchObject({ code: 'TRUST_REFUSED' });
  });
});

describe('who asks, and for what', () => {
  test('nobody that is proven', async () => {
    const { service } = await names();
    for (const [own, client] of [
      [timestampOnly(), timestampOnly()],
      [anonymousForCertificate({ key: service.key() }), anonymousForCertificate({ peer: service.certificate })],
    ] as const) {
      const open = new End(own, tokenService(await serviceOptions()), true);
      const asking = tokenClient({ channel: await open.channel(client), clock: open.clock });
      await expect(asking.issue({ appliesTo: audience })).rejects.toMatchObject({
        fault: { subcode: { local: 'FailedAuthentication' } },
      });
    }
  });

  test('somebody whom the application refuses', async () => {
    const carol = await clientOf(end, 'carol', undefined, 71);
    await expect(carol.issue({ appliesTo: audience })).rejects.toMatchObject({
      fault: { subcode: { local: 'RequestFailed' } },
    });
  });

  test('A1 a body that is another request than its action, or of another version', async () => {
    const body = writeTokenRequest(trust200512, 'issue', wishes).toString();
    for (const other of [trust200512.actions.cancel.request, trust200502.actions.issue.request]) {
      expect(await answered(body, other)).toBe('InvalidRequest');
    }
    expect(await answered(body, 'urn:another')).toBe('The action is none of a security token service.');
  });

  test.each([
    ['nothing', '<x xmlns="urn:x"></x>'],
    ['two entropies', 'twice'],
  ])('a body with %s', async (_, what) => {
    const body = writeTokenRequest(trust200512, 'issue', wishes).toString();
    const entropy = /<wst:Entropy>.*<\/wst:Entropy>/s.exec(body)?.[0] ?? '';
    expect(await answered(what === 'twice' ? body.replace(entropy, entropy + entropy) : what)).toBe('InvalidRequest');
  });
});
