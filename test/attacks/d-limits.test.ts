/**
 * D1 to D21 of docs/ATTACKS.md on messages of CXF, Metro and WSS4J: what a parser would expand, fetch or never finish. Each limit has its
 * place in SECURITY.md.
 */
import { describe, expect, test } from 'vitest';
import { ds } from '../../src/security/names.ts';
import { decode } from '../../src/soap/codec.ts';
import { type Letter, twin } from './letter.ts';
import { referenceTo, signedAgain } from './peer-pen.ts';
import { attacked, contexts, cxf, everybody, metro, metroContext, unmoved, wss4jRsa } from './peer-stage.ts';

/** Something for another node, which may stand in a message unsigned. */
const beside = (content: string) => (letter: Letter) =>
  letter.first(
    letter.header,
    `<x xmlns="urn:x" xmlns:b="http://www.w3.org/2003/05/soap-envelope" b:role="urn:other">${content}</x>`,
  );
const withDoctype =
  (declarations: string, content = '') =>
  (letter: Letter) =>
    beside(content)(letter).text.replace(/<(?=\w+:Envelope)/, `<!DOCTYPE e [${declarations}]><`);

describe('the parser', () => {
  attacked('D1 a document type', everybody, 'XML_DTD', withDoctype(''));
  attacked(
    'D1 entities that multiply',
    everybody,
    'XML_DTD',
    withDoctype('<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">', '&b;'),
  );
  attacked(
    'D1 an external entity',
    everybody,
    'XML_DTD',
    withDoctype('<!ENTITY a SYSTEM "file:///etc/passwd">', '&a;'),
  );
  attacked('D1 an entity that was never declared', everybody, 'XML_MALFORMED', beside('&evil;'));
  unmoved('D2 twenty thousand references to characters', everybody, beside('&#x61;'.repeat(20_000)));
  attacked(
    'D3 three hundred elements, each in the other',
    everybody,
    'XML_LIMIT',
    beside('<a>'.repeat(300) + '</a>'.repeat(300)),
  );
  attacked(
    'D4 an element of 257 attributes',
    everybody,
    'XML_LIMIT',
    beside(`<a ${Array.from({ length: 257 }, (_, at) => `a${at}=""`).join(' ')}/>`),
  );
  attacked('D4 a million elements', [metroContext], 'XML_LIMIT', beside('<a/>'.repeat(1_000_000)));
  attacked('D5 a prefix of 2000 characters', everybody, 'XML_LIMIT', beside(`<${'p'.repeat(2_000)}:a/>`));
  unmoved(
    'D6 names that a table of objects would stumble over',
    everybody,
    beside('<__proto__ Id="__proto__" constructor=""/><constructor Id="constructor"/><toString Id="toString"/>'),
  );
  attacked(
    'D15 the octets are not in the encoding that they say',
    everybody,
    'XML_ENCODING',
    (letter) => `<?xml version="1.0" encoding="UTF-7"?>${letter.text.replace(/<\?xml[^>]*\?>/, '')}`,
  );
  attacked('D15 an overlong sequence', everybody, 'XML_ENCODING', (letter) => {
    const octets = Buffer.from(beside('')(letter).text);
    const at = octets.indexOf('</x>');
    return Buffer.concat([octets.subarray(0, at), Buffer.from([0xc1, 0xa1]), octets.subarray(at)]);
  });
  unmoved(
    'D21 two thousand elements with an id each',
    everybody,
    beside(Array.from({ length: 2_000 }, (_, at) => `<a Id="i${at}"/>`).join('')),
  );
});

describe('cryptography', () => {
  attacked('D9 five signatures', everybody, 'SECURITY_LIMIT', (letter) => {
    const more = Array.from({ length: 4 }, (_, at) => twin(letter.of(letter.signature), `s${at}`));
    return letter.behind(letter.signature, more.join(''));
  });
  attacked('D9 seventeen tokens', [metro, cxf, wss4jRsa], 'SECURITY_LIMIT', (letter) => {
    const token = letter.one('BinarySecurityToken');
    return letter.behind(token, Array.from({ length: 16 }, (_, at) => twin(letter.of(token), `t${at}`)).join(''));
  });
  attacked(
    'D9 65 references, signed by the peer itself',
    contexts,
    'SECURITY_LIMIT',
    signedAgain((letter) => letter.before(referenceTo(letter, 'To'), letter.of(referenceTo(letter, 'To')).repeat(64))),
  );
  const transform = (uri: string, content = '') =>
    signedAgain((letter) =>
      letter.before(
        letter.one('Transform', referenceTo(letter, 'To')),
        `<d:Transform xmlns:d="${ds}" Algorithm="${uri}">${content}</d:Transform>`,
      ),
    );
  attacked(
    'D9 a thousand transforms, signed by the peer itself',
    contexts,
    'SECURITY_LIMIT',
    signedAgain((letter) => {
      const one = letter.one('Transform', referenceTo(letter, 'To'));
      return letter.before(one, letter.of(one).repeat(1_000));
    }),
  );
  for (const [name, uri] of [
    ['XSLT', 'http://www.w3.org/TR/1999/REC-xslt-19991116'],
    ['XPath', 'http://www.w3.org/TR/1999/REC-xpath-19991116'],
    ['XPath Filter 2', 'http://www.w3.org/2002/06/xmldsig-filter2'],
    ['base64', `${ds}base64`],
    ['XInclude', 'http://www.w3.org/2001/XInclude'],
    ['decryption', 'http://www.w3.org/2002/07/decrypt#XML'],
  ] as const)
    attacked(
      `D10 a transform: ${name}, signed by the peer itself`,
      contexts,
      'SECURITY_ALGORITHM',
      transform(uri, 'true()'),
    );
  for (const uri of [
    '',
    'file:///etc/passwd',
    'http://169.254.169.254/',
    'cid:evil',
    '#xpointer(/)',
    'http://evil.example/#x',
  ])
    attacked(
      `D11 a reference to "${uri}", signed by the peer itself`,
      contexts,
      'SECURITY_REFERENCE',
      signedAgain((letter) => letter.changed(referenceTo(letter, 'To'), /URI="[^"]*"/, `URI="${uri}"`)),
    );
  attacked('D11 a token at an address', everybody, 'SECURITY_TOKEN', (letter) =>
    letter.changed(
      letter.one('Reference', letter.one('KeyInfo', letter.signature)),
      /URI="[^"]*"/,
      'URI="http://169.254.169.254/key"',
    ),
  );
  attacked('D12 a Manifest', everybody, 'SECURITY_MALFORMED', (letter) =>
    letter.last(letter.signature, `<d:Object xmlns:d="${ds}"><d:Manifest/></d:Object>`),
  );
  attacked(
    'D14 a time with a fraction of 100 kB, signed by the peer itself',
    contexts,
    'SECURITY_TIMESTAMP_INVALID',
    signedAgain(
      (letter) => letter.changed(letter.one('Timestamp'), /(\.\d+)?Z</, `.${'0'.repeat(100_000)}Z<`),
      'Timestamp',
    ),
  );
  attacked('D14 base64 of white space', everybody, 'SECURITY_MALFORMED', (letter) =>
    letter.saying(letter.one('SignatureValue'), ' '.repeat(200_000)),
  );
});

describe('the wire', () => {
  test.each(everybody)('D13 $name: attachments are not spoken', async (target) => {
    const { valid } = await target.scene();
    const part = (at: number) => `--b\r\nContent-ID: <${at}>\r\n\r\nx\r\n`;
    const body = `--b\r\nContent-Type: application/xop+xml\r\n\r\n${valid}\r\n${Array.from({ length: 100 }, (_, at) => part(at)).join('')}--b--`;
    const type = 'multipart/related; type="application/xop+xml"; boundary=b';
    expect(() => decode(Buffer.from(body), type)).toThrow(expect.objectContaining({ code: 'SOAP_CONTENT_TYPE' }));
  });
  test.each(everybody)('D18 $name: a fault names neither files nor what was thrown', async (target) => {
    const scene = await target.scene();
    for (const change of [
      '<evil',
      'SECURITY',
      '<s:Envelope/>',
      scene.valid.replace(/SignatureValue>..../, 'SignatureValue>####'),
    ]) {
      const { answer = '' } = await scene.receive(change);
      expect(answer).not.toMatch(/\.ts|node:|\bat \w+\.|SECURITY_|Error:/);
    }
    expect(scene.heard).toEqual([]);
  });
});
