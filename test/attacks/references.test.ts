/** I2, I3, D9, D11: what a reference may say, what it may point at, and which Security header is ours. */
import { describe } from 'vitest';
import { action, attacks, body, craft, cut, swap, type Tamper } from './support.ts';

const soap = 'http://www.w3.org/2003/05/soap-envelope';
const wsse = 'xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"';
const wsu = 'xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"';
const signedInfo =
  (from: string, to: string): Tamper =>
  (_, { pki }) =>
    craft({ key: pki.client.key(), signedInfo: (content) => content.replace(from, to) });
const uri = (text: string) => signedInfo('URI="#body"', `URI="${text}"`);

describe('D11 the URI of a reference has one spelling', () => {
  attacks([
    ['percent-encoded', 'SECURITY_REFERENCE', uri('#%62ody')],
    ['with white space before it', 'SECURITY_REFERENCE', uri(' #body')],
    ['with white space behind it', 'SECURITY_REFERENCE', uri('#body ')],
    ['without its #', 'SECURITY_REFERENCE', uri('body')],
    ['with an address before it', 'SECURITY_REFERENCE', uri('http://service.example/soap#body')],
    ['of nothing', 'SECURITY_REFERENCE', uri('#')],
    ['in another case', 'SECURITY_REFERENCE', uri('#Body')],
    ['as xpointer of the id', 'SECURITY_REFERENCE', uri("#xpointer(id('body'))")],
  ]);
});

describe('I2: what a reference may point at', () => {
  const withId = (name: string, id: string): Tamper => {
    const pointed = uri(`#${id}`);
    return async (valid, stage) => {
      const text = await pointed(valid, stage);
      return swap(text, `<${name}`, `<${name} ${wsu} wsu:Id="${id}"`);
    };
  };
  attacks([
    ['the Envelope', 'SECURITY_REFERENCE', withId('s:Envelope', 'envelope')],
    ['the Header', 'SECURITY_REFERENCE', withId('s:Header', 'header')],
    ['the Security header', 'SECURITY_REFERENCE', withId('wsse:Security', 'security')],
    ['its own SignedInfo', 'SECURITY_SIGNATURE', withId('ds:SignedInfo', 'info')],
    ['its own Signature', 'SECURITY_DIGEST', withId('ds:Signature', 'signature')],
    ['its own KeyInfo', 'SECURITY_REFERENCE', withId('ds:KeyInfo', 'keyinfo')],
    ['the payload', 'SECURITY_REFERENCE', withId('o:Order', 'order')],
    [
      'the Body twice, under different PrefixLists, and nothing else',
      'SECURITY_UNSIGNED',
      (_, { pki }) =>
        craft({
          key: pki.client.key(),
          skip: ['action', 'time'],
          signedInfo: (content) =>
            content +
            (/<ds:Reference .*?<\/ds:Reference>/.exec(content)?.[0] ?? '').replace(
              '></ds:Transform>',
              '><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="x"></ec:InclusiveNamespaces></ds:Transform>',
            ),
        }),
    ],
  ]);
});

describe('K4 an algorithm has one spelling', () => {
  attacks([
    ['a digest with white space', 'SECURITY_ALGORITHM', signedInfo('xmlenc#sha256"', 'xmlenc#sha256 "')],
    ['a signature method in capitals', 'SECURITY_ALGORITHM', signedInfo('rsa-sha256"', 'RSA-SHA256"')],
    [
      'a transform with white space',
      'SECURITY_ALGORITHM',
      signedInfo('Transform Algorithm="h', 'Transform Algorithm=" h'),
    ],
    [
      'a method without Algorithm',
      'SECURITY_MALFORMED',
      signedInfo('DigestMethod Algorithm', 'DigestMethod algorithm'),
    ],
    [
      'a method with an Algorithm of another namespace only',
      'SECURITY_MALFORMED',
      signedInfo('DigestMethod Algorithm', 'DigestMethod ds:Algorithm'),
    ],
    [
      'a PrefixList for two',
      'SECURITY_MALFORMED',
      signedInfo('></ds:Transform>', '><x xmlns="urn:x"></x><x xmlns="urn:x"></x></ds:Transform>'),
    ],
  ]);
});

describe('X13 two Security headers', () => {
  const ahead =
    (markup: string): Tamper =>
    (valid) =>
      swap(valid, '<wsse:Security ', `${markup}<wsse:Security `);
  const moved =
    (name: string): Tamper =>
    (valid) => {
      const part = cut(valid, name);
      return swap(
        swap(valid, part, ''),
        '</s:Header>',
        `<wsse:Security ${wsse} s:role="urn:other">${part}</wsse:Security></s:Header>`,
      );
    };
  attacks([
    ['one for the next node', 'SECURITY_MALFORMED', ahead(`<wsse:Security ${wsse} s:role="${soap}/role/next"/>`)],
    [
      'one for the ultimate receiver',
      'SECURITY_MALFORMED',
      ahead(`<wsse:Security ${wsse} s:role="${soap}/role/ultimateReceiver"/>`),
    ],
    ['one for an empty role', 'SECURITY_MALFORMED', ahead(`<wsse:Security ${wsse} s:role=" "/>`)],
    ['the token in one for another role', 'SECURITY_TOKEN', moved('wsse:BinarySecurityToken')],
    ['the Timestamp in one for another role', 'SECURITY_TIMESTAMP_MISSING', moved('wsu:Timestamp')],
    ['the Signature in one for another role', 'SECURITY_UNSIGNED', moved('ds:Signature')],
    [
      'a signed header moved into Security',
      'SECURITY_UNSUPPORTED',
      (valid) => {
        const part = cut(valid, 'a:ReplyTo');
        return swap(swap(valid, part, ''), '</wsse:Security>', `${part}</wsse:Security>`);
      },
    ],
    [
      'a signed Timestamp moved out as a header block',
      'SECURITY_TIMESTAMP_MISSING',
      (valid) => {
        const part = cut(valid, 'wsu:Timestamp');
        return swap(swap(valid, part, ''), '<wsse:Security ', `${part}<wsse:Security `);
      },
    ],
  ]);
});

describe('A7 mustUnderstand and the reliable headers of the other version', () => {
  const unsigned =
    (markup: string): Tamper =>
    (valid) =>
      swap(valid, '<wsse:Security ', `${markup}<wsse:Security `);
  attacks([
    [
      'M23 a Sequence of the other version',
      'SECURITY_UNSIGNED',
      unsigned('<r:Sequence xmlns:r="http://schemas.xmlsoap.org/ws/2005/02/rm"/>'),
    ],
    [
      'a signed header made optional',
      'SECURITY_DIGEST',
      (valid) => valid.replace(/(<a:To [^>]*)s:mustUnderstand="1"/, '$1s:mustUnderstand="0"'),
    ],
    [
      'a signed header given to another role',
      'SECURITY_DIGEST',
      (valid) => valid.replace(/(<a:To [^>]*)s:mustUnderstand="1"/, '$1s:mustUnderstand="1" s:role="urn:other"'),
    ],
    [
      'a header block with the name of the Body and its role',
      'SECURITY_UNSIGNED',
      (_, { pki }) =>
        craft({
          key: pki.client.key(),
          blocks: [action, body.replace('wsu:Id="body"', 's:role="urn:other" wsu:Id="other"')],
          skip: ['body'],
        }),
    ],
  ]);
});
