/**
 * X1 to X25 of docs/ATTACKS.md on messages that CXF, Metro and WSS4J have signed: what was signed is still there, what is read would be
 * something else.
 */
import { describe } from 'vitest';
import { ds, excC14n, strTransformUri, wsse, wsse11, xenc } from '../../src/security/names.ts';
import { soap12 } from '../../src/soap/version.ts';
import { Letter, twin, wrapped } from './letter.ts';
import { referenceTo, signedAgain } from './peer-pen.ts';
import {
  attacked,
  contexts,
  everybody,
  metro,
  metroContext,
  requestOf,
  sessions,
  unmoved,
  wss4jRsa,
} from './peer-stage.ts';

const soap = soap12.namespace;
/** A Body that nobody signed, in the place of the signed one. */
const evilBody = `<b:Body xmlns:b="${soap}"><echo xmlns="urn:surewire:interop"><text>evil</text></echo></b:Body>`;

/** The signed Body goes where `place` says, another stands in its place. */
const relocated =
  (place: (letter: Letter, original: string) => Letter) =>
  (letter: Letter): Letter => {
    const original = letter.of(letter.body);
    return place(letter.with(letter.body, evilBody), original);
  };

/** The same header block once more in front of itself, unsigned and with another text. */
const second = (local: string, text: string) => (letter: Letter) => {
  const block = letter.one(local);
  return letter.before(block, twin(letter.of(block)).replace(/>[^<>]+</, `>${text}<`));
};

/** A signed header block is hidden among the header blocks. */
const away = (local: string) => (letter: Letter) => {
  const block = letter.of(letter.one(local));
  const without = letter.without(letter.one(local));
  return without.last(without.header, wrapped(block));
};

describe('the signed Body is moved, another stands in its place', () => {
  attacked(
    'X1 into the signature itself',
    everybody,
    ['SECURITY_REFERENCE', 'SECURITY_REFERENCE', 'SECURITY_MALFORMED'],
    relocated((letter, original) => letter.last(letter.signature, original)),
  );
  attacked(
    'X2 beside the signature, in front of it',
    everybody,
    'SECURITY_UNSUPPORTED',
    relocated((letter, original) => letter.before(letter.signature, original)),
  );
  attacked(
    'X3 behind it, so that the first Body is the other one',
    everybody,
    'SOAP_ENVELOPE',
    relocated((letter, original) => letter.behind(letter.body, original)),
  );
  attacked(
    'X4 into it, as its child',
    everybody,
    'SECURITY_REFERENCE',
    relocated((letter, original) => letter.last(letter.body, original)),
  );
  attacked(
    'X5 to the end of the document',
    everybody,
    'SOAP_ENVELOPE',
    relocated((letter, original) => letter.last(letter.one('Envelope'), wrapped(original))),
  );
  attacked(
    'X6 into the KeyInfo of the signature',
    everybody,
    ['SECURITY_REFERENCE', 'SECURITY_REFERENCE', 'SECURITY_MALFORMED'],
    relocated((letter, original) => letter.last(letter.one('KeyInfo', letter.signature), original)),
  );
  attacked(
    'X7 into a header block that anything may stand in',
    everybody,
    'SECURITY_REFERENCE',
    relocated((letter, original) => letter.last(letter.header, wrapped(original))),
  );
  attacked(
    'X8 into an Object of the signature',
    everybody,
    ['SECURITY_REFERENCE', 'SECURITY_REFERENCE', 'SECURITY_MALFORMED'],
    relocated((letter, original) => letter.last(letter.signature, `<d:Object xmlns:d="${ds}">${original}</d:Object>`)),
  );
  attacked(
    'X9 a second signature for the other Body, behind the good one',
    everybody,
    'SECURITY_REFERENCE',
    (letter) => {
      const original = letter.of(letter.body);
      const bad = twin(letter.of(letter.signature), 'second').replace(/URI="#[^"]*"/, 'URI="#evil"');
      const moved = letter.with(letter.body, evilBody.replace('<b:Body', '<b:Body Id="evil"'));
      const signed = moved.behind(moved.signature, bad);
      return signed.last(signed.header, wrapped(original));
    },
  );
  attacked(
    'X10 into a header block for a node that is not there',
    everybody,
    'SECURITY_REFERENCE',
    relocated((letter, original) =>
      letter.last(letter.header, wrapped(original, ` xmlns:b="${soap}" b:role="${soap}/role/none"`)),
    ),
  );
  attacked(
    'X10 into the Security header, at its end',
    everybody,
    'SECURITY_UNSUPPORTED',
    relocated((letter, original) => letter.last(letter.security, original)),
  );
  attacked(
    'X18 among the header blocks, where it still is called Body',
    everybody,
    ['SECURITY_REFERENCE', 'SECURITY_REFERENCE', 'SECURITY_UNSIGNED'],
    relocated((letter, original) => letter.last(letter.header, original)),
  );
});

describe('a header block is there twice, or is not where it was', () => {
  attacked('X11 a second Action', everybody, 'SECURITY_UNSIGNED', second('Action', 'urn:evil'));
  attacked('X11 a second To', sessions, 'SECURITY_UNSIGNED', second('To', 'http://evil.example/'));
  attacked('X11 a second MessageID', sessions, 'SECURITY_UNSIGNED', second('MessageID', 'urn:evil'));
  attacked('X11 a second Sequence', sessions, 'SECURITY_UNSIGNED', second('Sequence', 'urn:evil'));
  attacked('X11 a second Timestamp', everybody, 'SECURITY_MALFORMED', (letter) => {
    const timestamp = letter.one('Timestamp');
    return letter.before(timestamp, twin(letter.of(timestamp)));
  });
  attacked('X11 a second Security header', everybody, 'SECURITY_MALFORMED', (letter) =>
    letter.before(letter.security, `<e:Security xmlns:e="${wsse}"/>`),
  );
  attacked('X12 the ReplyTo is hidden', sessions, 'SECURITY_REFERENCE', away('ReplyTo'));
  attacked('X12 the Sequence is hidden', sessions, 'SECURITY_REFERENCE', away('Sequence'));
  attacked(
    'X12 the SequenceAcknowledgement is hidden',
    [metro, metroContext],
    'SECURITY_REFERENCE',
    away('SequenceAcknowledgement'),
  );
  attacked('X12 the AckRequested is hidden', [metro, metroContext], 'SECURITY_REFERENCE', away('AckRequested'));
  attacked(
    'X13 the signed Action is for another node, and another stands in its place',
    everybody,
    'SECURITY_DIGEST',
    (letter) => {
      const block = letter.one('Action');
      const marked = letter.marked(block, `xmlns:b="${soap}" b:role="urn:other"`);
      return marked.before(marked.one('Action'), twin(letter.of(block)).replace(/>[^<>]+</, '>urn:evil<'));
    },
  );
  attacked('X13 the Security header is for another node', everybody, 'SECURITY_MISSING', (letter) =>
    letter.marked(letter.security, `xmlns:b="${soap}" b:role="urn:other"`),
  );
  unmoved('X13 an unsigned Action and an unsigned Body for another node', everybody, (letter) => {
    const role = ` xmlns:b="${soap}" b:role="urn:other"`;
    const action = `<a:Action xmlns:a="http://www.w3.org/2005/08/addressing"${role}>urn:evil</a:Action>`;
    return letter.first(letter.header, action + evilBody.replace('<b:Body', `<b:Body b:role="urn:other"`));
  });
});

describe('the signature is not one, or not of this message', () => {
  attacked('X14 the Signature is taken out', everybody, 'SECURITY_UNSIGNED', (letter) =>
    letter.without(letter.signature),
  );
  attacked('X14 the Security header is taken out', everybody, 'SECURITY_MISSING', (letter) =>
    letter.without(letter.security),
  );
  attacked('X15 what was signed has lost its id', everybody, 'SECURITY_REFERENCE', (letter) =>
    letter.with(letter.body, letter.of(letter.body).replace(/ (\w+:)?Id="[^"]*"/, '')),
  );
  attacked(
    'X15 a reference leads nowhere, and the peer has signed it',
    contexts,
    'SECURITY_REFERENCE',
    signedAgain((letter) => letter.changed(referenceTo(letter, 'To'), /URI="#[^"]*"/, 'URI="#nowhere"')),
  );
  attacked('X16 a second SignedInfo', everybody, 'SECURITY_MALFORMED', (letter) => {
    const info = letter.one('SignedInfo');
    return letter.before(info, letter.of(info).replace(/<(\w+:)?Reference[ >].*?<\/(\w+:)?Reference>/, ''));
  });
  attacked('X16 the SignedInfo in a comment, another in its place', everybody, 'SECURITY_SIGNATURE', (letter) => {
    const info = letter.one('SignedInfo');
    const fewer = letter.of(info).replace(/<(\w+:)?Reference[ >].*?<\/(\w+:)?Reference>/, '');
    return letter.with(info, `<!--${letter.of(info)}-->${fewer}`);
  });
  attacked(
    'X17 a good signature of the same peer, over parts of another message',
    [metro, metroContext],
    'SECURITY_REFERENCE',
    (letter) => {
      const close = letter.has('SecurityContextToken')
        ? requestOf('metro-client-conversation-rm11', 5)
        : requestOf('metro-client-sign-encrypt-rm11', 4);
      const other = new Letter(close);
      const parts = [...other.header.children, other.body].filter((one) => one.local !== 'Security');
      const mine = new Letter(letter.text.replaceAll(/ wsu:Id="_5\d*"/g, ''));
      const plain = mine.with(mine.body, evilBody);
      const signed = plain.with(plain.security, other.of(other.security));
      return signed.last(signed.header, wrapped(parts.map((one) => other.of(one)).join('')));
    },
  );
  for (const part of ['To', 'Action', 'Sequence', 'Timestamp']) {
    attacked(
      `X17 the peer has signed everything but the ${part}`,
      contexts,
      'SECURITY_UNSIGNED',
      signedAgain((letter) => letter.without(referenceTo(letter, part))),
    );
  }
  attacked(
    'X17 the reference to the Body is taken out of the signature',
    [wss4jRsa],
    'SECURITY_SIGNATURE',
    (letter) => {
      const less = letter.without(referenceTo(letter, 'Body'));
      return less.with(less.body, evilBody);
    },
  );
  attacked(
    'X17 the peer has signed everything but the Body, which is plaintext',
    contexts,
    'SECURITY_UNSIGNED',
    signedAgain((letter) => {
      const less = letter.without(referenceTo(letter, 'Body'));
      const plain = less.with(less.body, evilBody);
      return plain.without(plain.one('ReferenceList'));
    }),
  );
  attacked(
    'X19 a reference by XPath, and the peer has signed it',
    contexts,
    'SECURITY_REFERENCE',
    signedAgain((letter) => letter.changed(referenceTo(letter, 'To'), /URI="#[^"]*"/, 'URI="#xpointer(//*[1])"')),
  );
  attacked(
    'X19 a transform by XPath, and the peer has signed it',
    contexts,
    'SECURITY_ALGORITHM',
    signedAgain((letter) =>
      letter.with(
        letter.one('Transform', referenceTo(letter, 'To')),
        `<d:Transform xmlns:d="${ds}" Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">` +
          '<d:XPath>true()</d:XPath></d:Transform>',
      ),
    ),
  );
  const pointed = (letter: Letter): Letter => {
    const moved = letter.changed(referenceTo(letter, 'To'), /URI="#[^"]*"/, 'URI="#str"');
    const target = moved.one('SecurityTokenReference', moved.one('KeyInfo', moved.signature));
    const bare = moved.with(target, moved.of(target).replace(/ wsu:Id="[^"]*"/, ''));
    return bare.marked(bare.one('SecurityTokenReference', bare.one('KeyInfo', bare.signature)), 'Id="str"');
  };
  attacked(
    'X20 the SecurityTokenReference is signed in the place of the To, by the peer itself',
    contexts,
    'SECURITY_UNSIGNED',
    signedAgain(pointed, '#str'),
  );
  attacked(
    'X20 an STR-Transform in the place of the To, by the peer itself',
    contexts,
    'SECURITY_TOKEN',
    signedAgain((letter) => {
      const moved = pointed(letter);
      const transform = moved.one('Transform', referenceTo(moved, '#str'));
      return moved.with(
        transform,
        `<d:Transform xmlns:d="${ds}" Algorithm="${strTransformUri}"><w:TransformationParameters xmlns:w="${wsse}">` +
          `<d:CanonicalizationMethod Algorithm="${excC14n}"/></w:TransformationParameters></d:Transform>`,
      );
    }),
  );
});

describe('something else in the place of what was signed', () => {
  attacked('X21 plaintext beside ciphertext in an EncryptedHeader', sessions, 'SECURITY_DECRYPTION', (letter) => {
    const data = twin(letter.of(letter.one('EncryptedData')), 'data');
    const listed = letter.last(letter.one('ReferenceList'), `<x:DataReference xmlns:x="${xenc}" URI="#data"/>`);
    return listed.first(
      listed.header,
      `<e:EncryptedHeader xmlns:e="${wsse11}"><a xmlns="urn:x"/>${data}</e:EncryptedHeader>`,
    );
  });
  attacked('X22 ciphertext in the place of a signed header block', sessions, 'SECURITY_REFERENCE', (letter) => {
    const data = twin(letter.of(letter.one('EncryptedData')), 'data');
    const listed = letter.last(letter.one('ReferenceList'), `<x:DataReference xmlns:x="${xenc}" URI="#data"/>`);
    return listed.with(listed.one('To'), data);
  });
  attacked('X23 a prefix of the signed Body is bound anew', [wss4jRsa], 'SECURITY_DIGEST', (letter) =>
    letter.changed(letter.body.children[0] ?? letter.body, /xmlns:o="[^"]*"/, 'xmlns:o="urn:evil"'),
  );
  unmoved('X23 prefixes that are declared around what was signed', everybody, (letter) =>
    letter.marked(letter.one('Envelope'), 'xmlns:evil="urn:evil" xmlns:e2="urn:surewire:interop"'),
  );
  attacked('X24 a second document behind the first', everybody, 'XML_MALFORMED', (letter) => letter.text + letter.text);
  attacked('X24 a second root in front of the first', everybody, 'XML_MALFORMED', (letter) =>
    letter.text.replace(/<(?=[a-zA-Z])/, '<evil/><'),
  );
  attacked(
    'X25 a pointer to an attachment in the place of what was signed',
    everybody,
    ['SECURITY_REFERENCE', 'SECURITY_REFERENCE', 'SECURITY_DIGEST'],
    (letter) =>
      letter.with(
        letter.body.children[0] ?? letter.body,
        '<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:evil"/>',
      ),
  );
  attacked('X25 a pointer to an attachment in the place of a ciphertext', sessions, 'SECURITY_DECRYPTION', (letter) => {
    const value = letter.one('CipherValue', letter.body);
    return letter.changed(
      value,
      />[^<]*</,
      '><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:evil"/><',
    );
  });
});
