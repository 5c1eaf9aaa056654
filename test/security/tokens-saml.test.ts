/** SAML Token Profile 1.1: assertions of both versions, written, verified and admitted; what xmlsec1 and xml-crypto say of them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createSecretKey, generateKeyPairSync, KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SignedXml } from 'xml-crypto';
import { instant } from '../../src/base/clock.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { rsaSha512, sha512 } from '../../src/security/suites.ts';
import { saml11, saml20 } from '../../src/security/tokens/saml.ts';
import { readAssertion } from '../../src/security/tokens/saml-assertion.ts';
import { validateAssertion } from '../../src/security/tokens/saml-validate.ts';
import { type AssertionDraft, writeAssertion } from '../../src/security/tokens/saml-write.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import {
  admitted,
  audience,
  draft,
  issuerName,
  parties,
  requirement,
  samlStart,
  validated,
  written,
} from './saml-rig.ts';

const versions = [saml11, saml20];
const minute = 60_000;

describe.each(versions)('SAML $name', (version) => {
  test('what is written is read as it was meant, and verifies', async () => {
    const token = await validated(await written(draft(version)));
    expect(token.signed).toBe(true);
    expect(token.claims.issuer).toBe(issuerName);
    expect(token.claims.subject).toBe('alice@example.org');
    expect(token.claims.attributes.get('urn:claims/role')).toEqual(['buyer', 'R&D']);
    expect(token.subject?.kind).toBe('saml');
    expect(token.until).toBe(samlStart + 600_000 + 5 * minute);
  });

  test('verifies inside an envelope whose namespaces it does not use', async () => {
    const text = await written(draft(version), { algorithm: rsaSha512, digest: sha512 });
    const envelope = XmlFragment.parse(`<e xmlns="urn:default" xmlns:x="urn:x" xml:lang="en"><h>${text}</h></e>`);
    const element = envelope.element.children[0]?.children[0];
    if (element === undefined) throw new Error('no assertion');
    const token = await validateAssertion(readAssertion(element), await requirement(), samlStart);
    expect(token.algorithms).toEqual(expect.arrayContaining([rsaSha512.uri, sha512.uri]));
  });

  test('a bearer is admitted where nobody on the way could read it', async () => {
    const token = await validated(await written(draft(version)));
    await expect(admitted(token, {})).rejects.toMatchObject({ code: 'SECURITY_TOKEN_CONFIRMATION' });
    expect(await admitted(token, { confidential: true })).toEqual({ method: 'bearer' });
  });

  test('the holder of a key proves it: certificate, RSA and EC key values', async () => {
    const { holder, other } = await parties();
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    for (const proof of [holder.certificate, holder.certificate.key, rsa]) {
      const confirmation = { method: 'holder-of-key', holder: proof } as const;
      const token = await validated(await written(draft(version, { confirmation })));
      const [confirmed] = token.confirmations;
      if (confirmed?.method !== 'holder-of-key' || confirmed.fingerprint === undefined) throw new Error('no key');
      await expect(
        admitted(token, { keys: new Set([other.certificate.keyFingerprint]), confidential: true, attested: true }),
      ).rejects.toMatchObject({ code: 'SECURITY_TOKEN_CONFIRMATION' });
      expect(await admitted(token, { keys: new Set([confirmed.fingerprint]) })).toBe(confirmed);
      if (proof !== rsa) expect(confirmed.fingerprint).toBe(holder.certificate.keyFingerprint);
    }
  });

  test('the holder of a secret proves it: what is encrypted for the service is opened by it', async () => {
    const secret = createSecretKey(new Uint8Array(32).fill(7));
    const holder = XmlFragment.parse('<k:EncryptedKey xmlns:k="http://www.w3.org/2001/04/xmlenc#"/>');
    const text = await written(draft(version, { confirmation: { method: 'holder-of-key', holder } }));
    const token = await validated(text, await requirement({ openKey: async () => secret }));
    const same = createSecretKey(new Uint8Array(32).fill(7));
    const wrong = createSecretKey(new Uint8Array(32).fill(8));
    expect(await admitted(token, { secrets: [wrong, same] })).toMatchObject({ method: 'holder-of-key' });
    await expect(admitted(token, { secrets: [wrong] })).rejects.toMatchObject({ code: 'SECURITY_TOKEN_CONFIRMATION' });
    await expect(validated(text)).rejects.toMatchObject({ code: 'SECURITY_TOKEN_CONFIRMATION' });
  });

  test('an attester vouches, signed or not by an issuer', async () => {
    const confirmation = { method: 'sender-vouches' } as const;
    const token = await validated(await written(draft(version, { confirmation })));
    expect(await admitted(token, { attested: true })).toEqual(confirmation);
    await expect(admitted(token, { confidential: true })).rejects.toMatchObject({
      code: 'SECURITY_TOKEN_CONFIRMATION',
    });
    const plain = await writeAssertion(draft(version, { confirmation }), undefined);
    await expect(validated(plain)).rejects.toMatchObject({ code: 'SECURITY_TOKEN_INVALID' });
    const vouched = await validated(plain, await requirement({ unsigned: true }));
    expect(vouched.signed).toBe(false);
    expect(await admitted(vouched, { attested: true })).toEqual(confirmation);
  });

  test('time: early, late, with skew, and for too long', async () => {
    const text = await written(draft(version));
    await validated(text, undefined, instant(samlStart - 5 * minute));
    await expect(validated(text, undefined, instant(samlStart - 5 * minute - 1))).rejects.toMatchObject({
      code: 'SECURITY_TOKEN_EXPIRED',
    });
    await validated(text, undefined, instant(samlStart + 15 * minute - 1));
    await expect(validated(text, undefined, instant(samlStart + 15 * minute))).rejects.toMatchObject({
      code: 'SECURITY_TOKEN_EXPIRED',
    });
    const long = await written(draft(version, { notOnOrAfter: instant(samlStart + 86_400_001) }));
    await expect(validated(long)).rejects.toMatchObject({ code: 'SECURITY_TOKEN_EXPIRED' });
  });

  test('one-time use is remembered, and bearers where the policy says so', async () => {
    const replay = new MemoryReplayCache();
    const once = await validated(await written(draft(version, { oneTimeUse: true })));
    // Whoever cannot prove anything does not use it up.
    await expect(admitted(once, {}, replay)).rejects.toMatchObject({ code: 'SECURITY_TOKEN_CONFIRMATION' });
    await admitted(once, { confidential: true }, replay);
    await expect(admitted(once, { confidential: true }, replay)).rejects.toMatchObject({ code: 'SECURITY_REPLAY' });
    const again = await validated(await written(draft(version, { id: '_second' })));
    await admitted(again, { confidential: true }, replay);
    await admitted(again, { confidential: true }, replay);
    const strict = await validated(
      await written(draft(version, { id: '_third' })),
      await requirement({ bearerOnce: true }),
    );
    await admitted(strict, { confidential: true }, replay);
    await expect(admitted(strict, { confidential: true }, replay)).rejects.toMatchObject({ code: 'SECURITY_REPLAY' });
  });
});

test('2.0: recipient, request and end of a confirmation are checked', async () => {
  const one = async (confirmation: AssertionDraft['confirmation']) => written(draft(saml20, { confirmation }));
  await validated(await one({ method: 'bearer', recipient: audience }));
  const refused = [
    await one({ method: 'bearer', recipient: 'https://elsewhere.example/' }),
    await one({ method: 'bearer', inResponseTo: '_request' }),
    await one({ method: 'bearer', notOnOrAfter: instant(samlStart - 6 * minute) }),
  ];
  for (const text of refused)
    await expect(validated(text)).rejects.toMatchObject({ code: 'SECURITY_TOKEN_CONFIRMATION' });
  await validated(refused[1] ?? '', await requirement({ inResponseTo: '_request' }));
});

test('a proxy restriction is told, and the schema of both ends is held: ids are names, holders are there', async () => {
  const plain = await writeAssertion(draft(), undefined);
  const proxy = plain
    .toString()
    .replace('</saml2:Conditions>', '<saml2:ProxyRestriction Count="0"></saml2:ProxyRestriction></saml2:Conditions>');
  expect(readAssertion(XmlFragment.parse(proxy).element).proxy).toEqual({ count: 0, audiences: [] });
  await expect(writeAssertion(draft(saml20, { id: '1 2' }), undefined)).rejects.toMatchObject({
    code: 'SECURITY_TOKEN_INVALID',
  });
  await expect(
    writeAssertion(draft(saml20, { confirmation: { method: 'holder-of-key' } }), undefined),
  ).rejects.toMatchObject({ code: 'SECURITY_TOKEN_INVALID' });
});

describe('others', () => {
  test.each(versions)('xml-crypto verifies a SAML $name assertion written here', async (version) => {
    const { issuer } = await parties();
    const text = await written(draft(version));
    const verifier = new SignedXml({
      publicCert: issuer.certificate.key.export({ type: 'spki', format: 'pem' }),
      ...(version === saml11 ? { idAttribute: version.id } : {}),
    });
    const signature = /<ds:Signature.*<\/ds:Signature>/s.exec(text)?.[0] ?? '';
    verifier.loadSignature(signature);
    expect(verifier.checkSignature(text)).toBe(true);
    expect(verifier.getSignedReferences()[0]).toContain('alice@example.org');
  });

  const there = spawnSync('xmlsec1', ['--version']).status === 0;
  if (!there) console.info('assertions are not cross-checked with xmlsec1: it is not installed');
  test.skipIf(!there).each(versions)('xmlsec1 verifies and signs a SAML $name assertion', async (version) => {
    const { issuer } = await parties();
    const folder = mkdtempSync(join(tmpdir(), 'surewire-saml-'));
    try {
      const file = (name: string, content: string) => {
        writeFileSync(join(folder, name), content);
        return join(folder, name);
      };
      const spki = file('key.pem', issuer.certificate.key.export({ type: 'spki', format: 'pem' }).toString());
      const ids = [`--id-attr:${version.id}`, `${version.namespace}:Assertion`];
      const text = await written(draft(version));
      const good = file('good.xml', text);
      execFileSync('xmlsec1', ['--verify', '--enabled-key-data', 'key-name', '--pubkey-pem', spki, ...ids, good], {
        stdio: 'pipe',
      });
      // xmlsec1 fills in a template: what it signs is verified here.
      const key = file(
        'private.pem',
        KeyObject.from(issuer.pair.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
      );
      const template = text
        .replace('alice@example.org', 'bob@example.org')
        .replace(/<ds:DigestValue>[^<]*/, '<ds:DigestValue>')
        .replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>');
      const output = execFileSync(
        'xmlsec1',
        ['--sign', '--enabled-key-data', 'key-name', '--privkey-pem', key, ...ids, file('t.xml', template)],
        { stdio: 'pipe' },
      );
      const token = await validated(output.toString().replace(/^<\?xml[^>]*>\s*/, ''));
      expect(token.claims.subject).toBe('bob@example.org');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
