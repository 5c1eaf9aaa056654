/** X.509 Token Profile 1.1 and STR-Transform: what WSS4J wrote, what OpenSSL wrote, and what is refused. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { beforeAll, describe, expect, test } from 'vitest';
import { base64, concat, utf8, view } from '../../src/base/bytes.ts';
import { instant } from '../../src/base/clock.ts';
import { hasCode } from '../../src/base/errors.ts';
import { type Certificate, certificate, certificates } from '../../src/security/certificates.ts';
import { base64Digest } from '../../src/security/crypto.ts';
import type { SecurityHeader } from '../../src/security/header.ts';
import { base64Binary, ds, wsse, wsu, x509Pkcs7, x509PkiPath, x509v3 } from '../../src/security/names.ts';
import { x509Signed } from '../../src/security/policy.ts';
import { readSignature, verifySignature } from '../../src/security/signature.ts';
import { sha256 } from '../../src/security/suites.ts';
import { readPkcs7, readPkiPath, writePkcs7, writePkiPath } from '../../src/security/tokens/certificate-paths.ts';
import { readTokenReference } from '../../src/security/tokens/reference.ts';
import {
  dereference,
  strTransform,
  strTransformOctets,
  writeStrTransform,
} from '../../src/security/tokens/str-transform.ts';
import { certificateOf, foundCertificate, readX509Token, type TokenScope } from '../../src/security/tokens/x509.ts';
import { trustChain } from '../../src/security/trust.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { elementsById } from '../../src/xml/find.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { craft, receive } from '../attacks/support.ts';
import { wideProfile } from './dsig.ts';
import { type Issued, issue } from './pki.ts';
import { acceptor, policyOf, secured } from './rig.ts';

const vectors = join(import.meta.dirname, '../../../shared/vectors/cxf-wss');
const there = existsSync(vectors);
if (!there) console.info(`STR-Transform is not checked against WSS4J: ${vectors} is absent`);

let root: Issued;
let between: Issued;
let leaf: Issued;
beforeAll(async () => {
  root = await issue({ name: 'root', ca: true });
  between = await issue({ name: 'between', ca: true }, root);
  leaf = await issue({ name: 'leaf' }, between);
});

const token = (valueType: string, octets: Uint8Array, id = 't'): string =>
  `<w:BinarySecurityToken xmlns:w="${wsse}" xmlns:u="${wsu}" u:Id="${id}" EncodingType="${base64Binary}" ValueType="${valueType}">${base64(octets)}</w:BinarySecurityToken>`;
const str = (inner: string): string =>
  `<w:SecurityTokenReference xmlns:w="${wsse}" xmlns:u="${wsu}" u:Id="str">${inner}</w:SecurityTokenReference>`;

/** A header that holds `parts`, as far as references look at it. */
function scopeOf(parts: string, known: readonly Certificate[] = []): TokenScope & { readonly element: XmlElement } {
  const { root: element } = scan(utf8(`<w:Security xmlns:w="${wsse}">${parts}</w:Security>`));
  const binaryTokens = element.children.filter((one) => one.local === 'BinarySecurityToken');
  const header = { element, binaryTokens } as unknown as SecurityHeader;
  return { header, ids: elementsById(element.document), known, element };
}
const refused = (code: string, work: () => unknown): void => {
  let error: unknown;
  try {
    work();
  } catch (thrown) {
    error = thrown;
  }
  expect(hasCode(error, code), String(error)).toBe(true);
};

describe('paths (BSP R5201)', () => {
  test('PKIPath, the leaf last in it', () => {
    const octets = writePkiPath([leaf.certificate, between.certificate]);
    const read = readX509Token(XmlFragment.parse(token(x509PkiPath, octets)).element);
    expect(read.certificate).toBe(leaf.certificate);
    expect(read.others).toEqual([between.certificate]);
    const many = writePkiPath(Array.from({ length: 11 }, () => leaf.certificate));
    refused('SECURITY_LIMIT', () => readPkiPath(many));
    refused('SECURITY_CERTIFICATE_MALFORMED', () => readPkiPath(leaf.certificate.der.subarray(1)));
    refused('SECURITY_CERTIFICATE_MALFORMED', () => readPkiPath(concat([octets, Uint8Array.of(0)])));
    refused('SECURITY_LIMIT', () => readPkiPath(new Uint8Array(65_537)));
  });

  const openssl = spawnSync('openssl', ['version']).status === 0;
  if (!openssl) console.info('PKCS#7 is not checked against OpenSSL: it is not installed');
  test.skipIf(!openssl)(
    'PKCS#7 as OpenSSL writes it, in any order; what is written here is octet for octet the same',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'surewire-p7-'));
      try {
        for (const order of [[leaf, between, root], [root, between, leaf], [leaf]]) {
          const pem = order.map(
            (one) =>
              `-----BEGIN CERTIFICATE-----\n${base64(one.certificate.der).replace(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
          );
          writeFileSync(join(folder, 'chain.pem'), pem.join(''));
          const octets = execFileSync('openssl', [
            'crl2pkcs7',
            '-nocrl',
            '-certfile',
            join(folder, 'chain.pem'),
            '-outform',
            'DER',
          ]);
          const read = readX509Token(XmlFragment.parse(token(x509Pkcs7, new Uint8Array(octets))).element);
          expect(read.certificate).toBe(leaf.certificate);
          expect(read.others.length).toBe(order.length - 1);
          expect(view(writePkcs7(order.map(({ certificate }) => certificate)))).toEqual(octets);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      refused('SECURITY_CERTIFICATE_MALFORMED', () => readPkcs7(leaf.certificate.der));
    },
  );
});

test.each(['path', 'pkcs7'] as const)(
  'a %s takes the issuers along for a reader that has none of them',
  async (reference) => {
    const signed = await secured(policyOf(leaf, root, { key: leaf.key([between]), reference }));
    const heard = async (octets: Uint8Array) => {
      const end = acceptor(policyOf(await issue({ name: 'reader' }), root));
      await end.receive(octets);
      return end.heard.length;
    };
    expect(await heard(signed)).toBe(1);
    expect(await heard(await secured(policyOf(leaf, root, { key: leaf.key([between]) })))).toBe(0);
  },
);

describe('references', () => {
  test('direct, with the ValueType of the token', () => {
    const scope = scopeOf(token(x509v3, leaf.certificate.der));
    const direct = (valueType: string, uri = '#t') =>
      XmlFragment.parse(
        `<d:KeyInfo xmlns:d="${ds}">${str(`<w:Reference URI="${uri}" ValueType="${valueType}"/>`)}</d:KeyInfo>`,
      ).element;
    expect(certificateOf(direct(x509v3), scope)).toBe(leaf.certificate);
    refused('SECURITY_MALFORMED', () => certificateOf(direct(x509PkiPath), scope));
    refused('SECURITY_TOKEN', () => certificateOf(direct(x509v3, '#u'), scope));
    refused('SECURITY_TOKEN', () => certificateOf(direct(x509v3, 'https://evil.example/c'), scope));
  });
  test('embedded, and by a name that the caller gave', () => {
    const scope = scopeOf('');
    const embedded = readTokenReference(
      XmlFragment.parse(str(`<w:Embedded>${token(x509v3, leaf.certificate.der)}</w:Embedded>`)).element,
    );
    expect(foundCertificate(embedded, scope).certificate).toBe(leaf.certificate);
    const named = readTokenReference(XmlFragment.parse(str(`<d:KeyName xmlns:d="${ds}">leaf</d:KeyName>`)).element);
    refused('SECURITY_TOKEN', () => foundCertificate(named, scope));
    const names = new Map([['leaf', leaf.certificate]]);
    expect(foundCertificate(named, { ...scope, names }).certificate).toBe(leaf.certificate);
  });
  test('two in one, none, and kinds that nobody knows', () => {
    for (const inner of ['', '<w:Reference URI="#a"/><w:Reference URI="#b"/>', '<w:Embedded/>'])
      refused('SECURITY_MALFORMED', () => readTokenReference(XmlFragment.parse(str(inner)).element));
    for (const inner of ['<x/>', '<w:KeyIdentifier ValueType="urn:x">AAAA</w:KeyIdentifier>'])
      refused('SECURITY_UNSUPPORTED', () => readTokenReference(XmlFragment.parse(str(inner)).element));
  });
});

describe('STR-Transform (WSS 1.1 section 8.3)', () => {
  test.skipIf(!there)('a certificate by issuer and serial, signed by WSS4J', () => {
    const file = join(vectors, 'wss4j/signed_x509_issuer_serial_token_prot.xml');
    const document = scan(new Uint8Array(readFileSync(file)));
    const [own] = certificates(readFileSync(join(vectors, 'keys/myalias.cert.pem'), 'utf8'));
    if (own === undefined) throw new Error('no certificate');
    const find = (element: XmlElement): XmlElement | undefined =>
      element.is(ds, 'Signature') ? element : element.children.map(find).find((one) => one !== undefined);
    const signature = find(document.root);
    const security = signature?.parent;
    if (signature === undefined || security === undefined) throw new Error('no signature');
    const header = { element: security, binaryTokens: [] } as unknown as SecurityHeader;
    const scope = { header, ids: elementsById(document), known: [own] };
    const wide = wideProfile(document, file);
    const row = strTransform((reference) => dereference(reference, scope));
    const profile = { ...wide, transforms: new Map([...wide.transforms, [row.uri, row]]) };
    const read = readSignature(signature, profile);
    const verified = verifySignature(read, own.key, profile);
    expect(verified.certificates).toEqual([own]);
    // The reference itself is covered by nothing: only what it stands for is.
    expect([...verified.covered.keys()].some((one) => one.local === 'SecurityTokenReference')).toBe(false);
  });

  test('a token of the message is covered, not the reference; another token is not', async () => {
    const parts = token(x509v3, leaf.certificate.der) + str('<w:Reference URI="#t"/>');
    const scope = scopeOf(parts);
    const element = scope.header.binaryTokens[0];
    if (element === undefined) throw new Error('no token');
    const digest = base64Digest(sha256, strTransformOctets({ element }));
    const content =
      `<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>` +
      `<ds:SignatureMethod Algorithm="${leaf.key().algorithm.uri}"></ds:SignatureMethod>` +
      `<ds:Reference URI="#str"><ds:Transforms>${writeStrTransform()}</ds:Transforms>` +
      `<ds:DigestMethod Algorithm="${sha256.uri}"></ds:DigestMethod><ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`;
    const { signedInfoOctets, writeSignature } = await import('../../src/security/signature.ts');
    const key = leaf.key();
    const value = await key.sign(key.algorithm, signedInfoOctets(content));
    const signature = writeSignature(content, value, '<ds:KeyName>x</ds:KeyName>');
    const verify = (text: string) => {
      const all = scopeOf(text);
      const wide = wideProfile(all.element.document, '');
      const row = strTransform((reference) => dereference(reference, all));
      const profile = { ...wide, transforms: new Map([...wide.transforms, [row.uri, row]]) };
      const found = all.element.children.find((one) => one.is(ds, 'Signature'));
      if (found === undefined) throw new Error('no signature');
      return { ...verifySignature(readSignature(found, profile), leaf.certificate.key, profile), all };
    };
    const { covered, all } = verify(parts + signature);
    expect([...covered.keys()]).toEqual(all.header.binaryTokens);
    // X: the reference is turned to another token of the same header.
    const turned = parts.replace('URI="#t"', 'URI="#other"') + token(x509v3, root.certificate.der, 'other') + signature;
    refused('SECURITY_DIGEST', () => verify(turned));
    // X: what it leads to is no token.
    refused('SECURITY_TOKEN', () =>
      verify(`${parts.replace('URI="#t"', 'URI="#b"')}<b xmlns:u="${wsu}" u:Id="b"/>${signature}`),
    );
    refused('SECURITY_SIGNATURE', () =>
      verify(
        parts +
          signature.replace(
            'xml-exc-c14n#"></ds:CanonicalizationMethod></wsse',
            'xml-exc-c14n#WithComments"></ds:CanonicalizationMethod></wsse',
          ),
      ),
    );
  });
});

describe('a whole path in the message', () => {
  const reference = (valueType: string) =>
    `<wsse:SecurityTokenReference><wsse:Reference URI="#t" ValueType="${valueType}"></wsse:Reference></wsse:SecurityTokenReference>`;
  const signed = async (bytes: Uint8Array) =>
    craft({
      key: leaf.key(),
      token: token(x509PkiPath, bytes).replaceAll('w:', 'wsse:').replace(`xmlns:wsse="${wsse}"`, ''),
      keyReference: reference(x509PkiPath),
    });
  test('lets the other end build it, to an anchor of its own and to no other', async () => {
    const service = await issue({ name: 'service' }, root);
    const path = writePkiPath([leaf.certificate, between.certificate]);
    const end = acceptor(policyOf(service, root));
    expect(await receive(end, await signed(path))).toEqual({ answer: undefined, codes: [] });
    expect(end.heard).toHaveLength(1);
    const stranger = await issue({ name: 'root', ca: true });
    const other = acceptor(policyOf(service, stranger));
    expect((await receive(other, await signed(path))).codes).toEqual(['SECURITY_CERTIFICATE_UNTRUSTED']);
    // Without the certificate between, and with the anchor in its place.
    const without = acceptor(policyOf(service, root));
    const short = await signed(writePkiPath([leaf.certificate]));
    expect((await receive(without, short)).codes).toEqual(['SECURITY_CERTIFICATE_UNTRUSTED']);
    expect((await receive(without, await signed(path))).codes).toEqual([]);
  });
  test('is what a policy sends that names its certificate by path', async () => {
    const service = await issue({ name: 'service' }, root);
    const key = leaf.key([between]);
    expect(key.chain).toHaveLength(2);
    const trust = trustChain({ anchors: root.certificate });
    for (const [reference, codes] of [
      ['path', []],
      ['direct', ['SECURITY_CERTIFICATE_UNTRUSTED']],
    ] as const) {
      const end = acceptor(policyOf(service, root, { protectTokens: true }));
      const octets = await secured(x509Signed({ key, trust, reference, signToken: true }));
      expect((await receive(end, octets)).codes).toEqual(codes);
    }
  });
  test('E7 of certificates: a ring of authorities that certify one another ends soon', async () => {
    const [one, two] = [await issue({ name: 'one', ca: true }), await issue({ name: 'two', ca: true })];
    const below = await issue({ name: 'below' }, one);
    const ring: Certificate[] = [];
    for (let at = 0; at < 9; at++) {
      const [own, above] = at % 2 === 0 ? [one, two] : [two, one];
      const copy = pkijs.Certificate.fromBER(Uint8Array.from(own.certificate.der));
      copy.serialNumber = new asn1js.Integer({ value: 9_000 + at });
      copy.issuer.typesAndValues = above.pki.subject.typesAndValues;
      await copy.sign(above.pair.privateKey, 'SHA-256');
      ring.push(certificate(new Uint8Array(copy.toSchema(true).toBER())));
    }
    const trust = trustChain({ anchors: root.certificate });
    await expect(trust.accept(below.certificate, instant(Date.UTC(2026, 10, 22)), ring)).rejects.toMatchObject({
      code: 'SECURITY_CERTIFICATE_UNTRUSTED',
    });
  });
});
