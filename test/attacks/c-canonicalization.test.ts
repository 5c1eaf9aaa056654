/**
 * C1 to C9 of docs/ATTACKS.md on messages that CXF, Metro and WSS4J have signed: two readings of the same octets, and canonical forms that
 * the sender chooses.
 */
import { describe } from 'vitest';
import { ds, excC14n } from '../../src/security/names.ts';
import type { Letter } from './letter.ts';
import { referenceTo, signedAgain } from './peer-pen.ts';
import { attacked, contexts, cxf, everybody, metro, sessions, unmoved, wss4jRsa } from './peer-stage.ts';

/** Something in front of the last character of an element's text. */
function split(letter: Letter, local: string, what: string): Letter {
  const text = letter.one(local).text;
  return letter.saying(letter.one(local), text.slice(0, -1) + what + text.slice(-1));
}

describe('values with two readings', () => {
  unmoved('C1 a comment in the Action and in the text of the Body', [wss4jRsa], (letter) =>
    split(split(letter, 'Action', '<!--evil-->'), 'Note', '<!--evil-->'),
  );
  unmoved('C1 comments in the Action, the MessageNumber and the Identifier of the sequence', sessions, (letter) =>
    ['Action', 'MessageNumber', 'Identifier'].reduce((text, local) => split(text, local, '<!--1-->'), letter),
  );
  attacked(
    'C1 a comment that would change the number for whoever reads the first text',
    sessions,
    'SECURITY_DIGEST',
    (letter) => letter.saying(letter.one('MessageNumber'), `2<!---->${letter.one('MessageNumber').text}`),
  );
  attacked('C2 a comment in a DigestValue', everybody, 'SECURITY_MALFORMED', (letter) =>
    split(letter, 'DigestValue', '<!---->'),
  );
  attacked('C2 another digest in CDATA', everybody, 'SECURITY_MALFORMED', (letter) =>
    letter.first(letter.one('DigestValue'), '<![CDATA[AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=]]>'),
  );
  attacked('C2 a comment in the SignatureValue', everybody, 'SECURITY_MALFORMED', (letter) =>
    split(letter, 'SignatureValue', '<!---->'),
  );
  attacked('C2 a second SignatureValue', everybody, 'SECURITY_MALFORMED', (letter) =>
    letter.before(letter.one('SignatureValue'), letter.of(letter.one('SignatureValue'))),
  );
});

describe('canonical forms that the sender chooses', () => {
  const canonicalization = (uri: string) =>
    signedAgain((letter) =>
      letter.changed(letter.one('CanonicalizationMethod'), `Algorithm="${excC14n}"`, `Algorithm="${uri}"`),
    );
  const transform = (uri: string) =>
    signedAgain((letter) =>
      letter.changed(referenceTo(letter, 'To'), `Transform Algorithm="${excC14n}"`, `Transform Algorithm="${uri}"`),
    );
  attacked(
    'C3 a reference with comments, signed by the peer itself',
    contexts,
    'SECURITY_ALGORITHM',
    transform(`${excC14n}WithComments`),
  );
  attacked(
    'C3 a reference to the whole document by xpointer, signed by the peer itself',
    contexts,
    'SECURITY_REFERENCE',
    signedAgain((letter) => letter.changed(referenceTo(letter, 'To'), /URI="[^"]*"/, 'URI="#xpointer(/)"')),
  );
  attacked(
    'C4 SignedInfo with comments, signed by the peer itself',
    contexts,
    'SECURITY_ALGORITHM',
    canonicalization(`${excC14n}WithComments`),
  );
  attacked(
    'C4 a canonicalization of nobody, signed by the peer itself',
    contexts,
    'SECURITY_ALGORITHM',
    canonicalization('urn:mine'),
  );
  attacked(
    'C4 a transform in SignedInfo, signed by the peer itself',
    contexts,
    'SECURITY_MALFORMED',
    signedAgain((letter) =>
      letter.last(letter.one('CanonicalizationMethod'), `<d:Transforms xmlns:d="${ds}"></d:Transforms>`),
    ),
  );
  attacked(
    'C5 a prefix of the PrefixList is bound anew on a signed header block',
    [metro, cxf],
    'SECURITY_DIGEST',
    (letter) => {
      const prefix = /<(\w+):Envelope/.exec(letter.text)?.[1] ?? '';
      return letter.marked(letter.one('To'), `xmlns:${prefix}="urn:evil"`);
    },
  );
  unmoved('C5 xml:lang and xml:base around what was signed', everybody, (letter) =>
    letter.marked(letter.one('Envelope'), 'xml:lang="evil" xml:base="http://evil.example/"'),
  );
});

describe('what costs or reads otherwise', () => {
  const prefixes = (count: number) => Array.from({ length: count }, (_, at) => `xmlns:e${at}="urn:e${at}"`).join(' ');
  unmoved(
    'C6 hundreds of prefixes around what was signed, and thousands of elements beside it',
    everybody,
    (letter) => {
      const role = 'xmlns:b="http://www.w3.org/2003/05/soap-envelope" b:role="urn:other"';
      const deep = `<x xmlns="urn:x" ${role}>${'<a>'.repeat(200)}${'<b/>'.repeat(2_000)}${'</a>'.repeat(200)}</x>`;
      const large = letter.first(letter.header, deep);
      return large.marked(large.one('Envelope'), prefixes(200));
    },
  );
  attacked('C6 more prefixes than may be in scope', everybody, 'XML_LIMIT', (letter) =>
    letter.marked(letter.one('Envelope'), prefixes(257)),
  );
  attacked('C7 half of a surrogate pair', everybody, 'XML_MALFORMED', (letter) =>
    letter.text.replace(/(<(\w+:)?Action[^>]*>)/, '$1&#xD800;'),
  );
  attacked('C7 octets that are not UTF-8', everybody, 'XML_ENCODING', (letter) => {
    const octets = Buffer.from(letter.text);
    const at = letter.one('Action').end - 12;
    return Buffer.concat([octets.subarray(0, at), Buffer.from([0xc0, 0xae]), octets.subarray(at)]);
  });
  attacked('C7 an element of a relative namespace in the place of the Body', everybody, 'XML_NAMESPACE', (letter) =>
    letter.with(letter.body.children[0] ?? letter.body, '<echo xmlns="echo"/>'),
  );
  unmoved('C8 the same characters written as references', everybody, (letter) =>
    letter.changed(letter.one('Action'), />(.)/, `>&#${letter.one('Action').text.charCodeAt(0)};`),
  );
  attacked('C8 a carriage return written as a reference', everybody, 'SECURITY_DIGEST', (letter) =>
    split(letter, 'Action', '&#xD;'),
  );
  attacked(
    'C8 a tab written as a reference in an attribute of a signed header',
    sessions,
    'SECURITY_DIGEST',
    (letter) => letter.changed(letter.one('Sequence'), /mustUnderstand="/, 'mustUnderstand="&#9;'),
  );
  attacked('C9 one attribute under two prefixes', everybody, 'XML_MALFORMED', (letter) =>
    letter.text.replace(
      /<(\w+:)?Body /,
      (tag) =>
        `${tag}xmlns:u2="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" u2:Id="evil" `,
    ),
  );
});
