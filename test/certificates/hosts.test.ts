import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Host, parseHost } from '../../src/certificates/hosts.ts';

const octetsOf = (host: Host): readonly number[] => (host.type === 'ip' ? [...host.octets] : []);

test('law: the octets of an IPv6 address, written out in full, are the same address', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const host = parseHost(text);
      const octets = octetsOf(host);
      expect(octets).toHaveLength(16);
      const full = octets.map((octet, n) => octet.toString(16).padStart(2, '0') + (n % 2 === 1 && n < 15 ? ':' : ''));
      expect(new URL(`https://[${full.join('')}]/`).hostname).toBe(`[${host.text}]`);
    }),
  );
});

test('law: the octets of an IPv4 address are its numbers', () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      expect(octetsOf(parseHost(text)).join('.')).toBe(text);
    }),
  );
});

test('law: a host is the same when it is read again', () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.ipV4Extended(), fc.ipV6()), (text) => {
      const host = parseHost(text);
      expect(parseHost(host.text)).toEqual(host);
    }),
  );
});
