/**
 * I1, C5: from what the application is given nothing can be reached that no digest covers, whichever way it turns: up to
 * parents, over to siblings, through the document, by a prefix that was declared outside.
 */
import { describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { evidence } from '../../src/security/evidence.ts';
import { unsafeKeepUnsigned } from '../../src/security/policy.ts';
import { examine } from '../../src/security/verify.ts';
import { decode } from '../../src/soap/codec.ts';
import type { HeaderBlock } from '../../src/soap/message.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { acceptor, policyOf, start } from '../security/rig.ts';
import { asymmetricEnds, type People, people, request, symmetricEnds } from './encrypted-support.ts';
import { action, craft, prepare, receive, service, swap } from './support.ts';

/** All text that a cursor leads to. */
function reachable(from: XmlElement): string {
  let top = from;
  while (top.parent !== undefined) top = top.parent;
  const all = (one: XmlElement): string =>
    `${one.namespace} ${one.local} ${one.attributes.map(({ value }) => value).join(' ')} ${one.text} ${one.children.map(all).join(' ')}`;
  return `${all(top)} ${all(from.document.root)} ${new TextDecoder().decode(from.document.bytes)}`;
}

const evil = '<x:Evil xmlns:x="urn:evil">evil</x:Evil>';
const to = '{http://www.w3.org/2005/08/addressing}To' as const;
const soap = 'http://www.w3.org/2003/05/soap-envelope';
const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

describe.each([
  ['sign-encrypt', (all: People) => asymmetricEnds(all, { encryptHeaders: [to] })],
  ['encrypt-sign', (all: People) => asymmetricEnds(all, { encryptHeaders: [to], order: 'encrypt-sign' })],
  ['a secret', (all: People) => symmetricEnds(all, { encryptHeaders: [to] })],
] as const)('what was not signed in an encrypted message, %s', (_, make) => {
  test('is not reachable from the Body, the header blocks and the evidence', async () => {
    const ends = make(await people());
    const valid = await request(ends);
    const end = acceptor(ends.service);
    const changed = swap(valid, '<wsse:Security ', `${evil}<wsse:Security xml:lang="evil" `);
    await end.receive(
      changed.replace('<s:Envelope ', '<s:Envelope xmlns:t="urn:evil" xmlns="urn:evil" xml:lang="evil" '),
    );
    const { message } = end.heard[0] ?? {};
    expect(message?.source).toBeUndefined();
    expect(message?.headers.map((block) => block.local)).toHaveLength(7);
    for (const fragment of [message?.body, ...(message?.headers ?? []).map((block) => block.fragment)]) {
      expect(fragment && reachable(fragment.element)).not.toContain('evil');
      expect(fragment && reachable(fragment.element)).not.toMatch(/Security|Encrypted|CipherValue/);
      expect(fragment?.toString()).not.toMatch(/evil|Encrypted/);
    }
    const found = end.heard[0]?.get(evidence);
    expect(JSON.stringify([...(found?.signed ?? []), ...(found?.encrypted ?? [])])).not.toContain('evil');
  });
});

describe('what was not signed', () => {
  test('is not reachable from the Body and the header blocks', async () => {
    const stage = await prepare();
    const end = service(stage);
    await end.receive(swap(stage.valid, '<wsse:Security ', `${evil}<wsse:Security xml:lang="evil" `));
    const { message } = end.heard[0] ?? {};
    expect(message?.source).toBeUndefined();
    expect(message?.headers.map((block) => block.local)).toHaveLength(7);
    for (const fragment of [message?.body, ...(message?.headers ?? []).map((block) => block.fragment)]) {
      expect(fragment && reachable(fragment.element)).not.toContain('evil');
      expect(fragment && reachable(fragment.element)).not.toContain('Security');
    }
  });

  test('gives signed content no meaning: prefixes and xml:lang of the Envelope', async () => {
    const stage = await prepare();
    const typed = `<s:Body xmlns:s="${soap}" xmlns:wsu="${wsu}" wsu:Id="body"><o:V xmlns:o="urn:o" type="t:Price"></o:V></s:Body>`;
    const text = await craft({ key: stage.pki.client.key(), body: typed });
    const end = service(stage);
    await end.receive(text.replace('<s:Envelope ', '<s:Envelope xmlns:t="urn:evil" xmlns="urn:evil" xml:lang="evil" '));
    const value = end.heard[0]?.message.body.element.children[0];
    expect(value?.attribute('type')).toBe('t:Price');
    expect(value?.namespaceOf('t')).toBeUndefined();
    expect(value?.namespaceOf('')).toBeUndefined();
    expect(value && reachable(value)).not.toContain('evil');
  });

  test('what was signed keeps its meaning: prefixes on the PrefixList', async () => {
    const stage = await prepare();
    const typed = `<s:Body xmlns:s="${soap}" xmlns:t="urn:good" xmlns:wsu="${wsu}" wsu:Id="body"><o:V xmlns:o="urn:o" type="t:Price"></o:V></s:Body>`;
    const list =
      '<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="t #default a&quot;b t unknown">';
    const text = await craft({
      key: stage.pki.client.key(),
      body: typed,
      signedInfo: (content) => content.replace('></ds:Transform>', `>${list}</ec:InclusiveNamespaces></ds:Transform>`),
    });
    const end = service(stage);
    await end.receive(text);
    const { body } = end.heard[0]?.message ?? {};
    expect(body?.element.children[0]?.namespaceOf('t')).toBe('urn:good');
    expect(body?.prefixes).toEqual(['#default', 't', 'unknown']);
    expect(body?.toString()).toBe(typed);
  });

  test.each([
    ['prefixes', 'p '.repeat(257)],
    ['characters', `p${' '.repeat(16_384)}`],
  ])('D5 a PrefixList of too many %s is refused', async (_, prefixes) => {
    const stage = await prepare();
    const list = `<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="${prefixes}">`;
    const text = await craft({
      key: stage.pki.client.key(),
      signedInfo: (content) => content.replace('></ds:Transform>', `>${list}</ec:InclusiveNamespaces></ds:Transform>`),
    });
    expect((await receive(service(stage), text)).codes).toEqual(['SECURITY_LIMIT']);
  });

  test('C6 what canonicalization multiplies is not digested without end', async () => {
    const stage = await prepare();
    const names = `urn:${'n'.repeat(1000)}`;
    const many = `<o:Order xmlns:o="urn:orders">${'<p:a></p:a>'.repeat(4000)}</o:Order>`;
    const text = await craft({ key: stage.pki.client.key(), skip: ['body'] });
    const grown = swap(text, '<o:Order xmlns:o="urn:orders"></o:Order>', many).replace(
      '<s:Envelope ',
      `<s:Envelope xmlns:p="${names}" `,
    );
    const reference = /<ds:Reference URI="#action">.*?<\/ds:Reference>/.exec(text)?.[0] ?? '';
    const bodyToo = await craft({
      key: stage.pki.client.key(),
      skip: ['body'],
      signedInfo: (content) => content + reference.replace('#action', '#body'),
    });
    const attacked = swap(
      grown,
      /<ds:Signature .*<\/ds:Signature>/.exec(grown)?.[0] ?? '',
      /<ds:Signature .*<\/ds:Signature>/.exec(bodyToo)?.[0] ?? '',
    );
    expect((await receive(service(stage), attacked)).codes).toEqual(['SECURITY_LIMIT']);
  });

  test('is kept by name of the unsafe option only, and even then apart from the rest', async () => {
    const stage = await prepare();
    const { pki } = stage;
    const end = acceptor(policyOf(pki.service, pki.root, { unsafe: [unsafeKeepUnsigned] }));
    await end.receive(swap(stage.valid, '<wsse:Security ', `${evil}<wsse:Security `));
    const find = (local: string): HeaderBlock | undefined =>
      end.heard[0]?.message.headers.find((block) => block.local === local);
    expect(find('Evil')?.fragment.element.text).toBe('evil');
    expect(reachable(find('To')?.fragment.element as XmlElement)).not.toContain('evil');
    expect(reachable(find('Evil')?.fragment.element as XmlElement)).not.toContain('Security');
  });
});

describe('A1 the action', () => {
  test('of an HTTP header is not believed in place of a signed one', async () => {
    const { pki } = await prepare();
    const lax = policyOf(pki.service, pki.root, { addressing: 'optional' });
    const around = { now: instant(start), replay: { remember: () => true }, peer: undefined };
    const heard = async (blocks: readonly string[], soapAction: string): Promise<string> => {
      const octets = Buffer.from(await craft({ key: pki.client.key(), blocks }));
      const { message } = await examine(decode(octets, 'application/soap+xml', soapAction), lax.inbound, around);
      return message.action;
    };
    expect(await heard([], 'urn:evil')).toBe('');
    expect(await heard([action], 'urn:orders/place')).toBe('urn:orders/place');
    await expect(heard([action], 'urn:evil')).rejects.toMatchObject({ code: 'SOAP_ACTION_MISMATCH' });
  });
});
