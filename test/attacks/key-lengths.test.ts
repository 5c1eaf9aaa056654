/** K4, K6: keys that a suite does not take are refused, whoever holds them: certificates, derived keys, keys of assertions. */
import { createSecretKey } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { algorithmSuite } from '../../src/security/algorithm-suites.ts';
import type { DecryptionKey } from '../../src/security/keys.ts';
import type { SecurityPolicy } from '../../src/security/policy.ts';
import { anonymousForCertificate } from '../../src/security/presets/for-certificate.ts';
import { issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import { writeAssertion } from '../../src/security/tokens/saml-write.ts';
import { trustChain } from '../../src/security/trust.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { type Issued, issue } from '../security/pki.ts';
import { acceptor, type Pki, pki, secured } from '../security/rig.ts';
import { draft, parties, requirement } from '../security/saml-rig.ts';
import { receive } from './support.ts';

let all: Pki;
let bob: Issued;
let small: Issued;
beforeAll(async () => {
  all = await pki();
  bob = await issue({ name: 'bob', kind: 'rsa' }, all.root);
  small = await issue({ name: 'small', kind: 'rsa', bits: 1024 }, all.root);
});

const suite = algorithmSuite('Basic256Sha256');
const from = { secure: true };
const decryptionOf = ({ certificate, key }: Issued): DecryptionKey => {
  const { decrypter } = key();
  if (decrypter === undefined) throw new Error('an RSA key decrypts');
  return { certificate, decrypter };
};

async function refused(service: SecurityPolicy, octets: string | Uint8Array): Promise<string | undefined> {
  const end = acceptor(service);
  const { codes } = await receive({ ...end, receive: (one) => end.receive(one, from) }, octets);
  expect(end.heard).toHaveLength(0);
  return codes[0];
}

describe('what is received', () => {
  test.each([16, 20])('a derived key of %i octets does not sign where the suite says 24', async (signature) => {
    const { outbound } = anonymousForCertificate({ peer: bob.certificate, suite });
    const { encryption } = outbound;
    if (encryption?.derived === undefined) throw new Error('the preset derives keys');
    const derived = { ...encryption.derived, signature };
    const short = { outbound: { ...outbound, encryption: { ...encryption, derived } } } as SecurityPolicy;
    const service = anonymousForCertificate({ key: bob.key(), suite });
    expect(await refused(service, await secured(short))).toBe('SECURITY_KEY');
    const fitting = { ...derived, signature: 24 };
    const sound = { outbound: { ...outbound, encryption: { ...encryption, derived: fitting } } } as SecurityPolicy;
    const end = acceptor(service);
    expect(await end.receive(await secured(sound))).toBeUndefined();
    expect(end.heard).toHaveLength(1);
  });

  test.each([
    [32, undefined],
    [16, 'SECURITY_KEY'],
    [72, 'SECURITY_KEY'],
  ])('a secret of %i octets in an assertion', async (length, code) => {
    const { issuer } = await parties();
    const secret = createSecretKey(new Uint8Array(length).fill(7));
    const holder = XmlFragment.parse('<x:EncryptedKey xmlns:x="http://www.w3.org/2001/04/xmlenc#"></x:EncryptedKey>');
    const confirmation = { method: 'holder-of-key', holder } as const;
    const assertion = await writeAssertion(draft(undefined, { confirmation }), { key: issuer.key() });
    const client = issuedTokenOverTransport({ token: () => ({ assertion, proof: secret, bearer: false }) });
    const saml = await requirement({ openKey: async () => secret });
    const octets = await secured(client);
    if (code !== undefined) return expect(await refused(issuedTokenOverTransport({ saml }), octets)).toBe(code);
    const end = acceptor(issuedTokenOverTransport({ saml }));
    expect(await end.receive(octets, from)).toBeUndefined();
    return expect(end.heard).toHaveLength(1);
  });

  test('RSA of 1024 bits signs nothing, also where its certificate is trusted', async () => {
    const trust = trustChain({ anchors: all.root.certificate });
    const sound = new TextDecoder().decode(await secured(certificateOverTransport({ key: all.client.key(), suite })));
    const end = acceptor(certificateOverTransport({ trust, suite }));
    expect(await end.receive(sound, from)).toBeUndefined();
    const token = base64(small.certificate.der);
    const swapped = sound.replace(/(<wsse:BinarySecurityToken[^>]*>)[^<]*/, `$1${token}`);
    expect(await refused(certificateOverTransport({ trust, suite }), swapped)).toBe('SECURITY_KEY');
  });

  test('the range of a policy holds, not only the smallest key of all', async () => {
    const trust = trustChain({ anchors: all.root.certificate });
    const policy = certificateOverTransport({ trust, suite });
    const { endorsement } = policy.inbound;
    if (endorsement === undefined) throw new Error('the preset endorses');
    const keys = { ...endorsement.keys, rsa: { least: 3072, most: 8192 } };
    const narrow = { ...policy, inbound: { ...policy.inbound, endorsement: { ...endorsement, keys } } };
    expect(await refused(narrow, await secured(certificateOverTransport({ key: all.client.key(), suite })))).toBe(
      'SECURITY_KEY',
    );
  });
});

test('a policy is not made with a key that its own suite does not take', () => {
  const peer = bob.certificate;
  expect(() => mutualCertificateWss10({ key: small.key(), peer, suite })).toThrow(
    expect.objectContaining({ code: 'SECURITY_KEY' }),
  );
  expect(() => mutualCertificateWss10({ key: bob.key(), decryption: decryptionOf(small), peer, suite })).toThrow(
    expect.objectContaining({ code: 'SECURITY_KEY' }),
  );
  expect(() => certificateOverTransport({ key: small.key(), suite })).toThrow(
    expect.objectContaining({ code: 'SECURITY_KEY' }),
  );
});
