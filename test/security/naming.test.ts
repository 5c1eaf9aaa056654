/**
 * References that a CreateSequence may give of the token that signed it (WS-RM 1.1, section 5.2.1), where that is no certificate and no
 * context: the secret of an EncryptedKey, a SAML assertion, the token of a password. What names another token, or in a form that does not
 * fit, names nobody. Messages of CXF and Metro under assertions are in vectors/captures-issued.test.ts, those of Metro under an EncryptedKey
 * in captures.test.ts.
 */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { naming } from '../../src/security/evidence.ts';
import { encryptedKeySha1, thumbprintSha1, wsse } from '../../src/security/names.ts';
import type { SecurityPolicy } from '../../src/security/policy.ts';
import { anonymousForCertificate } from '../../src/security/presets/for-certificate.ts';
import { issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import { usernameKeyOverTransport } from '../../src/security/presets/username-key.ts';
import { saml11, saml20 } from '../../src/security/tokens/saml.ts';
import { writeAssertion } from '../../src/security/tokens/saml-write.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { issue } from './pki.ts';
import { pki } from './rig.ts';
import { draft, parties, requirement } from './saml-rig.ts';
import { talk } from './talk.ts';

const reference = (inside: string) =>
  XmlFragment.parse(`<o:SecurityTokenReference xmlns:o="${wsse}">${inside}</o:SecurityTokenReference>`).element;
const local = (id: string) => reference(`<o:Reference URI="#${id}"/>`);
const identifier = (valueType: string, text: string) =>
  reference(`<o:KeyIdentifier ValueType="${valueType}">${text}</o:KeyIdentifier>`);

/** What a message of `client` was, and what names its token. */
async function heard(client: SecurityPolicy, service: SecurityPolicy, secure: boolean) {
  const between = talk(client, service, {}, { secure });
  await between.ask();
  const [wire = ''] = between.wire;
  const names = between.heard[0]?.get(naming);
  if (names === undefined) throw new Error('Nothing was heard.');
  const one = (pattern: RegExp) => pattern.exec(wire)?.[1] ?? '';
  return { names, one };
}

const anotherSha1 = Buffer.alloc(20, 7).toString('base64');

test('the secret of an EncryptedKey: by SHA-1 of its octets, and by where it stands', async () => {
  const bob = await issue({ name: 'bob', kind: 'rsa' }, (await pki()).root);
  const client = anonymousForCertificate({ peer: bob.certificate });
  const { names, one } = await heard(client, anonymousForCertificate({ key: bob.key() }), false);
  const octets = Buffer.from(one(/<xenc:EncryptedKey.*?CipherValue>([^<]+)</s), 'base64');
  const sha1 = createHash('sha1').update(octets).digest('base64');
  const id = one(/<xenc:EncryptedKey [^>]*Id="([^"]+)"/);
  expect(id).not.toBe('');
  expect(names(identifier(encryptedKeySha1, sha1))).toBe(true);
  expect(names(local(id))).toBe(true);
  for (const other of [
    identifier(encryptedKeySha1, anotherSha1),
    identifier(encryptedKeySha1, '####'),
    identifier(encryptedKeySha1, ''),
    // The same octets in the place of another hash.
    identifier(thumbprintSha1, sha1),
    identifier('urn:none', sha1),
    local(`${id}x`),
    local(''),
    // Something of the message that is no key.
    local(one(/<wsu:Timestamp [^>]*Id="([^"]+)"/)),
    reference(''),
    reference(`<o:Reference URI="#${id}"/><o:Reference URI="#${id}"/>`),
  ]) {
    expect(names(other)).toBe(false);
  }
});

test.each([saml11, saml20])('a SAML assertion: by its id, and by where it stands (%#)', async (version) => {
  const { issuer, holder } = await parties();
  const confirmation = { method: 'holder-of-key', holder: holder.certificate } as const;
  const assertion = await writeAssertion(draft(version, { confirmation }), { key: issuer.key() });
  const client = issuedTokenOverTransport({ token: () => ({ assertion, proof: holder.key(), bearer: false }) });
  const service = issuedTokenOverTransport({ saml: await requirement() });
  const { names, one } = await heard(client, service, true);
  const id = one(/<\w+:Assertion [^>]*(?:AssertionID|ID)="([^"]+)"/);
  expect(id).not.toBe('');
  expect(names(identifier(version.identifierType, id))).toBe(true);
  expect(names(local(id))).toBe(true);
  for (const wrong of [
    identifier(version.identifierType, `${id}x`),
    identifier(version.identifierType, ''),
    identifier(encryptedKeySha1, anotherSha1),
    identifier(thumbprintSha1, createHash('sha1').update(holder.certificate.der).digest('base64')),
    local(`${id}x`),
    local(one(/<wsu:Timestamp [^>]*Id="([^"]+)"/)),
  ]) {
    expect(names(wrong)).toBe(false);
  }
});

test('the token of a password: by where it stands, and in no other way', async () => {
  const username = { user: 'alice', password: 'correct horse' };
  const passwords = { password: (user: string) => (user === 'alice' ? 'correct horse' : undefined) };
  const client = usernameKeyOverTransport({ username });
  const { names, one } = await heard(client, usernameKeyOverTransport({ passwords }), true);
  const id = one(/<wsse:UsernameToken [^>]*Id="([^"]+)"/);
  expect(id).not.toBe('');
  expect(names(local(id))).toBe(true);
  for (const wrong of [
    local(`${id}x`),
    local(one(/<wsu:Timestamp [^>]*Id="([^"]+)"/)),
    identifier(encryptedKeySha1, anotherSha1),
    identifier(saml20.identifierType, id),
    reference(`<o:Reference URI="${id}"/>`),
    reference('<o:Embedded><o:UsernameToken><o:Username>alice</o:Username></o:UsernameToken></o:Embedded>'),
  ]) {
    expect(names(wrong)).toBe(false);
  }
});
