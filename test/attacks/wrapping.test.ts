/** XML Signature wrapping, X1 to X18: what was signed stays in the message, what is read is something else. */
import { describe } from 'vitest';
import { action, attacks, body, craft, cut, evil, swap, type Tamper } from './support.ts';

const wrapper = (inside: string) => `<x:Wrapper xmlns:x="urn:x">${inside}</x:Wrapper>`;

/** Puts an evil Body in the place of the signed one, and the signed one where `place` says. */
const relocated =
  (place: (valid: string, original: string) => string): Tamper =>
  (valid) => {
    const original = cut(valid, 's:Body');
    const fake = evil(original, 'two of them', 'two hundred');
    return place(swap(valid, original, fake), original);
  };
const into = (valid: string, before: string, what: string) => swap(valid, before, what + before);

describe('the Body is relocated (X1 to X10)', () => {
  attacks([
    [
      'X1, X8 into a ds:Object of the signature',
      'SECURITY_MALFORMED',
      relocated((valid, original) => into(valid, '</ds:Signature>', `<ds:Object>${original}</ds:Object>`)),
    ],
    [
      'X2 beside the signature, before it',
      'SECURITY_UNSUPPORTED',
      relocated((valid, original) => into(valid, '<ds:Signature ', original)),
    ],
    [
      'X5 into Security, at its end',
      'SECURITY_UNSUPPORTED',
      relocated((valid, original) => into(valid, '</wsse:Security>', original)),
    ],
    [
      'X6 into KeyInfo of the signature',
      'SECURITY_MALFORMED',
      relocated((valid, original) => into(valid, '</ds:KeyInfo>', original)),
    ],
    [
      'X7, X10 into an unknown header',
      'SECURITY_REFERENCE',
      relocated((valid, original) => into(valid, '</s:Header>', wrapper(original))),
    ],
    [
      'X10 into an unknown header of another role',
      'SECURITY_REFERENCE',
      relocated((valid, original) =>
        into(
          valid,
          '</s:Header>',
          `<x:W xmlns:x="urn:x" s:role="http://www.w3.org/2003/05/soap-envelope/role/none">${original}</x:W>`,
        ),
      ),
    ],
    [
      'X10 as a header block itself',
      'SECURITY_UNSIGNED',
      relocated((valid, original) => into(valid, '<wsse:Security ', original)),
    ],
    [
      'X4 into the evil Body, as its child',
      'SECURITY_REFERENCE',
      relocated((valid, original) => into(valid, '</o:Order>', original)),
    ],
    [
      'X3 into the evil Body, before its content',
      'SECURITY_REFERENCE',
      relocated((valid, original) => into(valid, '<o:Order ', original)),
    ],
    ['the reference is left dangling', 'SECURITY_REFERENCE', relocated((valid) => valid)],
    [
      'the evil Body takes the id, the original another',
      ['SECURITY_DIGEST', 'SECURITY_REFERENCE'],
      (valid) => {
        const original = cut(valid, 's:Body');
        return swap(valid, original, swap(original, 'two of them', 'two hundred'));
      },
    ],
  ]);
});

describe('a header is copied, moved or hidden (X11 to X13)', () => {
  const second =
    (name: string, from: string, to: string): Tamper =>
    (valid) => {
      const original = cut(valid, name);
      return swap(valid, original, evil(original, from, to) + original);
    };
  const away =
    (name: string): Tamper =>
    (valid) => {
      const original = cut(valid, name);
      return into(swap(valid, original, ''), '</s:Header>', wrapper(original));
    };
  attacks([
    ['X11 a second Action', 'SECURITY_UNSIGNED', second('a:Action', 'urn:orders/place', 'urn:orders/cancel')],
    ['X11 a second To', 'SECURITY_UNSIGNED', second('a:To', 'service.example', 'evil.example')],
    ['X11 a second Timestamp', 'SECURITY_MALFORMED', second('wsu:Timestamp', '12:05:00', '12:04:00')],
    [
      'X11 a second Security header',
      'SECURITY_MALFORMED',
      (valid) => {
        const original = cut(valid, 'wsse:Security');
        return swap(
          valid,
          original,
          `<wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"/>${original}`,
        );
      },
    ],
    ['X12 the signed ReplyTo is hidden', 'SECURITY_REFERENCE', away('a:ReplyTo')],
    ['X12 the signed MessageID is hidden', 'SECURITY_REFERENCE', away('a:MessageID')],
    ['X12 the signed Action is hidden', 'SECURITY_REFERENCE', away('a:Action')],
    ['X12 the signed Timestamp is hidden in a header', 'SECURITY_TIMESTAMP_MISSING', away('wsu:Timestamp')],
    [
      'X13 Security is for another role',
      'SECURITY_MISSING',
      (valid) => swap(valid, '<wsse:Security ', '<wsse:Security s:role="urn:other" '),
    ],
    [
      'an addressing header of the other version',
      'SECURITY_UNSIGNED',
      (valid) =>
        into(
          valid,
          '<wsse:Security ',
          '<a:ReplyTo xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><a:Address>http://evil.example</a:Address></a:ReplyTo>',
        ),
    ],
  ]);
});

describe('X14 the signature is left out', () => {
  attacks([
    ['without the Signature', 'SECURITY_UNSIGNED', (valid) => swap(valid, cut(valid, 'ds:Signature'), '')],
    ['without the Security header', 'SECURITY_MISSING', (valid) => swap(valid, cut(valid, 'wsse:Security'), '')],
    [
      'an empty Signature',
      'SECURITY_MALFORMED',
      (valid) =>
        swap(valid, cut(valid, 'ds:Signature'), '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'),
    ],
    [
      'a Signature of nothing, by the right key',
      'SECURITY_MALFORMED',
      (_, { pki }) => craft({ key: pki.client.key(), skip: ['body', 'action', 'time'] }),
    ],
  ]);
});

describe('X17, X18 a signature that covers too little', () => {
  attacks([
    ['not the Body', 'SECURITY_UNSIGNED', (_, { pki }) => craft({ key: pki.client.key(), skip: ['body'] })],
    ['not the Timestamp', 'SECURITY_UNSIGNED', (_, { pki }) => craft({ key: pki.client.key(), skip: ['time'] })],
    ['not the Action', 'SECURITY_UNSIGNED', (_, { pki }) => craft({ key: pki.client.key(), skip: ['action'] })],
    ['a message without Action', 'SECURITY_UNSIGNED', (_, { pki }) => craft({ key: pki.client.key(), blocks: [] })],
    [
      'a header called Body instead of the Body',
      'SECURITY_UNSIGNED',
      (_, { pki }) =>
        craft({ key: pki.client.key(), blocks: [action, body.replace('"body"', '"other"')], skip: ['body'] }),
    ],
    [
      'only the payload, not the Body around it',
      'SECURITY_REFERENCE',
      (_, { pki }) => {
        const payload =
          '<o:Order xmlns:o="urn:orders" xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" wsu:Id="payload"></o:Order>';
        return craft({ key: pki.client.key(), blocks: [action, payload] }).then((crafted) => {
          const moved = swap(crafted, `</a:Action>${payload}`, '</a:Action>');
          return swap(moved, cut(moved, 's:Body'), `<s:Body>${payload}</s:Body>`);
        });
      },
    ],
    [
      'Body and headers by two signatures',
      'SECURITY_UNSIGNED',
      async (_, { pki }) => {
        const one = await craft({ key: pki.client.key(), skip: ['action', 'time'] });
        const other = await craft({ key: pki.client.key(), skip: ['body'] });
        return swap(one, '</wsse:Security>', `${cut(other, 'ds:Signature')}</wsse:Security>`);
      },
    ],
  ]);
});

describe('X16 two SignedInfo', () => {
  attacks([
    [
      'a second SignedInfo behind the first',
      'SECURITY_MALFORMED',
      (valid) => {
        const original = cut(valid, 'ds:SignedInfo');
        return swap(valid, original, original + original);
      },
    ],
    [
      'the signed one in an Object, an evil one in its place',
      'SECURITY_MALFORMED',
      (valid) => {
        const original = cut(valid, 'ds:SignedInfo');
        const fake = original.replace(/<ds:Reference .*?<\/ds:Reference>/, '');
        return into(swap(valid, original, fake), '</ds:Signature>', `<ds:Object>${original}</ds:Object>`);
      },
    ],
    ['a reference is taken out', 'SECURITY_SIGNATURE', (valid) => swap(valid, cut(valid, 'ds:Reference'), '')],
    [
      'a reference is put twice',
      'SECURITY_SIGNATURE',
      (valid) => {
        const original = cut(valid, 'ds:Reference');
        return swap(valid, original, original + original);
      },
    ],
    [
      'references are put in another order',
      'SECURITY_SIGNATURE',
      (valid) => {
        const original = cut(valid, 'ds:Reference');
        return swap(swap(valid, original, ''), '</ds:SignedInfo>', `${original}</ds:SignedInfo>`);
      },
    ],
  ]);
});
