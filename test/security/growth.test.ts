/**
 * Verification and decryption cost what a message is long, whatever its shape: 10 MB, 100,000 siblings, 5,000 levels, 1,000
 * references, 1,000 namespaces. Limits that such messages break are raised here; what breaks them by default is refused before.
 */
import { createSecretKey } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { base64Digest, signOctets } from '../../src/security/crypto.ts';
import { anonymousForCertificate } from '../../src/security/presets/for-certificate.ts';
import { Protector } from '../../src/security/protect.ts';
import type { Directions } from '../../src/security/protection.ts';
import {
  readSignature,
  type SignatureProfile,
  signedInfoOctets,
  verifySignature,
  writeSignature,
  writeSignedInfo,
} from '../../src/security/signature.ts';
import { hmacSha256, sha256 } from '../../src/security/suites.ts';
import { canonicalTransform } from '../../src/security/transforms.ts';
import { examine } from '../../src/security/verify.ts';
import { encodeEnvelope, readEnvelope } from '../../src/soap/envelope.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { elementsById } from '../../src/xml/find.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';
import { BOUND, growth, TIMES } from '../growth.ts';
import { order, pki, start } from './rig.ts';

const raised = { bytes: 64_000_000, depth: 6_000, namespaces: 2_000, nodes: 10_000_000 };
const secret = createSecretKey(seededRandom(5).bytes(32));
const exchange = { values: [], secret: { key: secret, identifier: seededRandom(6).bytes(20) }, certificate: undefined };
const now = new VirtualClock(start).now();

let replies: Directions;
beforeAll(async () => {
  const { service } = await pki();
  replies = anonymousForCertificate({
    key: service.key(),
    derivedKeys: false,
    encryptSignature: false,
    confirmSignatures: false,
  }).reply;
});

/** A message under the secret with this in its Body, in one of two forms, as it came and ready to be examined. */
async function message(content: string, encrypted: boolean): Promise<() => Promise<unknown>> {
  const { inbound, outbound } = replies;
  if (inbound.encryption === undefined || outbound.encryption === undefined) throw new Error('the preset encrypts');
  const body = { body: encrypted };
  const policy = { ...inbound, encryption: { ...inbound.encryption, ...body } };
  const protector = new Protector({ ...outbound, encryption: { ...outbound.encryption, ...body } }, seededRandom(1));
  const payload = XmlFragment.of(scan(utf8(`<p>${content}</p>`), raised).root);
  const clear = { ...order(), body: XmlFragment.written([envelopeBody(payload)], []) };
  const octets = encodeEnvelope((await protector.secure(clear, now, exchange)).message);
  const around = { now, replay: { remember: () => true }, peer: undefined, exchange };
  return async () => examine(readEnvelope(scan(octets, raised)), policy, around);
}

function envelopeBody(payload: XmlFragment): string {
  return `<s:Body xmlns:s="http://www.w3.org/2003/05/soap-envelope">${payload}</s:Body>`;
}

const many = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join('');

interface Shape {
  /** How large it gets where it is signed, and where it is encrypted as well: there the limits are those of the engine. */
  readonly large: readonly [signed: number, encrypted: number];
  make(size: number): string;
}

const shapes: Readonly<Record<string, Shape>> = {
  '10 MB': { large: [10_000, 10_000], make: (size) => `<line no="1">${'0123456789'.repeat(98)}</line>`.repeat(size) },
  '100,000 siblings': { large: [100_000, 100_000], make: (size) => '<b x="1"></b>'.repeat(size) },
  '5,000 levels': { large: [5_000, 240], make: (size) => '<b>'.repeat(size) + '</b>'.repeat(size) },
  '1,000 namespaces in one scope': {
    large: [1_000, 240],
    make: (size) => `<w${many(size, (at) => ` xmlns:q${at}="urn:${at}"`)}>${many(size, (at) => `<q${at}:b/>`)}</w>`,
  },
};

describe.each([
  ['signed', 0],
  ['signed and encrypted', 1],
] as const)('%s', (_, form) => {
  test.each(Object.entries(shapes))('D16 %s takes as much longer as it is larger', async (_name, { large, make }) => {
    const [few, all] = [Math.ceil(large[form] / TIMES), large[form]];
    const small = await message(make(few), form === 1);
    expect(await growth(small, await message(make(all), form === 1))).toBeLessThan(BOUND);
  });
});

describe('one signature', () => {
  /** A document whose signature refers to `size` of its elements, under a profile that takes so many. */
  function referring(size: number): () => unknown {
    const parts = Array.from({ length: size }, (_, at) => {
      const text = `<p:part xmlns:p="urn:p" Id="i${at}">${at}</p:part>`;
      return { text, signed: { id: `i${at}`, prefixes: [], digest: base64Digest(sha256, text) } };
    });
    const info = writeSignedInfo(
      parts.map(({ signed }) => signed),
      hmacSha256,
      sha256,
    );
    const value = signOctets(hmacSha256, secret, signedInfoOctets(info));
    const octets = utf8(`<a>${parts.map(({ text }) => text).join('')}${writeSignature(info, value, '')}</a>`);
    const transform = canonicalTransform(exclusive);
    return () => {
      const document = scan(octets);
      const ids = elementsById(document);
      const profile: SignatureProfile = {
        signatures: new Map([[hmacSha256.uri, hmacSha256]]),
        digests: new Map([[sha256.uri, sha256]]),
        canonicalizations: new Map([[exclusive.uri, exclusive]]),
        transforms: new Map([[transform.uri, transform]]),
        objects: false,
        limits: { references: size, transforms: 1, octets: octets.length * 2 },
        resolve(uri) {
          const element = ids.get(uri?.slice(1) ?? '') as XmlElement;
          return { kind: 'nodes', apex: element, element };
        },
      };
      const element = document.root.children.at(-1) as XmlElement;
      const { covered } = verifySignature(readSignature(element, profile), secret, profile);
      if (covered.size !== size) throw new Error(`${covered.size} elements are covered`);
    };
  }

  test('1,000 references', async () => {
    expect(await growth(referring(Math.ceil(1_000 / TIMES)), referring(1_000))).toBeLessThan(BOUND);
  });
});
