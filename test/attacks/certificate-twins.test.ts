/**
 * R1, R7, K10: one key, many certificates. Anybody can turn the issuer's ECDSA signature (r, s) of a certificate into
 * (r, n-s): another certificate by its octets, as valid as the first, for the same key. The token is usually not signed, so
 * an attacker may put such a twin into a captured message; it has to remain the message that it was.
 */
import { describe, expect, test } from 'vitest';
import { base64, fromBase64, view } from '../../src/base/bytes.ts';
import { instant } from '../../src/base/clock.ts';
import { certificate } from '../../src/security/certificates.ts';
import { trustChain } from '../../src/security/trust.ts';
import { acceptor, policyOf, secured, start } from '../security/rig.ts';
import { prepare, receive, service } from './support.ts';

/** The order of the base point of P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const positive = (octets[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), octets]) : octets;
  return Buffer.concat([Buffer.of(0x02, positive.length), positive]);
}

/** The end of the TLV that starts at `at`; lengths of one or two octets, as certificates have them. */
function endOf(der: Buffer, at: number): number {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return at + 2 + first;
  return first === 0x81 ? at + 3 + (der[at + 2] ?? 0) : at + 4 + der.readUInt16BE(at + 2);
}

function twin(der: Buffer): Buffer {
  const [start, signature] = [4, endOf(der, endOf(der, 4))];
  const r = signature + 5;
  const s = endOf(der, r);
  const value = BigInt(`0x${der.subarray(s + 2, endOf(der, s)).toString('hex')}`);
  const pair = Buffer.concat([der.subarray(r, s), derInteger(order - value)]);
  const bits = Buffer.concat([Buffer.of(0x03, pair.length + 3, 0, 0x30, pair.length), pair]);
  const content = Buffer.concat([der.subarray(start, signature), bits]);
  return Buffer.concat([Buffer.of(0x30, 0x82, content.length >> 8, content.length & 0xff), content]);
}

const underTwin = (message: string): string =>
  message.replace(
    /(<wsse:BinarySecurityToken[^>]*>)([^<]*)/,
    (_, tag: string, token: string) => tag + base64(twin(view(fromBase64(token) ?? new Uint8Array()))),
  );

describe('the twin of a certificate', () => {
  test('is another certificate that is trusted as much', async () => {
    const { pki } = await prepare();
    const other = certificate(twin(view(pki.client.certificate.der)));
    expect(other.fingerprint).not.toBe(pki.client.certificate.fingerprint);
    expect(other.keyFingerprint).toBe(pki.client.certificate.keyFingerprint);
    await trustChain({ anchors: pki.root.certificate }).accept(other, instant(start));
  });

  test('R1 does not make a copy a new message', async () => {
    const stage = await prepare();
    const end = service(stage);
    await end.receive(stage.valid);
    expect((await receive(end, underTwin(stage.valid))).codes).toEqual(['SECURITY_REPLAY']);
    expect(end.heard).toHaveLength(1);
  });

  test("R7 does not make one's own message somebody else's", async () => {
    const { pki } = await prepare();
    const own = new TextDecoder().decode(await secured(policyOf(pki.service, pki.root)));
    const end = acceptor(policyOf(pki.service, pki.root));
    expect((await receive(end, underTwin(own))).codes).toEqual(['SECURITY_REFLECTED']);
    expect(end.heard).toHaveLength(0);
  });

  test('no octet around the signed part of a certificate can be changed', async () => {
    const { pki } = await prepare();
    const trust = trustChain({ anchors: pki.root.certificate });
    const der = view(pki.client.certificate.der);
    const signed = endOf(der, 4);
    for (let at = 0; at < der.length; at = at === 7 ? signed : at + 1) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      await expect((async () => trust.accept(certificate(changed), instant(start)))()).rejects.toThrow();
    }
  });
});
