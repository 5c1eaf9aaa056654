/**
 * I1: whatever an application calls, reads or walks of what it is given, it finds nothing that no digest covers. Not a list of
 * accessors that somebody keeps, but all there are: own and inherited properties, getters, methods that can be called with nothing, with
 * a name or with a number, iterators, entries of maps and sets, octets as text; of our messages and of those of peers.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { certificates } from '../../src/security/certificates.ts';
import { evidence } from '../../src/security/evidence.ts';
import { x509Signed } from '../../src/security/policy.ts';
import { trustChain } from '../../src/security/trust.ts';
import { XmlElement } from '../../src/xml/document.ts';
import { acceptor, pki, read, start } from '../security/rig.ts';
import { anonymousEnds, asymmetricEnds, people, request, symmetricEnds } from './encrypted-support.ts';
import { prepare, service, swap } from './support.ts';

/** What is asked of methods: names that the attacker's parts bear, and numbers. */
const questions: readonly (readonly unknown[])[] = [
  [],
  ['evil'],
  ['urn:evil'],
  ['Evil', 'urn:evil'],
  ['urn:evil', 'Evil'],
  [0],
  [1],
];
/** Methods that do something to the world instead of telling something. */
const skipped = new Set([
  'constructor',
  'with',
  'carrying',
  'throwIfAborted',
  'addEventListener',
  'dispatchEvent',
  'then',
]);

/** Values that are looked at, the nearest first: cursors are made anew whenever they are asked for, so there is no natural end. */
const most = 20_000;

/** Every text that is reachable of a value, the nearest first; an element of a document is looked at once. */
function texts(root: unknown): readonly string[] {
  const found: string[] = [];
  const seen = new Set<unknown>();
  const elements = new Map<unknown, Set<number>>();
  const waiting: unknown[] = [root];
  const isNew = (value: object): boolean => {
    if (seen.has(value)) return false;
    seen.add(value);
    if (!(value instanceof XmlElement)) return true;
    const known = elements.get(value.document.bytes) ?? new Set();
    elements.set(value.document.bytes, known);
    return !known.has(value.index) && known.add(value.index) !== undefined;
  };
  for (let at = 0; at < waiting.length && at < most; at++) {
    const value = waiting[at];
    waiting[at] = undefined;
    if (typeof value === 'string') found.push(value);
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || !isNew(value)) continue;
    if (ArrayBuffer.isView(value)) {
      // The buffer under the octets is reachable as well; of Node's pool, which is everybody's, the octets alone.
      const { buffer, byteOffset, byteLength } = value;
      const isPool = buffer.byteLength === Buffer.poolSize;
      const octets = isPool ? Buffer.from(buffer, byteOffset, byteLength) : Buffer.from(buffer);
      found.push(octets.toString('latin1'));
      continue;
    }
    if (value instanceof Map || value instanceof Set) waiting.push(...value.keys(), ...value.values());
    if (Array.isArray(value)) waiting.push(...(value as readonly unknown[]));
    else for (const [key, property] of properties(value)) waiting.push(...answers(value, key, property));
  }
  return found;
}

function* properties(value: object): Generator<readonly [string | symbol, PropertyDescriptor]> {
  for (
    let of: object | null = value;
    of !== null && !natives.has(of);
    of = Object.getPrototypeOf(of) as object | null
  ) {
    for (const key of Reflect.ownKeys(of)) {
      const found = Reflect.getOwnPropertyDescriptor(of, key);
      if (found !== undefined && !(typeof key === 'string' && skipped.has(key))) yield [key, found];
    }
  }
}

/** The value of a property, and what it says where it is a method. */
function answers(of: object, key: string | symbol, found: PropertyDescriptor): readonly unknown[] {
  const said: unknown[] = [key];
  const attempt = (work: () => unknown): void => {
    try {
      said.push(work());
    } catch (thrown) {
      said.push((thrown as Error).message);
    }
  };
  attempt(() => (found.get === undefined ? found.value : found.get.call(of)));
  const value = said.at(-1);
  if (typeof value === 'function' && value.length <= 2) {
    for (const asked of questions) attempt(() => value.apply(of, asked) as unknown);
  }
  return said;
}

/** What every program has, and tells nothing. */
const natives: ReadonlySet<object> = new Set(
  [Object, Function, Array, Map, Set, Promise, Error, Uint8Array, AbortSignal, EventTarget].map(
    ({ prototype }) => prototype as object,
  ),
);

const evil = (namespace: string) =>
  `<x:Evil xmlns:x="urn:evil" xmlns:s="${namespace}" s:mustUnderstand="0"><x:Unsigned>evil words</x:Unsigned></x:Evil>`;

function injected(valid: string): string {
  const namespace = /<\w+:Envelope[^>]*xmlns:\w+="([^"]*(?:envelope\/?))"/i.exec(valid)?.[1] ?? '';
  const header = /<(?:\w+:)?Header[^>]*>/.exec(valid)?.[0] ?? '';
  return swap(valid, header, `${header}${evil(namespace)}<!-- evil comment -->`);
}

async function reachesNothing(
  end: ReturnType<typeof acceptor>,
  octets: string,
  wanted: string,
  from?: { secure: boolean },
): Promise<void> {
  await end.receive(octets, from);
  const [heard] = end.heard;
  if (heard === undefined) throw new Error('the message is refused as a whole');
  const found = texts([heard, heard.get(evidence)]);
  expect(found.some((text) => text.includes(wanted))).toBe(true);
  const leaked = found.filter((text) => /evil words|evil comment|urn:evil"/.test(text));
  expect(leaked.map((text) => text.slice(0, 200))).toEqual([]);
}

describe('a header that nobody signed is reachable by nothing', () => {
  test('in a message that is signed', async () => {
    const stage = await prepare();
    await reachesNothing(service(stage), injected(stage.valid), 'two of them');
  });

  test.each([
    ['two certificates', asymmetricEnds],
    ['a secret, and an endorsement', symmetricEnds],
    ['a secret', anonymousEnds],
  ] as const)('in a message that is encrypted, %s', async (_, make) => {
    const ends = make(await people());
    await reachesNothing(acceptor(ends.service), injected(await request(ends)), 'two of them');
  });

  const peers = join(import.meta.dirname, '../fuzz/corpus/signed-by-wss4j');
  test.each(['rsa-sha256.xml', 'ecdsa-sha384.xml'])('in a message of WSS4J, %s', async (file) => {
    const anchors = certificates(readFileSync(join(peers, 'authority.pem'), 'utf8'));
    const freshness = { lifetime: 30 * 86_400_000, skew: 30 * 86_400_000 };
    const policy = x509Signed({ key: (await pki()).stranger.key(), trust: trustChain({ anchors }), freshness });
    const end = acceptor(policy, { clock: new VirtualClock(start + 86_400_000) });
    await reachesNothing(end, injected(readFileSync(join(peers, file), 'utf8')), 'A-1');
  });
});

test('the walk finds what is there: the same words in a header that is signed, and in what was not verified', async () => {
  const stage = await prepare();
  const end = service(stage);
  await end.receive(stage.valid);
  const found = texts([end.heard[0], end.heard[0]?.get(evidence)]).join('\n');
  for (const words of ['two of them', 'urn:orders/place', 'urn:uuid:5e9', 'CN=client']) expect(found).toContain(words);
  expect(texts(read(injected(stage.valid))).some((text) => text.includes('evil words'))).toBe(true);
});
