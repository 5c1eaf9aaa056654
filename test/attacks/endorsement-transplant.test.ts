/**
 * R7, E12: an endorsed Timestamp is good for one service only. Over TLS nothing else ties a certificate's signature to a message, so
 * whoever is sent one could put it before a message of his own to another service (facts: WS-SecurityPolicy and WCF sign wsa:To).
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { type SecurityPolicy, unsafeUnsignedTo } from '../../src/security/policy.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import { trustChain } from '../../src/security/trust.ts';
import { acceptor, order, type Pki, pki, secured } from '../security/rig.ts';
import { cut, fault, receive, swap } from './support.ts';

let all: Pki;
let valid: string;
beforeAll(async () => {
  all = await pki();
  valid = new TextDecoder().decode(await secured(certificateOverTransport({ key: all.client.key() })));
});
const policy = (more: object = {}): SecurityPolicy =>
  certificateOverTransport({ trust: trustChain({ anchors: all.root.certificate }), ...more });

async function refused(octets: string, by: SecurityPolicy = policy()): Promise<string | undefined> {
  const end = acceptor(by);
  const { answer, codes } = await receive({ ...end, receive: (one) => end.receive(one, { secure: true }) }, octets);
  expect(end.heard).toHaveLength(0);
  expect(answer).toBe(fault);
  return codes[0];
}

describe('a signature over the Timestamp', () => {
  test('of a client of ours covers wsa:To, and is accepted', async () => {
    const end = acceptor(policy());
    expect(await end.receive(valid, { secure: true })).toBeUndefined();
    expect(end.heard).toHaveLength(1);
  });

  test('for another service: its wsa:To replaced, or taken out', async () => {
    const to = cut(valid, 'a:To');
    expect(await refused(valid.replaceAll('https://service.example/soap', 'https://victim.example/soap'))).toBe(
      'SECURITY_DIGEST',
    );
    expect(await refused(swap(valid, to, ''))).toBe('SECURITY_REFERENCE');
    const second = to.replace(/ wsu:Id="[^"]*"/, '').replace('service.example', 'victim.example');
    expect(await refused(swap(valid, to, to + second))).toBe('SECURITY_UNSIGNED');
    expect(await refused(swap(valid, to, second + to))).toBe('SECURITY_UNSIGNED');
  });

  test('alone: as Metro sends it, accepted only where that is given up by name', async () => {
    const plain = order();
    const headers = plain.headers.filter(({ local }) => local !== 'To');
    const client = certificateOverTransport({ key: all.client.key() });
    const withoutTo = new TextDecoder().decode(await secured(client, { ...plain, headers }));
    const grafted = swap(
      withoutTo,
      '<wsse:Security',
      `${cut(valid, 'a:To').replace(/ wsu:Id="[^"]*"/, '')}<wsse:Security`,
    );
    for (const octets of [withoutTo, grafted]) {
      expect(await refused(octets)).toBe('SECURITY_UNSIGNED');
      const lenient = policy({ unsafe: [unsafeUnsignedTo] });
      expect(lenient.unsafe).toEqual(['unsafeUnsignedTo']);
      const end = acceptor(lenient);
      expect(await end.receive(octets, { secure: true })).toBeUndefined();
      expect(end.heard).toHaveLength(1);
    }
  });
});
