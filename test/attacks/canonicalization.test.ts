/** Canonicalization and digest tricks, C1 to C5, and K3: values with two readings, algorithms chosen by the sender. */
import { describe, expect, test } from 'vitest';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptor, order, policyOf, secured } from '../security/rig.ts';
import { attacks, craft, cut, prepare, receive, service, swap } from './support.ts';

const other = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';

describe('C2 values with comments or markup inside', () => {
  const inDigest = (what: string) => (valid: string) => valid.replace(/<ds:DigestValue>/, `<ds:DigestValue>${what}`);
  attacks([
    ['a comment in a DigestValue (CVE-2025-29775)', 'SECURITY_MALFORMED', inDigest('<!---->')],
    ['another digest in a comment', 'SECURITY_MALFORMED', inDigest(`<!--${other}-->`)],
    ['another digest in CDATA', 'SECURITY_MALFORMED', inDigest(`<![CDATA[${other}]]>`)],
    ['an element in a DigestValue', 'SECURITY_MALFORMED', inDigest(`<x>${other}</x>`)],
    [
      'a second DigestValue',
      'SECURITY_MALFORMED',
      (valid) => valid.replace(/<ds:DigestValue>/, `<ds:DigestValue>${other}</ds:DigestValue><ds:DigestValue>`),
    ],
    [
      'a comment in the SignatureValue',
      'SECURITY_MALFORMED',
      (valid) => swap(valid, '</ds:SignatureValue>', '<!--x--></ds:SignatureValue>'),
    ],
    [
      'a second SignatureValue',
      'SECURITY_MALFORMED',
      (valid) => {
        const value = cut(valid, 'ds:SignatureValue');
        return swap(valid, value, value + value);
      },
    ],
    [
      'a comment in the token',
      'SECURITY_MALFORMED',
      (valid) => swap(valid, '</wsse:BinarySecurityToken>', '<!--x--></wsse:BinarySecurityToken>'),
    ],
    [
      'base64 with unused bits set',
      ['SECURITY_MALFORMED', 'SECURITY_SIGNATURE'],
      (valid) =>
        valid.replace(
          /(.)==<\/ds:SignatureValue>/,
          (_, last: string) => `${String.fromCharCode(last.charCodeAt(0) + 1)}==</ds:SignatureValue>`,
        ),
    ],
    [
      'text in the Security header',
      'SECURITY_MALFORMED',
      (valid) => swap(valid, '</wsse:Security>', 'x</wsse:Security>'),
    ],
  ]);
});

describe('C1 comments in signed text do not split it', () => {
  test('the application reads the text that was signed', async () => {
    const stage = await prepare();
    const end = service(stage);
    await end.receive(swap(stage.valid, 'two of them', 'two<!-- hundred --> of them'));
    expect(end.heard).toHaveLength(1);
    expect(end.heard[0]?.message.body.element.children[0]?.children[1]?.text).toBe('two of them');
    expect(end.heard[0]?.message.body.toString()).toContain('<o:Note>two of them</o:Note>');
  });
  test('neither does the Action', async () => {
    const stage = await prepare();
    const end = acceptor(policyOf(stage.pki.service, stage.pki.root));
    await end.receive(swap(stage.valid, 'urn:orders/place', 'urn:orders<!--/cancel-->/place'));
    expect(end.heard.map((one) => one.message.action)).toEqual(['urn:orders/place']);
  });
});

describe('C3, C4 transforms and canonicalizations that the policy does not have', () => {
  const method =
    (from: string, to: string) =>
    async (_: string, { pki }: Parameters<Parameters<typeof attacks>[0][0][2]>[1]) =>
      craft({ key: pki.client.key(), signedInfo: (content) => content.replace(from, to) });
  const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
  const transform = `<ds:Transform Algorithm="${exclusive}"></ds:Transform>`;
  const canonicalization = `CanonicalizationMethod Algorithm="${exclusive}"`;
  attacks([
    [
      'SignedInfo with comments',
      'SECURITY_ALGORITHM',
      method(canonicalization, `CanonicalizationMethod Algorithm="${exclusive}WithComments"`),
    ],
    [
      'SignedInfo inclusive',
      'SECURITY_ALGORITHM',
      method(canonicalization, 'CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"'),
    ],
    [
      'a canonicalization nobody knows',
      'SECURITY_ALGORITHM',
      method(canonicalization, 'CanonicalizationMethod Algorithm="urn:mine"'),
    ],
    [
      'a reference with comments',
      'SECURITY_ALGORITHM',
      method(transform, `<ds:Transform Algorithm="${exclusive}WithComments"></ds:Transform>`),
    ],
    [
      'enveloped-signature',
      'SECURITY_ALGORITHM',
      method(
        transform,
        `<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>${transform}`,
      ),
    ],
    [
      'XPath',
      'SECURITY_ALGORITHM',
      method(
        transform,
        '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>true()</ds:XPath></ds:Transform>',
      ),
    ],
    [
      'XPath Filter 2',
      'SECURITY_ALGORITHM',
      method(transform, '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"></ds:Transform>'),
    ],
    [
      'XSLT',
      'SECURITY_ALGORITHM',
      method(transform, '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></ds:Transform>'),
    ],
    ['no transform', 'SECURITY_REFERENCE', method(`<ds:Transforms>${transform}</ds:Transforms>`, '')],
    ['the canonicalization twice', 'SECURITY_REFERENCE', method(transform, transform + transform)],
    ['D9 three transforms', 'SECURITY_LIMIT', method(transform, transform + transform + transform)],
    [
      'unknown parameters of a transform',
      'SECURITY_MALFORMED',
      method(transform, transform.replace('></ds:T', '><ds:X></ds:X></ds:T')),
    ],
    [
      'K3 HMACOutputLength',
      'SECURITY_MALFORMED',
      method(
        'rsa-sha256"></ds:SignatureMethod>',
        'rsa-sha256"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>',
      ),
    ],
    ['D11 a reference to the whole document', 'SECURITY_REFERENCE', method('URI="#body"', 'URI=""')],
    ['D11 an xpointer', 'SECURITY_REFERENCE', method('URI="#body"', 'URI="#xpointer(/)"')],
    ['D11 a reference to a file', 'SECURITY_REFERENCE', method('URI="#body"', 'URI="file:///etc/passwd"')],
    ['D11 a reference to a host', 'SECURITY_REFERENCE', method('URI="#body"', 'URI="http://127.0.0.1/"')],
    ['D11 a reference without URI', 'SECURITY_REFERENCE', method(' URI="#body"', '')],
    [
      'D12 a Manifest in the signature',
      'SECURITY_MALFORMED',
      async (valid) => swap(valid, '</ds:Signature>', '<ds:Object><ds:Manifest/></ds:Object></ds:Signature>'),
    ],
    [
      'D9 65 references',
      'SECURITY_LIMIT',
      async (_, { pki }) =>
        craft({
          key: pki.client.key(),
          signedInfo: (content) => content + (content.match(/<ds:Reference .*?<\/ds:Reference>/)?.[0] ?? '').repeat(63),
        }),
    ],
    [
      'D9 five signatures',
      'SECURITY_LIMIT',
      (valid) => {
        const signature = cut(valid, 'ds:Signature');
        return swap(valid, signature, signature.repeat(5));
      },
    ],
    [
      'D9 seventeen tokens',
      'SECURITY_LIMIT',
      (valid) => {
        const token = cut(valid, 'wsse:BinarySecurityToken');
        const many = Array.from({ length: 16 }, (_, index) => token.replace(/wsu:Id="[^"]*"/, `wsu:Id="t${index}"`));
        return swap(valid, token, token + many.join(''));
      },
    ],
  ]);
});

describe('C5 a prefix that only content uses', () => {
  test('is signed with its meaning when the sender lists it', async () => {
    const stage = await prepare();
    const { pki } = stage;
    const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
    const typed = `<s:Body xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsu="${wsu}" wsu:Id="body"><o:V xmlns:o="urn:o" xmlns:t="urn:good" type="t:Price"></o:V></s:Body>`;
    const clear = { ...order(), body: XmlFragment.parse(typed) };
    const octets = new TextDecoder().decode(await secured(policyOf(pki.client, pki.root), clear));
    expect(octets).toContain('PrefixList="t"');
    const end = service(stage);
    await end.receive(octets);
    expect(end.heard).toHaveLength(1);
    const { codes } = await receive(service(stage), octets.replace('urn:good', 'urn:evil'));
    expect(codes).toEqual(['SECURITY_DIGEST']);
  });
});
