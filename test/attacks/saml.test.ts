/**
 * Attacks on assertions (facts: X1 to X9, C1, K2, K4, K14, K15, R12), each from a valid signed one of either version. What is shown:
 * it is refused, for the expected reason, and nobody but the genuine subject is ever named.
 */
import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasCode } from '../../src/base/errors.ts';
import type { SecurityErrorCode } from '../../src/security/errors.ts';
import { unsafeRsaSha1, unsafeSha1 } from '../../src/security/suites.ts';
import { unsafeAnyAudience } from '../../src/security/tokens/claims.ts';
import { type SamlVersion, saml11, saml20 } from '../../src/security/tokens/saml.ts';
import { isAssertion, readAssertion } from '../../src/security/tokens/saml-assertion.ts';
import type { SamlRequirement } from '../../src/security/tokens/saml-conditions.ts';
import { validateAssertion } from '../../src/security/tokens/saml-validate.ts';
import type { AssertionDraft } from '../../src/security/tokens/saml-write.ts';
import { trustPeers } from '../../src/security/trust.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import {
  admitted,
  draft,
  issuerName,
  parties,
  requirement,
  samlStart,
  validated,
  written,
} from '../security/saml-rig.ts';

const versions = [saml11, saml20];
type Code = SecurityErrorCode | 'XML_UNEXPECTED' | 'XML_DUPLICATE_ID';

const signatureOf = (text: string): string => /<ds:Signature[ >].*<\/ds:Signature>/s.exec(text)?.[0] ?? '';
const without = (text: string): string => text.replace(signatureOf(text), '');
/** The same assertion with another subject, another id, and no signature. */
const evil = (text: string): string =>
  without(text).replaceAll('alice@example.org', 'mallory@example.org').replace('_4f5ddbe6a1b04a5c', '_evil');

function* assertions(element: XmlElement): Iterable<XmlElement> {
  if (isAssertion(element)) yield element;
  for (const one of element.children) yield* assertions(one);
}

/** Every assertion of a document is offered; the names of those that are taken, and the codes of the others. */
async function offered(text: string, required?: SamlRequirement): Promise<{ names: string[]; codes: string[] }> {
  const names: string[] = [];
  const codes: string[] = [];
  const rules = required ?? (await requirement());
  try {
    for (const element of assertions(scan(Buffer.from(text)).root)) {
      try {
        names.push((await validateAssertion(readAssertion(element), rules, samlStart)).claims.subject ?? '');
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    }
  } catch (error) {
    codes.push((error as { code: string }).code);
  }
  return { names, codes };
}

/** Where an attacker may put the evil assertion, the genuine one and its signature. */
const wrappings: readonly (readonly [string, (good: string, v: SamlVersion) => string])[] = [
  ['X3 the evil assertion before the genuine one', (good) => `<h>${evil(good)}${good}</h>`],
  ['X9 the evil assertion behind the genuine one', (good) => `<h>${good}${evil(good)}</h>`],
  [
    'X1 the genuine assertion in a ds:Object of its own signature, around which the evil one stands',
    (good) =>
      into(
        evil(good),
        signatureOf(good).replace('</ds:Signature>', `<ds:Object>${without(good)}</ds:Object></ds:Signature>`),
      ),
  ],
  [
    'X2 the signature moved to the evil assertion, the genuine one beside it',
    (good) => `<h>${into(evil(good), signatureOf(good))}${without(good)}</h>`,
  ],
  [
    'X4 the genuine assertion inside the evil one, signed there',
    (good, v) => into(evil(good), `<${v.prefix}:Advice>${good}</${v.prefix}:Advice>`),
  ],
  [
    'X5 the evil assertion inside the genuine one',
    (good, v) =>
      good.replace(
        `<${v.prefix}:Conditions`,
        `<${v.prefix}:Advice>${evil(good)}</${v.prefix}:Advice><${v.prefix}:Conditions`,
      ),
  ],
  ['both with one id', (good) => `<h>${evil(good).replace('_evil', '_4f5ddbe6a1b04a5c')}${good}</h>`],
  [
    'both with one id, the genuine one first',
    (good) => `<h>${good}${evil(good).replace('_evil', '_4f5ddbe6a1b04a5c')}</h>`,
  ],
  ['the signature copied into the evil one as well', (good) => `<h>${into(evil(good), signatureOf(good))}${good}</h>`],
];

/** Before the end tag. */
function into(text: string, more: string): string {
  const at = text.lastIndexOf('</');
  return text.slice(0, at) + more + text.slice(at);
}

describe.each(versions)('XSW on SAML $name', (version) => {
  test.each(wrappings)('%s', async (_, wrap) => {
    const good = await written(draft(version));
    const { names, codes } = await offered(wrap(good, version));
    expect(names).not.toContain('mallory@example.org');
    expect(codes.length).toBeGreaterThan(0);
  });

  test('two signatures: the attacker signs as well', async () => {
    const { other } = await parties();
    const good = await written(draft(version));
    const mine = await written(draft(version, { subject: { name: 'mallory@example.org' } }), { key: other.key() });
    expect(await offered(into(mine, signatureOf(good)))).toMatchObject({ names: [], codes: ['XML_UNEXPECTED'] });
  });
});

const changes: readonly (readonly [string, Code, (good: string, v: SamlVersion) => string])[] = [
  ['XML signature exclusion: no signature at all', 'SECURITY_TOKEN_INVALID', (good) => without(good)],
  [
    'XML signature exclusion: a signature in another namespace',
    'SECURITY_TOKEN_INVALID',
    (good) => good.replaceAll('http://www.w3.org/2000/09/xmldsig#"', 'urn:not-xmldsig"'),
  ],
  [
    'an empty signature',
    'SECURITY_MALFORMED',
    (good) => good.replace(signatureOf(good), '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'),
  ],
  [
    'C1 a comment in the name',
    'XML_UNEXPECTED',
    (good) => good.replace('alice@example.org', 'alice@example.org<!-- -->.evil.example'),
  ],
  [
    'C2 a CDATA section in the name',
    'XML_UNEXPECTED',
    (good) => good.replace('alice@example.org', 'alice@<![CDATA[example.org]]>'),
  ],
  [
    'an instruction in the name',
    'XML_UNEXPECTED',
    (good) => good.replace('alice@example.org', 'alice@<?x?>example.org'),
  ],
  [
    'C1 a comment in the audience',
    'XML_UNEXPECTED',
    (good) => good.replace('https://service.example/soap', 'https://service.example/<!-- -->soap'),
  ],
  [
    'C1 a comment in the digest',
    'XML_UNEXPECTED',
    (good) => good.replace('<ds:DigestValue>', '<ds:DigestValue><!---->'),
  ],
  ['another subject', 'SECURITY_DIGEST', (good) => good.replaceAll('alice@', 'mallory@')],
  ['another role', 'SECURITY_DIGEST', (good) => good.replace('buyer', 'admin')],
  ['another lifetime', 'SECURITY_DIGEST', (good) => good.replace(/NotOnOrAfter="2026/, 'NotOnOrAfter="2027')],
  ['an empty reference', 'SECURITY_SIGNATURE', (good) => good.replace(/URI="#[^"]*"/, 'URI=""')],
  ['no reference URI', 'SECURITY_SIGNATURE', (good) => good.replace(/ URI="#[^"]*"/, '')],
  ['a reference to something else', 'SECURITY_SIGNATURE', (good) => good.replace(/URI="#[^"]*"/, 'URI="#other"')],
  [
    'D10 an XPath transform that selects nothing',
    'SECURITY_ALGORITHM',
    (good) =>
      good.replace(
        'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
        'http://www.w3.org/TR/1999/REC-xpath-19991116',
      ),
  ],
  [
    'C3 a third transform',
    'SECURITY_LIMIT',
    (good) =>
      good.replace(
        '<ds:Transforms>',
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>',
      ),
  ],
  [
    'K2 HMAC, the public key being the secret',
    'SECURITY_ALGORITHM',
    (good) => good.replace(/xmldsig-more#rsa-sha256/, 'xmldsig-more#hmac-sha256'),
  ],
  [
    'K4 SHA-1',
    'SECURITY_ALGORITHM',
    (good) => good.replace('http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2000/09/xmldsig#sha1'),
  ],
  [
    'K3 a truncated signature',
    'SECURITY_MALFORMED',
    (good) => good.replace(/(SignatureMethod Algorithm="[^"]*">)/, '$1<ds:HMACOutputLength>8</ds:HMACOutputLength>'),
  ],
  [
    'K15 a condition that nobody knows',
    'SECURITY_TOKEN_INVALID',
    (good, v) => good.replace(`</${v.prefix}:Conditions>`, `<x:Region xmlns:x="urn:x"/></${v.prefix}:Conditions>`),
  ],
  [
    'another version',
    'SECURITY_TOKEN_INVALID',
    (good) => good.replace(/(Major)?Version="[12](\.0)?"/, '$1Version="3"'),
  ],
  [
    'R5 a local time',
    'SECURITY_TOKEN_INVALID',
    (good) => good.replace(/NotOnOrAfter="([^"]*)Z"/, 'NotOnOrAfter="$1+02:00"'),
  ],
  ['no id', 'SECURITY_MALFORMED', (good, v) => good.replace(` ${v.id}="_4f5ddbe6a1b04a5c"`, '')],
  ['an empty issuer', 'SECURITY_TOKEN_INVALID', (good) => good.replace(issuerName, '')],
];

describe.each(versions)('a changed SAML $name assertion', (version) => {
  test('is accepted unchanged', async () => {
    expect((await validated(await written(draft(version)))).claims.subject).toBe('alice@example.org');
  });
  test.each(changes)('%s', async (_, code, change) => {
    const good = await written(draft(version));
    const changed = change(good, version);
    expect(changed).not.toBe(good);
    expect(await offered(changed)).toEqual({ names: [], codes: [code] });
  });
});

describe.each(versions)('who signs SAML $name', (version) => {
  const refused = async (code: Code, of: AssertionDraft, required?: SamlRequirement, signer?: 'other' | 'holder') => {
    const all = await parties();
    const text = await written(of, signer === undefined ? {} : { key: all[signer].key() });
    const error = await validated(text, required).catch((thrown: unknown) => thrown);
    expect(hasCode(error, code), String(error)).toBe(true);
  };

  test('K1 a certificate that the assertion brings, which nobody trusts', async () => {
    await refused('SECURITY_CERTIFICATE_UNTRUSTED', draft(version), undefined, 'other');
  });
  test('K1 a bare key that the assertion brings', async () => {
    const { other } = await parties();
    const text = await written(draft(version), { key: other.key() });
    const { x = '', y = '' } = other.certificate.key.export({ format: 'jwk' });
    const point = Buffer.concat([Uint8Array.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]).toString(
      'base64',
    );
    const bare = `<ds:KeyValue><e:ECKeyValue xmlns:e="http://www.w3.org/2009/xmldsig11#"><e:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/><e:PublicKey>${point}</e:PublicKey></e:ECKeyValue></ds:KeyValue>`;
    const swapped = text.replace(/<ds:X509Data>.*<\/ds:X509Data>/s, bare);
    expect(await offered(swapped)).toEqual({ names: [], codes: ['SECURITY_TOKEN'] });
  });
  test('one issuer speaks for another that is trusted as well', async () => {
    const { other } = await parties();
    const both = await requirement();
    const issuers = [...both.issuers, { name: 'https://other.example/', trust: trustPeers(other.certificate) }];
    await refused('SECURITY_CERTIFICATE_UNTRUSTED', draft(version), { ...both, issuers }, 'other');
  });
  test('an issuer that nobody named', async () => {
    await refused('SECURITY_TOKEN_INVALID', draft(version, { issuer: `${issuerName}x` }));
  });
  test('K15 another audience, and none at all', async () => {
    await refused('SECURITY_TOKEN_INVALID', draft(version, { audiences: ['https://other.example/'] }));
    await refused('SECURITY_TOKEN_INVALID', draft(version, { audiences: [] }));
    const any = await requirement({ audiences: unsafeAnyAudience });
    await validated(await written(draft(version, { audiences: [] })), any);
  });
  test('K14 vouched for by nobody, or by whoever sends it', async () => {
    const plain = (await written(draft(version, { confirmation: { method: 'sender-vouches' } }))).toString();
    const unsigned = without(plain);
    expect(await offered(unsigned)).toEqual({ names: [], codes: ['SECURITY_TOKEN_INVALID'] });
    const token = await validated(unsigned, await requirement({ unsigned: true }));
    const { holder } = await parties();
    const own = { keys: new Set([holder.certificate.keyFingerprint]), confidential: true };
    await expect(admitted(token, own)).rejects.toMatchObject({ code: 'SECURITY_TOKEN_CONFIRMATION' });
  });
  test('K14 an unsigned assertion with a bearer or a key of its own is never vouched for', async () => {
    const { holder } = await parties();
    const rules = await requirement({ unsigned: true });
    for (const confirmation of [
      { method: 'bearer' },
      { method: 'holder-of-key', holder: holder.certificate },
    ] as const) {
      const unsigned = without(await written(draft(version, { confirmation })));
      expect(await offered(unsigned, rules)).toEqual({ names: [], codes: ['SECURITY_TOKEN_CONFIRMATION'] });
    }
  });
  test('a method of confirmation that the policy does not take', async () => {
    await refused(
      'SECURITY_TOKEN_CONFIRMATION',
      draft(version),
      await requirement({ confirmations: ['holder-of-key'] }),
    );
  });
  test('K2 a secret of the same octets as a public key proves nothing', async () => {
    const { holder } = await parties();
    const confirmation = { method: 'holder-of-key', holder: holder.certificate } as const;
    const token = await validated(await written(draft(version, { confirmation })));
    const octets = holder.certificate.key.export({ type: 'spki', format: 'der' });
    await expect(admitted(token, { secrets: [createSecretKey(octets)] })).rejects.toMatchObject({
      code: 'SECURITY_TOKEN_CONFIRMATION',
    });
  });
  test('K4 weak algorithms are taken only from a policy that lists them', async () => {
    const { issuer } = await parties();
    const text = await written(draft(version), { algorithm: unsafeRsaSha1, digest: unsafeSha1 });
    await expect(validated(text)).rejects.toMatchObject({ code: 'SECURITY_ALGORITHM' });
    await validated(text, await requirement({ signatures: [unsafeRsaSha1], digests: [unsafeSha1] }));
    expect(issuer.certificate.key.asymmetricKeyType).toBe('rsa');
  });
});

test('D9 too many attributes, audiences and certificates are refused before any signature is computed', async () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => `v${at}`);
  for (const of of [
    draft(saml20, { attributes: new Map([['a', many(1_025)]]) }),
    draft(saml20, { attributes: new Map(many(257).map((name) => [name, ['x']])) }),
    draft(saml20, { audiences: many(65) }),
  ])
    await expect(validated(await written(of))).rejects.toMatchObject({ code: 'SECURITY_LIMIT' });
});
