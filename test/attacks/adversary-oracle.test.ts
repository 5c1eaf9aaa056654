/**
 * E2, E6: ciphertext of another's message set beside what the signature covers, under the key that travels with it. Whether it
 * decrypts must show in nothing: not in the answer, not in what is heard, not in how much is computed.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { type Trust, trustPeers } from '../../src/security/trust.ts';
import { acceptor } from '../security/rig.ts';
import {
  asymmetricEnds,
  cbc,
  type Ends,
  type People,
  people,
  request,
  symmetricEnds,
  withCiphertext,
} from './encrypted-support.ts';
import { cut, fault, receive, swap } from './support.ts';

const wsse11 = 'http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd';
const xenc = 'http://www.w3.org/2001/04/xmlenc#';

let all: People;
beforeAll(async () => {
  all = await people();
});

const broken = (octets: Buffer): Buffer => {
  octets[octets.length - 17] = (octets[octets.length - 17] ?? 0) ^ 0xff;
  return octets;
};

/** The message with the ciphertext of its Body once more, as a header that nobody signed. */
function beside(valid: string, place: 'header' | 'security', change: (octets: Buffer) => Buffer, more = ''): string {
  const data = cut(valid, 'xenc:EncryptedData');
  const copy = withCiphertext(data, change)
    .replace(/ Id="[^"]*"/, ' Id="evil"')
    .replace(/ Type="[^"]*"/, ` Type="${xenc}Element"`);
  const listed = swap(
    valid,
    '</xenc:ReferenceList>',
    '<xenc:DataReference URI="#evil"></xenc:DataReference></xenc:ReferenceList>',
  );
  return place === 'header'
    ? swap(listed, '<s:Header>', `<s:Header>${more}<e:EncryptedHeader xmlns:e="${wsse11}">${copy}</e:EncryptedHeader>`)
    : swap(listed, '</wsse:Security>', `${copy}</wsse:Security>`);
}

const mandatory = '<x:Y xmlns:x="urn:x" s:mustUnderstand="true"></x:Y>';

describe.each([
  ['asymmetric, CBC', () => asymmetricEnds(all, { suite: cbc })],
  ['asymmetric, GCM', () => asymmetricEnds(all)],
  ['symmetric, CBC', () => symmetricEnds(all, { suite: cbc, encryptSignature: false })],
] as const)('%s', (_, make) => {
  let ends: Ends;
  let valid: string;
  beforeAll(async () => {
    ends = make();
    valid = await request(ends);
  });
  test.each([
    ['header', 'an EncryptedHeader', ''],
    ['header', 'an EncryptedHeader, and a mandatory header that is not signed', mandatory],
    ['security', 'EncryptedData in Security', ''],
  ] as const)('in the %s: %s', async (place, __, more) => {
    for (const change of [(octets: Buffer) => octets, broken]) {
      const end = acceptor(ends.service);
      const { answer } = await receive(end, beside(valid, place, change, more));
      expect.soft(answer).toBe(fault);
      expect.soft(end.heard).toHaveLength(0);
    }
  });
});

test.each(['header', 'security'] as const)(
  'in the %s: as much is verified when it decrypts as when it does not',
  async (place) => {
    let asked = 0;
    const pinned = trustPeers(all.alice.certificate);
    const trust: Trust = {
      known: pinned.known,
      accept(...certificate) {
        asked++;
        return pinned.accept(...certificate);
      },
    };
    const ends = asymmetricEnds(all, { suite: cbc });
    const service = mutualCertificateWss10({ key: all.bob.key(), peer: all.alice.certificate, trust, suite: cbc });
    const valid = await request(ends);
    const counts: number[] = [];
    for (const change of [(octets: Buffer) => octets, broken]) {
      asked = 0;
      const end = acceptor(service);
      await receive(end, beside(valid, place, change));
      counts.push(asked);
    }
    expect(counts).toEqual([1, 1]);
  },
);
