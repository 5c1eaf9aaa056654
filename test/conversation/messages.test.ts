/** Requests and answers as they are written: in the order of WCF's own, read back without loss, refused when they lie. */
import { describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { type ContextRequest, readRequest, requireAmendment, writeRequest } from '../../src/conversation/requests.ts';
import {
  readAmended,
  readCancelled,
  readIssued,
  writeAmended,
  writeCancelled,
  writeIssued,
} from '../../src/conversation/responses.ts';
import { computedKey } from '../../src/conversation/secret.ts';
import { conversationVersions } from '../../src/conversation/versions/table.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { hasCaptures, recorded, withoutData } from '../reliable/recorded.ts';

const entropy = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const target = { identifier: 'urn:uuid:context', instance: 'urn:uuid:second' };
const requests: readonly ContextRequest[] = [
  { kind: 'issue', entropy, keySize: 256 },
  { kind: 'renew', entropy, keySize: 256, target },
  { kind: 'cancel', target },
];
const issued = {
  ...target,
  id: 'sct-1',
  entropy,
  keySize: 256,
  created: instant(0),
  expires: instant(36_000_000),
};
const nobody = () => undefined;

/** Names of elements in document order, with their depth. */
function outline(element: XmlElement, depth = 0): readonly string[] {
  return [
    `${' '.repeat(depth)}${element.namespace} ${element.local}`,
    ...element.children.flatMap((child) => outline(child, depth + 1)),
  ];
}

describe.each(conversationVersions)('WS-Trust of $name', (version) => {
  test.each(requests)('$kind is read as it was written', (request) => {
    const { element } = writeRequest(version, request, 'secret-1');
    expect(readRequest(version, element, nobody)).toEqual(request);
  });

  test('an issued context is read as it was written', () => {
    const read = readIssued(version, writeIssued(version, issued, 'secret-1').element);
    expect(read).toMatchObject({ ...target, id: 'sct-1', keySize: 256 });
    expect(read.lifetime).toEqual({ created: issued.created, expires: issued.expires });
    expect(Buffer.from(read.entropy).equals(entropy)).toBe(true);
    readCancelled(version, writeCancelled(version).element);
  });

  test('to amend is an exchange of the issuance binding that makes no key, with an answer about the same context', () => {
    const request = writeRequest(version, { kind: 'amend' }, 'secret-1').toString();
    const { trust, tokenType, collection } = version;
    expect(request).toBe(
      `<wst:RequestSecurityToken xmlns:wst="${trust}"><wst:TokenType>${tokenType}</wst:TokenType>` +
        `<wst:RequestType>${trust}/Issue</wst:RequestType></wst:RequestSecurityToken>`,
    );
    const bare = request.replace(/<wst:TokenType>.*TokenType>/, '');
    for (const text of [request, bare]) requireAmendment(version, XmlFragment.parse(text).element);
    const answer = writeAmended(version, target, 'sct-1');
    expect(outline(answer.element).map((line) => line.trim().split(' ')[1])).toEqual([
      ...(collection ? ['RequestSecurityTokenResponseCollection'] : []),
      ...['RequestSecurityTokenResponse', 'TokenType', 'RequestedSecurityToken'],
      ...['SecurityContextToken', 'Identifier', 'Instance'],
      ...['RequestedAttachedReference', 'SecurityTokenReference', 'Reference'],
      ...['RequestedUnattachedReference', 'SecurityTokenReference', 'Reference'],
    ]);
    expect(readAmended(version, answer.element)).toMatchObject(target);
    // Alone or in a collection, whatever the version.
    const alone = answer.toString().replace(/<(\/?)wst:RequestSecurityTokenResponseCollection[^>]*>/g, '');
    const single = alone.replace(
      /^<wst:RequestSecurityTokenResponse>/,
      `<wst:RequestSecurityTokenResponse xmlns:wst="${trust}">`,
    );
    expect(readAmended(version, XmlFragment.parse(single).element)).toMatchObject(target);
  });

  test('bad input: a request to amend of another type or for another token, and an answer that is none', () => {
    const request = writeRequest(version, { kind: 'amend' }, 'secret-1').toString();
    const requests: readonly (readonly [string, string])[] = [
      [request.replace(version.requestTypes.amend, version.requestTypes.renew), 'CONVERSATION_UNSUPPORTED'],
      [request.replace(version.tokenType, 'urn:other'), 'CONVERSATION_UNSUPPORTED'],
      [request.replace(/<wst:RequestType>.*RequestType>/, ''), 'XML_UNEXPECTED'],
      [request.replaceAll('RequestSecurityToken', 'Anything'), 'CONVERSATION_MALFORMED'],
    ];
    for (const [text, code] of requests) {
      expect(text).not.toBe(request);
      const { element } = XmlFragment.parse(text);
      expect(() => requireAmendment(version, element), text).toThrow(expect.objectContaining({ code }));
    }
    const sound = writeAmended(version, target, 'sct-1').toString();
    const proof = `<wst:RequestedProofToken><wst:ComputedKey>${version.computedKey}</wst:ComputedKey></wst:RequestedProofToken>`;
    const answers: readonly (readonly [string, string])[] = [
      [
        sound.replace('</wst:RequestSecurityTokenResponse>', `${proof}</wst:RequestSecurityTokenResponse>`),
        'CONVERSATION_UNSUPPORTED',
      ],
      [sound.replace('URI="#sct-1"', 'URI="#sct-2"'), 'CONVERSATION_MALFORMED'],
      [sound.replace('URI="urn:uuid:context"', 'URI="urn:uuid:other"'), 'CONVERSATION_MALFORMED'],
      [sound.replace(/<wst:RequestedSecurityToken>.*<\/wst:RequestedSecurityToken>/, ''), 'XML_UNEXPECTED'],
      [writeCancelled(version).toString(), 'XML_UNEXPECTED'],
    ];
    for (const [text, code] of answers) {
      expect(text).not.toBe(sound);
      const { element } = XmlFragment.parse(text);
      expect(() => readAmended(version, element), text).toThrow(expect.objectContaining({ code }));
    }
  });

  test.skipIf(!hasCaptures)(`${hasCaptures ? '' : withoutData} the request has the shape of WCF's own`, () => {
    const name = version.name === '200512' ? 'wcf-metro-sc-user-tls' : 'wcf-metro-sc-user-tls-05';
    const [first] = recorded(name);
    const theirs = first?.request.message && payload(first.request.message);
    if (theirs === undefined) throw new Error('There is no request.');
    const ours = writeRequest(version, { kind: 'issue', entropy, keySize: 256 }, 'secret-1').element;
    expect(outline(ours)).toEqual(outline(theirs));
  });

  test.skipIf(!hasCaptures)(
    `${hasCaptures ? '' : withoutData} the answer has the shape of Metro's, and a KeySize`,
    () => {
      const name = version.name === '200512' ? 'wcf-metro-sc-user-tls' : 'wcf-metro-sc-user-tls-05';
      const [first] = recorded(name);
      const theirs = first?.response?.message && payload(first.response.message);
      if (theirs === undefined) throw new Error('There is no answer.');
      const ours = writeIssued(version, { ...issued, instance: undefined }, 'secret-1').element;
      expect(outline(ours).filter((line) => !line.endsWith(' KeySize'))).toEqual(outline(theirs));
    },
  );

  test('bad input: entropy of the wrong size, a key of no known size, another token, no entropy', () => {
    const text = (request: ContextRequest) => writeRequest(version, request, 'secret-1').toString();
    const issue = text({ kind: 'issue', entropy, keySize: 256 });
    const refusals: readonly (readonly [string, string, string])[] = [
      [issue, text({ kind: 'issue', entropy: entropy.slice(0, 31), keySize: 256 }), 'CONVERSATION_KEY_SIZE'],
      [issue, text({ kind: 'issue', entropy, keySize: 257 }), 'CONVERSATION_KEY_SIZE'],
      [issue, issue.replace(version.tokenType, 'urn:other'), 'CONVERSATION_UNSUPPORTED'],
      [issue, issue.replace(version.requestTypes.issue, 'urn:other'), 'CONVERSATION_UNSUPPORTED'],
      [issue, issue.replace(/<wst:Entropy.*Entropy>/, ''), 'CONVERSATION_UNSUPPORTED'],
      [issue, issue.replace('>256<', '>256<!---->0<'), 'XML_UNEXPECTED'],
    ];
    for (const [sound, bad, code] of refusals) {
      expect(bad).not.toBe(sound);
      const { element } = XmlFragment.parse(bad);
      expect(() => readRequest(version, element, nobody)).toThrow(expect.objectContaining({ code }));
    }
  });

  test('attack: an answer whose references are to another token, or whose key the issuer chose alone', () => {
    const sound = writeIssued(version, issued, 'secret-1').toString();
    const lies = [
      [sound.replace('URI="#sct-1"', 'URI="#sct-2"'), 'CONVERSATION_MALFORMED'],
      [sound.replace('URI="urn:uuid:context"', 'URI="urn:uuid:other"'), 'CONVERSATION_MALFORMED'],
      [sound.replace(version.computedKey, `${version.trust}/CK/HASH`), 'CONVERSATION_UNSUPPORTED'],
      [sound.replace(/<wst:Entropy.*Entropy>/, ''), 'CONVERSATION_UNSUPPORTED'],
    ] as const;
    for (const [text, code] of lies) {
      expect(text).not.toBe(sound);
      const { element } = XmlFragment.parse(text);
      expect(() => readIssued(version, element)).toThrow(expect.objectContaining({ code }));
    }
  });
});

test('neither end chooses the secret alone', () => {
  const other = entropy.toReversed();
  expect(computedKey(entropy, other, 256)).not.toEqual(computedKey(entropy, entropy, 256));
  expect(computedKey(other, entropy, 256)).not.toEqual(computedKey(entropy, entropy, 256));
  expect(computedKey(entropy, other, 128)).toEqual(computedKey(entropy, other, 256).subarray(0, 16));
});
