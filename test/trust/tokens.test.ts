/** Tokens of our token service, asked for by our client and used at a service, in both versions of WS-Trust. */
import { describe, expect, test } from 'vitest';
import { delivery } from '../../src/channel/delivery.ts';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { issuedTokenForCertificate, issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { payload } from '../../src/soap/envelope.ts';
import { issuedTokens, tokenClient } from '../../src/trust/client.ts';
import { tokenService } from '../../src/trust/service.ts';
import { trustVersions } from '../../src/trust/versions/table.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import {
  accepted,
  audience,
  clientOf,
  End,
  issuerName,
  names,
  question,
  relying,
  role,
  serviceOptions,
  tokens,
} from './rig.ts';

describe.each([...trustVersions])('WS-Trust $name', (version) => {
  test.each(['saml11', 'saml20'] as const)('%s with a key that both ends make', async (tokenType) => {
    const { service } = await names();
    const end = await tokens();
    const sts = await clientOf(end, 'alice', version);
    const token = await sts.issue({ appliesTo: audience, tokenType });
    expect(token.expires).toBe(end.clock.now() + 3_600_000);
    const saml = await accepted();
    const over = relying(issuedTokenOverTransport({ saml, key: service.key() }), true);
    const asked = await over.channel(issuedTokenOverTransport({ token: () => token.issued }));
    await asked.open();
    await asked.send(delivery(question()));
    const [heard] = over.heard;
    expect(heard && identityOf(heard)).toContain('alice');
    expect(heard?.get(evidence)?.claims?.attributes.get(role)).toEqual(['buyer']);
    const under = relying(issuedTokenForCertificate({ saml, key: service.key() }), false);
    const secret = await under.channel(
      issuedTokenForCertificate({ token: () => token.issued, peer: service.certificate }),
    );
    await secret.open();
    await secret.send(delivery(question()));
    expect(under.heard[0]?.get(evidence)?.user?.name).toBe('alice');
  });

  test('a bearer assertion and a JSON Web Token', async () => {
    const { sts: issuer } = await names();
    const sts = await clientOf(await tokens(), 'alice', version);
    const saml = await accepted();
    const bearer = await sts.issue({ appliesTo: audience, keyKind: 'bearer' });
    const jwt = await sts.issue({ appliesTo: audience, tokenType: 'jwt' });
    const rules = { issuers: [{ name: issuerName, keys: issuer.certificate.key }], audiences: [audience] };
    for (const [token, policy] of [
      [bearer, issuedTokenOverTransport({ saml, confirmation: 'bearer' })],
      [jwt, issuedTokenOverTransport({ jwt: rules })],
    ] as const) {
      const end = relying(policy, true);
      const channel = await end.channel(
        issuedTokenOverTransport({ token: () => token.issued, confirmation: 'bearer' }),
      );
      await channel.open();
      await channel.send(delivery(question()));
      expect(end.heard[0]?.get(evidence)?.user?.name).toBe('alice');
      expect(end.heard[0]?.get(evidence)?.claims?.attributes.get(role)).toEqual(['buyer']);
    }
  });

  test('an assertion with the key of the requester, who has signed the request with it', async () => {
    const { client } = await names();
    const policy = certificateOverTransport({ trust: trustPeers(client.certificate) });
    const end = new End(policy, tokenService(await serviceOptions()), true);
    const channel = await end.channel(certificateOverTransport({ key: client.key() }));
    const sts = tokenClient({ channel, clock: end.clock, version });
    const token = await sts.issue({ appliesTo: audience, keyKind: 'public', key: client.key() });
    const over = relying(issuedTokenOverTransport({ saml: await accepted() }), true);
    const asked = await over.channel(issuedTokenOverTransport({ token: () => token.issued }));
    await asked.open();
    await asked.send(delivery(question()));
    expect(over.heard[0]?.get(evidence)?.user?.name).toBe('CN=client');
  });

  test('claims that are asked for, as WCF writes them, reach the application, which decides what the token says', async () => {
    const city = 'urn:claims/city';
    const all = new Map([
      [role, ['buyer']],
      [city, ['Delft']],
      ['urn:claims/salary', ['1']],
    ]);
    const end = await tokens({
      subject: ({ evidence: proven }, { claims }) => ({
        name: proven?.user?.name ?? '',
        attributes: new Map([...all].filter(([name]) => claims.some(({ uri }) => uri === name))),
      }),
    });
    const sts = await clientOf(end, 'alice', version);
    const wishes = { appliesTo: audience, keyKind: 'bearer', claims: [role, { uri: city, optional: true }] } as const;
    const { issued } = await sts.issue(wishes);
    const [asked] = end.heard.map(({ message }) => payload(message)?.children.find(({ local }) => local === 'Claims'));
    const identity = 'http://schemas.xmlsoap.org/ws/2005/05/identity';
    expect([asked?.namespace, asked?.attribute('Dialect')]).toEqual([version.namespace, identity]);
    expect(
      asked?.children.map((one) => [one.namespace, one.local, one.attribute('Uri'), one.attribute('Optional')]),
    ).toEqual([
      [identity, 'ClaimType', role, 'false'],
      [identity, 'ClaimType', city, 'true'],
    ]);
    const over = relying(issuedTokenOverTransport({ saml: await accepted(), confirmation: 'bearer' }), true);
    const channel = await over.channel(issuedTokenOverTransport({ token: () => issued, confirmation: 'bearer' }));
    await channel.open();
    await channel.send(delivery(question()));
    expect([...(over.heard[0]?.get(evidence)?.claims?.attributes ?? [])]).toEqual([
      [role, ['buyer']],
      [city, ['Delft']],
    ]);
  });

  test('validate, renew and cancel', async () => {
    const end = await tokens();
    const sts = await clientOf(end, 'alice', version);
    for (const tokenType of ['saml20', 'jwt'] as const) {
      const token = await sts.issue({ appliesTo: audience, tokenType });
      expect(await sts.validate(token)).toBe(true);
      const renewed = await sts.renew(token);
      expect(renewed.element.toString()).not.toBe(token.element.toString());
      if (!('jwt' in token.issued) && !('jwt' in renewed.issued)) {
        expect(renewed.issued.proof).toBe(token.issued.proof);
      }
      await sts.cancel(token);
      expect(await sts.validate(token)).toBe(false);
      expect(await sts.validate(renewed)).toBe(true);
      await expect(sts.renew(token)).rejects.toMatchObject({
        code: 'TRUST_REFUSED',
        fault: { subcode: { local: 'UnableToRenew' } },
      });
    }
  });

  test('the renewed token has the key of the old one', async () => {
    const { service } = await names();
    const sts = await clientOf(await tokens(), 'alice', version);
    const renewed = await sts.renew(await sts.issue({ appliesTo: audience }));
    const over = relying(issuedTokenOverTransport({ saml: await accepted(), key: service.key() }), true);
    const asked = await over.channel(issuedTokenOverTransport({ token: () => renewed.issued }));
    await asked.open();
    await asked.send(delivery(question()));
    expect(over.heard).toHaveLength(1);
  });
});

describe('asking for somebody else', () => {
  const delegation = async () => ({
    saml: await accepted(),
    allows: ({ evidence: proven }: { evidence: { user?: { name: string } | undefined } | undefined }) =>
      proven?.user?.name === 'bob',
  });
  test.each(['onBehalfOf', 'actAs'] as const)('%s', async (way) => {
    const end = await tokens({
      delegation: await delegation(),
      subject: ({ evidence: proven, onBehalfOf, actAs }) => ({
        name: onBehalfOf?.subject ?? proven?.user?.name ?? '',
        ...(actAs !== undefined && { attributes: new Map([['urn:actor/for', [actAs.subject ?? '']]]) }),
      }),
    });
    const alice = await (await clientOf(end)).issue({ appliesTo: audience });
    const bob = await clientOf(end, 'bob', undefined, 21);
    const token = await bob.issue({ appliesTo: audience, [way]: alice.element });
    const text = token.element.toString();
    expect(text).toContain(way === 'actAs' ? '>bob<' : '>alice<');
    if (way === 'actAs') expect(text).toContain('urn:actor/for');
    const carol = await clientOf(end, 'carol', undefined, 31);
    await expect(carol.issue({ appliesTo: audience, [way]: alice.element })).rejects.toMatchObject({
      fault: { subcode: { local: 'RequestFailed' } },
    });
    const forged = alice.element.toString().replace('>alice<', '>root<');
    await expect(bob.issue({ appliesTo: audience, [way]: XmlFragment.parse(forged) })).rejects.toMatchObject({
      fault: { subcode: { local: 'InvalidSecurityToken' } },
    });
  });
});

test('one token for all messages until it ends, and then another', async () => {
  const end = await tokens({ lifetime: 600_000 });
  const sts = await clientOf(end);
  const source = issuedTokens(sts, { appliesTo: audience }, { clock: end.clock });
  const [one, same] = await Promise.all([source(), source()]);
  expect(same).toBe(one);
  await end.clock.advance(539_000);
  expect(await source()).toBe(one);
  await end.clock.advance(2_000);
  expect(end.heard).toHaveLength(1);
});
