/** Both ways with xmlsec1: what it encrypts we decrypt, what we encrypt it decrypts, for every algorithm that it has. */
import { describe, expect, test } from 'vitest';
import { ourReading, plain, sessions, theirReading, type, version, ways } from './beside-xmlsec.ts';

describe.skipIf(version === '')(`beside ${version || 'xmlsec1, which is absent'}`, () => {
  for (const [at, way] of ways.entries()) {
    const ciphers = sessions.map(([cipher], index) => ({ cipher, type: type(at + index), uri: cipher.uri }));
    test.each(ciphers)(`${way.name} and $uri, $type: it decrypts what we encrypt`, ({ cipher, type }) => {
      expect(theirReading(way, cipher, type)).toBe(plain);
    });

    test.each(ciphers)(`${way.name} and $uri, $type: we decrypt what it encrypts`, async ({ cipher, type }) => {
      expect(await ourReading(way, cipher, type)).toBe(plain);
    });
  }
});
