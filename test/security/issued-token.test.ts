/** Messages whose sender a SAML assertion names: bearer, holder-of-key with a private key or a secret, and sender-vouches. */
import { createSecretKey } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { type SecurityPolicy, x509Signed } from '../../src/security/policy.ts';
import { issuedTokenForCertificate, issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import type { IssuedAssertion } from '../../src/security/protection.ts';
import { type SamlVersion, saml11, saml20 } from '../../src/security/tokens/saml.ts';
import type { AssertionDraft } from '../../src/security/tokens/saml-write.ts';
import { writeAssertion } from '../../src/security/tokens/saml-write.ts';
import { trustChain } from '../../src/security/trust.ts';
import { receive, swap } from '../attacks/support.ts';
import { type Issued, issue } from './pki.ts';
import { acceptor, type Pki, pki, secured } from './rig.ts';
import { draft, parties, requirement } from './saml-rig.ts';
import { talk } from './talk.ts';

let all: Pki;
let bob: Issued;
let sts: Awaited<ReturnType<typeof parties>>;
beforeAll(async () => {
  all = await pki();
  sts = await parties();
  bob = await issue({ name: 'bob', kind: 'rsa' }, all.root);
});

async function issued(version: SamlVersion, more: Partial<AssertionDraft> = {}): Promise<IssuedAssertion['assertion']> {
  return writeAssertion(draft(version, more), { key: sts.issuer.key() });
}
const holder = (): AssertionDraft['confirmation'] => ({ method: 'holder-of-key', holder: sts.holder.certificate });
const tls = { secure: true };

describe.each([saml11, saml20])('SAML %#', (version) => {
  const heard = async (client: SecurityPolicy, service: SecurityPolicy, from = { secure: false }) => {
    const between = talk(client, service, {}, from);
    const reply = await between.ask();
    expect(reply?.message.body.toString()).toContain('the answer');
    return { ...between, evidence: between.heard[0]?.get(evidence) };
  };

  test('bearer over TLS', async () => {
    const assertion = await issued(version);
    const saml = await requirement();
    const found = await heard(
      issuedTokenOverTransport({ token: () => ({ assertion, bearer: true }), confirmation: 'bearer' }),
      issuedTokenOverTransport({ saml, confirmation: 'bearer' }),
      tls,
    );
    expect(found.evidence?.user?.name).toContain('alice');
    expect(found.evidence?.claims?.attributes.size).toBe(1);
    expect(found.heard[0] && identityOf(found.heard[0])).toMatch(/^saml:/);
  });

  test('the holder of the key endorses the Timestamp over TLS', async () => {
    const assertion = await issued(version, { confirmation: holder() });
    const saml = await requirement();
    const found = await heard(
      issuedTokenOverTransport({ token: () => ({ assertion, proof: sts.holder.key(), bearer: false }) }),
      issuedTokenOverTransport({ saml }),
      tls,
    );
    expect(found.evidence?.user?.name).toContain('alice');
  });

  test('the holder of the key endorses the signature under the service certificate', async () => {
    const assertion = await issued(version, { confirmation: holder() });
    const saml = await requirement();
    const found = await heard(
      issuedTokenForCertificate({
        peer: bob.certificate,
        token: () => ({ assertion, proof: sts.holder.key(), bearer: false }),
      }),
      issuedTokenForCertificate({ key: bob.key(), saml }),
    );
    expect(found.evidence?.user?.name).toContain('alice');
    expect([...(found.evidence?.encrypted ?? [])].some((part) => part.endsWith('Body'))).toBe(true);
  });

  test('bearer under the service certificate: the assertion is signed and encrypted', async () => {
    const assertion = await issued(version);
    const saml = await requirement();
    const found = await heard(
      issuedTokenForCertificate({
        peer: bob.certificate,
        token: () => ({ assertion, bearer: true }),
        confirmation: 'bearer',
      }),
      issuedTokenForCertificate({ key: bob.key(), saml, confirmation: 'bearer' }),
    );
    expect(found.wire[0]).not.toContain('alice');
    expect([...(found.evidence?.encrypted ?? [])].some((part) => part.endsWith('Assertion'))).toBe(true);
  });

  test('an attester that is trusted vouches', async () => {
    const assertion = await issued(version, { confirmation: { method: 'sender-vouches' } });
    const saml = await requirement({ confirmations: ['sender-vouches'] });
    const trust = trustChain({ anchors: all.root.certificate });
    const client = x509Signed({ key: all.client.key(), trust, token: () => ({ assertion, bearer: false }) });
    const end = acceptor(x509Signed({ key: all.service.key(), trust, saml }));
    await end.receive(await secured(client));
    const found = end.heard[0]?.get(evidence);
    expect(found?.signer?.name).toBe('CN=client');
    expect(found?.user?.name).toContain('alice');
  });

  test('K14 whoever is not the holder, or changes the assertion, is refused', async () => {
    const assertion = await issued(version, { confirmation: holder() });
    const saml = await requirement();
    const service = issuedTokenOverTransport({ saml });
    const token = (proof: Issued) => () => ({ assertion, proof: proof.key(), bearer: false });
    const stolen = issuedTokenOverTransport({ token: token(sts.other) });
    const codes = async (octets: string | Uint8Array) => {
      const end = acceptor(service);
      const found = await receive({ ...end, receive: (one) => end.receive(one, tls) }, octets);
      expect(end.heard).toHaveLength(0);
      return found.codes;
    };
    expect(await codes(await secured(stolen))).toEqual(['SECURITY_SIGNATURE']);
    const own = issuedTokenOverTransport({ token: token(sts.holder) });
    const text = new TextDecoder().decode(await secured(own));
    expect(await codes(swap(text, 'alice@example.org', 'mallory@example.org'))).toEqual(['SECURITY_DIGEST']);
    const unsigned = issuedTokenOverTransport({ token: token(sts.holder), confirmation: 'bearer' });
    expect(await codes(await secured(unsigned))).toEqual(['SECURITY_UNSIGNED']);
  });

  test('bearer neither encrypted nor over TLS is refused', async () => {
    const assertion = await issued(version);
    const saml = await requirement({ confirmations: ['bearer'] });
    const trust = trustChain({ anchors: all.root.certificate });
    const client = x509Signed({ key: all.client.key(), trust, token: () => ({ assertion, bearer: true }) });
    const end = acceptor(x509Signed({ key: all.service.key(), trust, saml }));
    expect((await receive(end, await secured(client))).codes).toEqual(['SECURITY_TOKEN_CONFIRMATION']);
  });
});

test('no proof, no message; a secret in the place of a key proves nothing', async () => {
  const assertion = await issued(saml20, { confirmation: holder() });
  const client = issuedTokenOverTransport({ token: () => ({ assertion, bearer: false }) });
  await expect(secured(client)).rejects.toMatchObject({ code: 'SECURITY_POLICY' });
  const secret = createSecretKey(Buffer.alloc(32, 1));
  const other = issuedTokenOverTransport({ token: () => ({ assertion, proof: secret, bearer: false }) });
  const end = acceptor(issuedTokenOverTransport({ saml: await requirement() }));
  const found = await receive({ ...end, receive: (one) => end.receive(one, tls) }, await secured(other));
  expect(found.codes).toEqual(['SECURITY_KEY']);
});
