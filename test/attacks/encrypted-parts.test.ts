/** Attacks on what is encrypted (E2, E7, E8, E10, E11, X10, X21, X22, K4): each starts from a valid message. */
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { algorithmSuite, unsafeSuiteRsa15, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { aes256Gcm, mgf1Sha256, rsaOaep } from '../../src/security/encryption/algorithms.ts';
import { contentKey, encryptElement } from '../../src/security/encryption/encrypt.ts';
import { encryptKey } from '../../src/security/encryption/encrypted-key.ts';
import { withoutWsse } from '../../src/security/header.ts';
import { frozenPolicy } from '../../src/security/policy.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { sha256 } from '../../src/security/suites.ts';
import { writeTokenReference } from '../../src/security/tokens/x509.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptor, order, policyOf, secured } from '../security/rig.ts';
import {
  asymmetricEnds,
  cbc,
  type Ends,
  every,
  type People,
  people,
  refused,
  request,
  withCiphertext,
} from './encrypted-support.ts';
import { cut, swap } from './support.ts';

let all: People;
beforeAll(async () => {
  all = await people();
});

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const xenc = 'http://www.w3.org/2001/04/xmlenc#';
const wsse11 = 'http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd';
const flip = (octets: Buffer): Buffer => {
  octets[octets.length - 20] = (octets[octets.length - 20] ?? 0) ^ 1;
  return octets;
};

/** EncryptedKey and EncryptedData that anybody can make, who knows the certificate of the service. */
function forged(part: string, id = 'mallory'): { readonly key: string; readonly data: string } {
  const key = contentKey(aes256Gcm, seededRandom(5));
  const { certificate } = all.bob;
  const keyInfo = writeTokenReference('thumbprint', certificate, '');
  const recipient = {
    kind: 'transport',
    row: rsaOaep,
    publicKey: certificate.key,
    digest: sha256,
    mask: mgf1Sha256,
    keyInfo,
  } as const;
  return {
    key: withoutWsse(encryptKey(key, recipient, { id: `${id}-key`, references: [id] }).toString()),
    data: encryptElement(XmlFragment.written(utf8(part), []), { cipher: aes256Gcm, key, id }).toString(),
  };
}

describe.each([
  ['GCM', { suite: undefined }],
  ['CBC', { suite: cbc }],
])('sign, then encrypt with %s', (_, options) => {
  let ends: Ends;
  let valid: string;
  beforeAll(async () => {
    ends = asymmetricEnds(all, options.suite === undefined ? {} : { suite: options.suite });
    valid = await request(ends);
  });

  test('the message that is attacked is accepted as it is', async () => {
    const end = acceptor(ends.service);
    expect(await end.receive(valid)).toBeUndefined();
    expect(end.heard).toHaveLength(1);
  });

  test('ciphertext changed', async () => {
    const data = cut(valid, 'xenc:EncryptedData');
    await refused(ends, swap(valid, data, withCiphertext(data, flip)), 'SECURITY_DECRYPTION', 'SECURITY_DIGEST');
  });
  test('ciphertext of another message', async () => {
    const other = cut(await request(ends, 2), 'xenc:EncryptedData');
    const value = cut(other, 'xenc:CipherValue');
    const data = cut(valid, 'xenc:EncryptedData');
    await refused(ends, swap(valid, data, data.replace(cut(data, 'xenc:CipherValue'), value)), 'SECURITY_DECRYPTION');
  });
  test('EncryptedKey of another message', async () => {
    const key = cut(valid, 'xenc:EncryptedKey');
    const value = cut(cut(await request(ends, 2), 'xenc:EncryptedKey'), 'xenc:CipherValue');
    await refused(ends, swap(valid, key, key.replace(cut(key, 'xenc:CipherValue'), value)), 'SECURITY_DECRYPTION');
  });
  test('EncryptedKey changed: implicit rejection, no other failure than that of the ciphertext', async () => {
    const key = cut(valid, 'xenc:EncryptedKey');
    await refused(ends, swap(valid, key, withCiphertext(key, flip)), 'SECURITY_DECRYPTION');
  });
  test('key and ciphertext both replaced by those of somebody else: the signature covers the plaintext', async () => {
    if (options.suite !== undefined) return;
    const { key, data } = forged('<o:Order xmlns:o="urn:orders"></o:Order>');
    const changed = swap(valid, cut(valid, 'xenc:EncryptedKey'), key);
    await refused(ends, swap(changed, cut(valid, 'xenc:EncryptedData'), data), 'SECURITY_DIGEST');
  });
  test('ciphertext twice under one id', async () => {
    const data = cut(valid, 'xenc:EncryptedData');
    await refused(ends, swap(valid, data, data + data), 'SECURITY_DUPLICATE_ID');
  });
  test('ciphertext twice under two ids, the second not listed', async () => {
    const data = cut(valid, 'xenc:EncryptedData');
    await refused(ends, swap(valid, data, data + data.replace(/ Id="[^"]*"/, ' Id="copy"')), 'SECURITY_UNSUPPORTED');
  });
  test('ciphertext twice, both listed', async () => {
    const data = cut(valid, 'xenc:EncryptedData');
    const twice = swap(valid, data, data + data.replace(/ Id="[^"]*"/, ' Id="copy"'));
    await refused(
      ends,
      swap(
        twice,
        '</xenc:ReferenceList>',
        '<xenc:DataReference URI="#copy"></xenc:DataReference></xenc:ReferenceList>',
      ),
      'SECURITY_DIGEST',
      'SECURITY_DECRYPTION',
    );
  });
  test('ciphertext moved among the header blocks (R3228)', async () => {
    const data = cut(valid, 'xenc:EncryptedData');
    await refused(ends, swap(swap(valid, data, ''), '<s:Header>', `<s:Header>${data}`), 'SECURITY_REFERENCE');
  });
  test('ciphertext moved into Security', async () => {
    const data = cut(valid, 'xenc:EncryptedData');
    await refused(
      ends,
      swap(swap(valid, data, ''), '<ds:Signature ', `${data}<ds:Signature `),
      'SECURITY_DECRYPTION',
      'SECURITY_MALFORMED',
      'SECURITY_UNSUPPORTED',
    );
  });
  test('plaintext beside the ciphertext', async () => {
    await refused(
      ends,
      swap(valid, '</s:Body>', '<o:Order xmlns:o="urn:orders"></o:Order></s:Body>'),
      'SECURITY_DIGEST',
    );
  });
  test('X10 the Body wrapped with its ciphertext, another in its place', async () => {
    const body = cut(valid, 's:Body');
    const evil =
      '<s:Body xmlns:s="http://www.w3.org/2003/05/soap-envelope"><o:Order xmlns:o="urn:evil"></o:Order></s:Body>';
    const wrapped = swap(swap(valid, body, evil), '<s:Header>', `<s:Header><x:W xmlns:x="urn:x">${body}</x:W>`);
    await refused(ends, wrapped, 'SECURITY_REFERENCE');
  });
  test('X10 the same in Security, and the list aims at ciphertext of somebody else', async () => {
    if (options.suite !== undefined) return;
    const body = cut(valid, 's:Body');
    const { key, data } = forged('<o:Order xmlns:o="urn:evil"></o:Order>');
    const evil = body.replace(/ wsu:Id="[^"]*"/, ' wsu:Id="evil"').replace(cut(body, 'xenc:EncryptedData'), data);
    const replaced = swap(swap(valid, body, evil), cut(valid, 'xenc:EncryptedKey'), key);
    await refused(ends, swap(replaced, '<ds:Signature ', `${body}<ds:Signature `), 'SECURITY_UNSUPPORTED');
  });
  test.each([
    ['a header block', (text: string) => /<a:To [^>]*wsu:Id="([^"]*)"/.exec(text)?.[1]],
    ['the Timestamp', (text: string) => /<wsu:Timestamp [^>]*wsu:Id="([^"]*)"/.exec(text)?.[1]],
    ['the Body', (text: string) => /<s:Body [^>]*wsu:Id="([^"]*)"/.exec(text)?.[1]],
    ['the EncryptedKey', (text: string) => /<xenc:EncryptedKey [^>]*Id="([^"]*)"/.exec(text)?.[1]],
    ['nothing', () => 'nothing'],
    ['itself twice', (text: string) => /<xenc:EncryptedData [^>]*Id="([^"]*)"/.exec(text)?.[1]],
  ])('E8 the ReferenceList names %s', async (_name, idIn) => {
    const more = `<xenc:DataReference URI="#${idIn(valid)}"></xenc:DataReference></xenc:ReferenceList>`;
    await refused(ends, swap(valid, '</xenc:ReferenceList>', more), 'SECURITY_REFERENCE');
  });
  test('E8 a ReferenceList of thousands', async () => {
    const more = '<xenc:DataReference URI="#x"></xenc:DataReference>'.repeat(1000);
    await refused(ends, swap(valid, '</xenc:ReferenceList>', `${more}</xenc:ReferenceList>`), 'SECURITY_LIMIT');
  });
  test('E7 EncryptedKeys without number', async () => {
    const key = cut(valid, 'xenc:EncryptedKey');
    const many = Array.from({ length: 40 }, (__, at) => key.replace(/ Id="[^"]*"/, ` Id="k${at}"`)).join('');
    await refused(ends, swap(valid, key, many), 'SECURITY_LIMIT');
  });
  test('a second EncryptedKey that lists the same ciphertext', async () => {
    const key = cut(valid, 'xenc:EncryptedKey');
    await refused(ends, swap(valid, key, key + key.replace(/ Id="[^"]*"/, ' Id="second"')), 'SECURITY_REFERENCE');
  });
  test('X14, E11 the signature taken away', async () => {
    await refused(ends, swap(valid, cut(valid, 'ds:Signature'), ''), 'SECURITY_UNSIGNED');
  });
  test('the ReferenceList taken away: nothing says what is encrypted', async () => {
    await refused(ends, swap(valid, cut(valid, 'xenc:ReferenceList'), ''), 'SECURITY_UNSUPPORTED');
  });
});

describe('downgrade (K4, P1)', () => {
  test('a message that is signed and not encrypted', async () => {
    const ends = asymmetricEnds(all);
    const plain = await secured(policyOf(all.alice, all.root));
    await refused(ends, new TextDecoder().decode(plain), 'SECURITY_UNENCRYPTED');
  });
  test.each([
    ['CBC where the policy has GCM', 'Basic256Sha256', 'Aes256GcmSha256'],
    ['AES-128 where the policy has AES-256', 'Aes128GcmSha256', 'Aes256GcmSha256'],
    ['RSA-1.5 where the policy has OAEP', 'Basic256Sha256Rsa15', 'Basic256Sha256'],
  ])('%s', async (_, sent, wanted) => {
    const suite = (name: string) => algorithmSuite(name, { unsafe: [unsafeSuiteRsa15, unsafeSuiteSha1] });
    const message = await request(asymmetricEnds(all, { suite: suite(sent) }));
    await refused(asymmetricEnds(all, { suite: suite(wanted) }), message, 'SECURITY_DECRYPTION', 'SECURITY_ALGORITHM');
  });
  test('a signature in the clear where it has to be encrypted', async () => {
    await refused(
      asymmetricEnds(all, { encryptSignature: true }),
      await request(asymmetricEnds(all)),
      'SECURITY_UNENCRYPTED',
    );
  });
  test('a Body in the clear that only begins like that of a protocol', async () => {
    const block = (xml: string) => XmlFragment.parse(xml);
    const mixed = message({
      ...{ version: soap12, headers: order().headers },
      body: [
        block('<r:CloseSequence xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702"/>'),
        block('<o:O xmlns:o="urn:o"/>'),
      ],
    });
    const plain = await secured(policyOf(all.alice, all.root), mixed);
    await refused(asymmetricEnds(all), new TextDecoder().decode(plain), 'SECURITY_UNENCRYPTED');
  });
  test('a header in the clear that has to be encrypted', async () => {
    const to = '{http://www.w3.org/2005/08/addressing}To' as const;
    await refused(
      asymmetricEnds(all, { encryptHeaders: [to] }),
      await request(asymmetricEnds(all)),
      'SECURITY_UNENCRYPTED',
    );
  });
  test('the other order than that of the policy', async () => {
    const one = asymmetricEnds(all);
    const other = asymmetricEnds(all, { order: 'encrypt-sign' });
    await refused(one, await request(other), 'SECURITY_DIGEST');
    await refused(other, await request(one), 'SECURITY_DIGEST');
  });
  test('P3 a token that has to be signed is not', async () => {
    await refused(
      asymmetricEnds(all, { protectTokens: true }),
      await request(asymmetricEnds(all)),
      'SECURITY_UNSIGNED',
    );
  });
  test('encrypted for somebody else', async () => {
    const client = mutualCertificateWss10({ key: all.alice.key(), peer: all.mallory.certificate });
    const ends = asymmetricEnds(all);
    await refused(ends, await request({ ...ends, client }), 'SECURITY_UNSUPPORTED');
  });
  test('E11 a policy that encrypts and does not sign cannot be made', () => {
    const { encryption } = asymmetricEnds(all).service.inbound;
    expect(() => frozenPolicy('encrypts', {}, [], { inbound: { encryption } })).toThrow(
      expect.objectContaining({ code: 'SECURITY_POLICY' }),
    );
  });
});

describe('E10, X21 what comes out of ciphertext', () => {
  const injected = async (part: string, at: 'security' | 'header') => {
    const ends = asymmetricEnds(all);
    const valid = await request(ends);
    const { key, data } = forged(part);
    const place =
      at === 'security'
        ? swap(valid, '<ds:Signature ', `${key}${data}<ds:Signature `)
        : swap(
            swap(valid, '<ds:Signature ', `${key}<ds:Signature `),
            '<s:Header>',
            `<s:Header><e:EncryptedHeader xmlns:e="${wsse11}">${data}</e:EncryptedHeader>`,
          );
    return { ends, place, valid };
  };
  test.each([
    ['an EncryptedKey', `<xenc:EncryptedKey xmlns:xenc="${xenc}"></xenc:EncryptedKey>`],
    ['a ReferenceList', `<xenc:ReferenceList xmlns:xenc="${xenc}"></xenc:ReferenceList>`],
    ['more ciphertext', `<xenc:EncryptedData xmlns:xenc="${xenc}"></xenc:EncryptedData>`],
    ['a BinarySecurityToken', `<wsse:BinarySecurityToken xmlns:wsse="${wsse}">AAAA</wsse:BinarySecurityToken>`],
    ['a UsernameToken', `<wsse:UsernameToken xmlns:wsse="${wsse}"></wsse:UsernameToken>`],
    ['a SignatureConfirmation', `<c:SignatureConfirmation xmlns:c="${wsse11}"></c:SignatureConfirmation>`],
    [
      'another Timestamp',
      '<u:Timestamp xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"></u:Timestamp>',
    ],
    ['a stranger', '<x:X xmlns:x="urn:x"></x:X>'],
  ])('in Security: %s', async (_, part) => {
    const { ends, place } = await injected(part, 'security');
    await refused(ends, place, 'SECURITY_UNSUPPORTED', 'SECURITY_MALFORMED');
  });
  test('E10 in the header: another Security', async () => {
    const { ends, place } = await injected(`<wsse:Security xmlns:wsse="${wsse}"></wsse:Security>`, 'header');
    await refused(ends, place, 'SECURITY_DECRYPTION');
  });
  test.each([
    ['an unsigned wsa:To', '<a:To xmlns:a="http://www.w3.org/2005/08/addressing">urn:evil</a:To>'],
    ['an unsigned sequence', '<r:Sequence xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702"></r:Sequence>'],
  ])('in the header: %s', async (_, part) => {
    const { ends, place } = await injected(part, 'header');
    await refused(ends, place, 'SECURITY_UNSIGNED');
  });
  test('E10 in the header: something that nobody signed is not left out, which would tell that it decrypts', async () => {
    const { ends, place } = await injected('<x:Tip xmlns:x="urn:x">evil</x:Tip>', 'header');
    await refused(ends, place, 'SECURITY_UNSIGNED');
  });
  test('X21 an EncryptedHeader with plaintext beside its ciphertext', async () => {
    const { ends, place } = await injected('<x:Tip xmlns:x="urn:x">evil</x:Tip>', 'header');
    const header = cut(place, 'e:EncryptedHeader');
    const beside = header.replace('</e:', '<a:To xmlns:a="http://www.w3.org/2005/08/addressing">urn:evil</a:To></e:');
    await refused(ends, swap(place, header, beside), 'SECURITY_DECRYPTION');
  });
});

describe('encrypted, then signed', () => {
  test('every ciphertext is verified before it is decrypted', async () => {
    const ends = asymmetricEnds(all, { order: 'encrypt-sign', suite: cbc });
    const valid = await request(ends);
    const data = cut(valid, 'xenc:EncryptedData');
    await refused(ends, swap(valid, data, withCiphertext(data, flip)), 'SECURITY_DIGEST');
  });
  test('a namespace declared around what was signed gives plaintext no meaning', async () => {
    const ends = asymmetricEnds(all, { order: 'encrypt-sign' });
    const valid = await request(ends);
    const end = acceptor(ends.service);
    await end.receive(valid.replace('<s:Envelope ', '<s:Envelope xmlns="urn:evil" xmlns:evil="urn:evil" '));
    const payload = end.heard[0]?.message.body.element.children[0];
    expect(payload?.namespace).toBe('urn:orders');
    expect(payload?.namespaceOf('evil')).toBeUndefined();
    expect(payload?.namespaceOf('')).toBeUndefined();
  });
  test('ciphertext in Security was signed by nobody', async () => {
    const ends = asymmetricEnds(all, { order: 'encrypt-sign' });
    const { key, data } = forged('<x:X xmlns:x="urn:x"></x:X>');
    await refused(
      ends,
      swap(await request(ends), '<ds:Signature ', `${key}${data}<ds:Signature `),
      'SECURITY_UNSUPPORTED',
    );
  });
});

test('there are several ciphertexts to attack', async () => {
  const text = await request(asymmetricEnds(all, { encryptSignature: true }));
  expect(every(text, 'xenc:EncryptedData')).toHaveLength(2);
});
