/**
 * E1 to E15 of docs/ATTACKS.md on messages that CXF and Metro have encrypted: whatever is wrong with a ciphertext, the answer is the same,
 * and what a message asks for has an end.
 */
import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { layered } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { security } from '../../src/security/element.ts';
import { kwAes128, kwAes192, kwAes256 } from '../../src/security/encryption/algorithms.ts';
import { unwrapKey, wrapKey } from '../../src/security/encryption/wraps.ts';
import { ds, wsse, xenc } from '../../src/security/names.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { idle, read } from '../security/rig.ts';
import { createdAt, mutual, required } from '../vectors/replayed.ts';
import { Letter, twin } from './letter.ts';
import { signedAgain } from './peer-pen.ts';
import {
  attacked,
  contexts,
  cxf,
  cxfContext,
  metro,
  metroContext,
  recordingOf,
  requestOf,
  sessions,
} from './peer-stage.ts';
import { fault } from './support.ts';

const wsc = 'http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512';

/** The ciphertext of the Body, or of another element, with other octets. */
function recast(letter: Letter, change: (octets: Buffer) => Buffer, local = 'Body'): Letter {
  const value = letter.one('CipherValue', letter.one(local));
  return letter.saying(value, change(Buffer.from(value.text.replaceAll(/\s/g, ''), 'base64')).toString('base64'));
}

const flipped = (at: number) => (octets: Buffer) => {
  const place = at < 0 ? octets.length + at : at;
  octets[place] = (octets[place] ?? 0) ^ 0x80;
  return octets;
};

describe('oracles', () => {
  attacked('E1 the EncryptedKey is changed', [metro, cxf], 'SECURITY_DECRYPTION', (letter) =>
    recast(letter, flipped(7), 'EncryptedKey'),
  );
  attacked('E1 the EncryptedKey is said to be RSA-1.5, and changed', [metro, cxf], 'SECURITY_DECRYPTION', (letter) =>
    recast(
      letter.changed(
        letter.one('EncryptionMethod', letter.one('EncryptedKey')),
        /Algorithm="[^"]*"/,
        `Algorithm="${xenc}rsa-1_5"`,
      ),
      flipped(7),
      'EncryptedKey',
    ),
  );
  const octets: readonly (readonly [name: string, change: (octets: Buffer) => Buffer])[] = [
    ['the padding', flipped(-17)],
    ['the first octet', flipped(0)],
    ['a block less', (all) => all.subarray(0, -16)],
    ['two blocks of nothing', () => Buffer.alloc(32)],
    ['octets that are no block', (all) => all.subarray(0, -3)],
    ['the last block only', (all) => all.subarray(-32)],
  ];
  test.each([metro, metroContext, cxfContext])(
    'E2 $name: what is wrong with a ciphertext under CBC shows in nothing',
    async (target) => {
      const answers = new Set<string | undefined>();
      for (const [, change] of octets) {
        const scene = await target.scene();
        const { answer } = await scene.receive(recast(new Letter(scene.valid), change).text);
        expect(scene.heard).toHaveLength(0);
        answers.add(answer);
      }
      expect([...answers]).toEqual([fault]);
    },
  );
  attacked('E4 a tag of GCM that is cut to 4 octets', [cxf], 'SECURITY_DECRYPTION', (letter) =>
    recast(letter, (all) => all.subarray(0, -12)),
  );
  attacked('E4 an initialization vector of GCM that is changed', [cxf], 'SECURITY_DECRYPTION', (letter) =>
    recast(letter, flipped(0)),
  );
  attacked('E4 less than a vector and a tag', [cxf], 'SECURITY_DECRYPTION', (letter) =>
    recast(letter, (all) => all.subarray(0, 20)),
  );
  test.each(sessions)('E6 $name: ciphertext, key, signature and coverage fail alike on the wire', async (target) => {
    const broken: readonly ((letter: Letter) => Letter)[] = [
      (letter) => recast(letter, flipped(-17)),
      (letter) => recast(letter, () => Buffer.alloc(0)),
      (letter) => letter.saying(letter.one('CipherValue', letter.body), '####'),
      (letter) => letter.saying(letter.one('SignatureValue'), 'AAAA'),
      (letter) => letter.saying(letter.one('Action'), 'urn:evil'),
      (letter) => letter.without(letter.signature),
      (letter) => letter.without(letter.one('ReferenceList')),
    ];
    const answers = new Set<string | undefined>();
    for (const change of broken) {
      const scene = await target.scene();
      answers.add((await scene.receive(change(new Letter(scene.valid)).text)).answer);
      expect(scene.heard).toHaveLength(0);
    }
    expect([...answers]).toEqual([fault]);
  });
});

describe('loops and floods', () => {
  attacked('E7 a key that is encrypted with itself', [metro, cxf], 'SECURITY_UNSUPPORTED', (letter) => {
    const key = letter.one('EncryptedKey');
    const id = /\bId="([^"]*)"/.exec(letter.of(key))?.[1];
    return letter.with(
      letter.one('KeyInfo', key),
      `<d:KeyInfo xmlns:d="${ds}"><w:SecurityTokenReference xmlns:w="${wsse}"><w:Reference URI="#${id}"/></w:SecurityTokenReference></d:KeyInfo>`,
    );
  });
  attacked('E7 a RetrievalMethod that leads to itself', [cxf, ...contexts], 'SECURITY_DECRYPTION', (letter) =>
    letter.with(
      letter.one('KeyInfo', letter.body),
      `<d:KeyInfo xmlns:d="${ds}"><d:RetrievalMethod Id="loop" URI="#loop"/></d:KeyInfo>`,
    ),
  );
  attacked('E7 seventeen EncryptedKeys', [metro, cxf], 'SECURITY_LIMIT', (letter) => {
    const key = letter.one('EncryptedKey');
    const more = Array.from({ length: 16 }, (_, at) =>
      twin(letter.of(key), `k${at}`).replace(/<\w+:ReferenceList.*<\/\w+:ReferenceList>/, ''),
    );
    return letter.before(key, more.join(''));
  });
  attacked('E8 a ReferenceList of thousands', sessions, 'SECURITY_LIMIT', (letter) =>
    letter.last(
      letter.one('ReferenceList'),
      Array.from({ length: 5_000 }, (_, at) => `<x:DataReference xmlns:x="${xenc}" URI="#d${at}"/>`).join(''),
    ),
  );
  attacked('E8 the same ciphertext twice in the ReferenceList', sessions, 'SECURITY_REFERENCE', (letter) =>
    letter.last(letter.one('ReferenceList'), letter.of(letter.one('DataReference'))),
  );
  attacked('E9 a CipherReference to a file', sessions, 'SECURITY_DECRYPTION', (letter) =>
    letter.with(
      letter.one('CipherValue', letter.body),
      `<x:CipherReference xmlns:x="${xenc}" URI="file:///etc/passwd"/>`,
    ),
  );
  attacked('E11 everything is encrypted, and nothing is signed', sessions, 'SECURITY_UNSIGNED', (letter) =>
    letter.without(letter.signature),
  );

  const saying = (local: string, text: string) => (letter: Letter) =>
    letter.has(local)
      ? letter.saying(letter.one(local), text)
      : letter.before(letter.one('Nonce'), `<c:${local} xmlns:c="${wsc}">${text}</c:${local}>`);
  attacked('E13 a derived key of a megabyte', contexts, 'SECURITY_MALFORMED', saying('Length', '1000000'));
  attacked(
    'E13 a derived key from the second megabyte on',
    contexts,
    'SECURITY_MALFORMED',
    saying('Offset', '1000000'),
  );
  attacked('E13 the millionth generation', contexts, 'SECURITY_MALFORMED', (letter) =>
    letter.has('Offset')
      ? letter.with(letter.one('Offset'), `<c:Generation xmlns:c="${wsc}">1000000</c:Generation>`)
      : letter.before(letter.one('Length'), `<c:Generation xmlns:c="${wsc}">1000000</c:Generation>`),
  );
  attacked('E13 a nonce of 100 kB', contexts, 'SECURITY_LIMIT', (letter) =>
    letter.saying(letter.one('Nonce'), Buffer.alloc(100_000).toString('base64')),
  );
  attacked('E13 a label of 100 kB', contexts, 'SECURITY_LIMIT', saying('Label', 'x'.repeat(100_000)));
  attacked('E13 seventeen derived keys', contexts, 'SECURITY_LIMIT', (letter) => {
    const token = letter.one('DerivedKeyToken');
    return letter.before(token, Array.from({ length: 16 }, (_, at) => twin(letter.of(token), `k${at}`)).join(''));
  });
  attacked(
    'E13 a derived key that is derived of itself, and signs',
    contexts,
    'SECURITY_TOKEN',
    signedAgain((letter) => {
      const token = letter.one('DerivedKeyToken');
      const id = /Id="([^"]*)"/.exec(letter.of(token))?.[1];
      return letter.with(
        letter.one('SecurityTokenReference', token),
        `<w:SecurityTokenReference xmlns:w="${wsse}"><w:Reference URI="#${id}"/></w:SecurityTokenReference>`,
      );
    }),
  );
});

describe('for somebody else', () => {
  test.each([metro, cxf])('E12 $name: a message for another service, encrypted for this one', async ({ name }) => {
    const octets = requestOf(name, 1);
    const policy = await mutual(recordingOf(name), 'service');
    const clock = new VirtualClock(required(createdAt(read(octets))));
    const ask = async (address: string) => {
      const heard: unknown[] = [];
      let up: Carry = async () => undefined;
      const elements = [
        exchange({ addressing: addressing200508, addresses: [address] }),
        security(policy, { clock, random: seededRandom(3) }),
      ];
      layered(elements, (receive) => {
        up = receive;
        return idle('acceptor', async () => undefined);
      })(async (trip) => {
        heard.push(trip);
        return undefined;
      });
      await up(delivery(read(octets)));
      return heard.length;
    };
    expect(await ask('http://another.example/interop')).toBe(0);
    expect(await ask(new Letter(octets).one('To').text)).toBe(1);
  });
});

test.each([kwAes128, kwAes192, kwAes256])('E5 $uri: a wrapped key of another size is none', (row) => {
  const by = createSecretKey(Buffer.alloc(row.keyLength, 7));
  const octets = wrapKey(row, by, Buffer.alloc(32, 9), seededRandom(1));
  expect(unwrapKey(row, by, octets, 32)).toEqual(Buffer.alloc(32, 9));
  for (const [wrong, length] of [
    [octets.subarray(0, 16), 8],
    [octets.subarray(0, 8), 0],
    [octets.subarray(0, -1), 31],
    [octets, 24],
    [octets, 16],
    [Buffer.concat([octets, Buffer.alloc(8)]), 40],
  ] as const)
    expect(unwrapKey(row, by, wrong, length)).toBeUndefined();
});
