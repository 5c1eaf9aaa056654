/**
 * What is kept from one message to the next is attacked: names by octets, start tags, certificates, verdicts of trust, values
 * of signatures. Nothing that one message leaves behind may make another mean, or be worth, something else.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { base64, fromBase64 } from '../../src/base/bytes.ts';
import { anonymousForCertificate } from '../../src/security/presets/for-certificate.ts';
import { trustChain } from '../../src/security/trust.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptor, order, policyOf, secured, start } from '../security/rig.ts';
import { type People, people, request, symmetricEnds } from './encrypted-support.ts';
import { prepare, receive, type Stage, service } from './support.ts';

const soap12 = 'http://www.w3.org/2003/05/soap-envelope';

let stage: Stage;
let all: People;
beforeAll(async () => {
  stage = await prepare();
  all = await people();
});

describe('names of algorithms that are known by their octets', () => {
  /** The same length and the same octets where the place in the memory of names is computed from. */
  function lookalikes(uri: string): readonly string[] {
    const fixed = new Set([uri.length - 1, uri.length - 3, uri.length >> 1]);
    return [...uri].flatMap((character, at) =>
      fixed.has(at) || !/[a-z0-9]/.test(character) ? [] : [`${uri.slice(0, at)}_${uri.slice(at + 1)}`],
    );
  }

  test.each([
    ['SignatureMethod', /SignatureMethod Algorithm="([^"]*)"/, 'SECURITY_ALGORITHM'],
    ['DigestMethod', /DigestMethod Algorithm="([^"]*)"/, 'SECURITY_ALGORITHM'],
    ['Transform', /Transform Algorithm="([^"]*)"/, 'SECURITY_ALGORITHM'],
    ['CanonicalizationMethod', /CanonicalizationMethod Algorithm="([^"]*)"/, 'SECURITY_ALGORITHM'],
    ['ValueType', /BinarySecurityToken[^>]* ValueType="([^"]*)"/, 'SECURITY_UNSUPPORTED'],
  ])('%s: a name that falls into the same place is no other name, before and after', async (_, pattern, code) => {
    const [found = '', uri = ''] = pattern.exec(stage.valid) ?? [];
    for (const other of lookalikes(uri)) {
      const end = service(stage);
      const attacked = stage.valid.replace(found, found.replace(uri, other));
      expect((await receive(end, attacked)).codes, other).toEqual([code]);
      expect(end.heard).toHaveLength(0);
      expect((await receive(end, stage.valid)).codes).toEqual([]);
      expect(end.heard).toHaveLength(1);
    }
  });
});

describe('verdicts on a certificate', () => {
  test('K16 one policy believing it is nothing to another that does not', async () => {
    const { service: own, stranger } = stage.pki;
    const message = new TextDecoder().decode(await secured(policyOf(stranger, stranger)));
    for (const turn of [0, 1]) {
      const believing = acceptor(policyOf(own, stranger));
      expect((await receive(believing, message)).codes, `turn ${turn}`).toEqual([]);
      expect((await receive(service(stage), message)).codes).toEqual(['SECURITY_CERTIFICATE_UNTRUSTED']);
    }
  });

  test('K16 a verdict ends with the certificate, however long verdicts are kept', async () => {
    const { client, service: own, root } = stage.pki;
    const trust = trustChain({ anchors: root.certificate, keep: Number.MAX_SAFE_INTEGER });
    const policy = policyOf(own, root, { trust });
    const end = acceptor(policy);
    expect((await receive(end, stage.valid)).codes).toEqual([]);
    const after = client.key().certificate.notAfter + 1_000;
    await end.clock.advance(after - start);
    const late = new TextDecoder().decode(await secured(policyOf(client, root), undefined, after, 3));
    expect((await receive(end, late)).codes).toEqual(['SECURITY_CERTIFICATE_EXPIRED']);
  });
});

describe('R1 what is remembered of a signature under a secret', () => {
  const spellings: readonly (readonly [name: string, change: (message: string) => string])[] = [
    ['as it was', (message) => message],
    ['its value in lines', (message) => respelled(message, (value) => value.replace(/(.{8})/g, '$1\n'))],
    ['white space around its value', (message) => respelled(message, (value) => ` ${value}\t`)],
    ['its value in references', (message) => respelled(message, (value) => value.replaceAll('A', '&#65;'))],
    ['another spelling of the envelope', (message) => message.replace('<s:Header>', '<s:Header >')],
    ['a header for somebody else', (message) => message.replace('<s:Header>', '<s:Header><x xmlns="urn:x"/>')],
  ];

  function respelled(message: string, change: (value: string) => string): string {
    return message.replace(/(<ds:SignatureValue>)([^<]*)/, (_, tag: string, value: string) => tag + change(value));
  }

  test.each(spellings)('%s: it is a replay', async (_, change) => {
    const quiet = { encryptSignature: false, confirmSignatures: false } as const;
    const client = anonymousForCertificate({ peer: all.bob.certificate, ...quiet });
    const end = acceptor(anonymousForCertificate({ key: all.bob.key(), ...quiet }));
    const valid = await request({ client, service: client });
    expect((await receive(end, valid)).codes).toEqual([]);
    expect((await receive(end, change(valid))).codes).toEqual(['SECURITY_REPLAY']);
    expect(end.heard).toHaveLength(1);
  });

  test('a value that begins alike, or is cut, or goes on, is none', async () => {
    const ends = symmetricEnds(all, { encryptSignature: false });
    const valid = await request(ends);
    const value = fromBase64(/<ds:SignatureValue>([^<]*)/.exec(valid)?.[1] ?? '') ?? new Uint8Array();
    for (const wrong of [value.subarray(0, -1), value.subarray(0, 16), Buffer.concat([value, Buffer.of(0)])]) {
      const end = acceptor(ends.service);
      expect(
        (
          await receive(
            end,
            respelled(valid, () => base64(wrong)),
          )
        ).codes,
      ).toEqual(['SECURITY_SIGNATURE']);
    }
  });
});

describe('start tags that are written lately', () => {
  test('a payload that declares the prefix of ids keeps its own, before and after one that does not', async () => {
    const { client, service: own, root } = stage.pki;
    const body = (inside: string) =>
      XmlFragment.parse(`<s:Body xmlns:s="${soap12}"><o xmlns="urn:o">${inside}</o></s:Body>`);
    const taken = body('<wsu:x xmlns:wsu="urn:mine" wsu:Id="x"/>');
    const end = acceptor(policyOf(own, root));
    let seed = 10;
    for (const payload of [taken, body('<y/>'), taken, body('<y/>')]) {
      const message = { ...order(), body: payload };
      const octets = await secured(policyOf(client, root), message, start, seed++);
      expect((await receive(end, octets)).codes).toEqual([]);
    }
    const texts = end.heard.map(({ message }) => message.body.toString());
    expect(texts.filter((text) => text.includes('<wsu:x xmlns:wsu="urn:mine" wsu:Id="x">'))).toHaveLength(2);
  });
});
