import { expect, test } from 'vitest';
import { base64, fromBase64, view } from '../../src/base/bytes.ts';
import { acceptor, policyOf, secured } from '../security/rig.ts';
import { prepare, receive, service } from './support.ts';

const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
function derInt(v: bigint) {
  let h = v.toString(16);
  if (h.length % 2) h = '0' + h;
  let b = Buffer.from(h, 'hex');
  if (b[0]! & 0x80) b = Buffer.concat([Buffer.of(0), b]);
  return Buffer.concat([Buffer.of(2, b.length), b]);
}
export function twin(der: Buffer): Buffer {
  // outer SEQ (82 len), tbs, alg, BITSTRING
  const tbsLen = der.readUInt16BE(6);
  const tbsEnd = 4 + 4 + tbsLen;
  const algEnd = tbsEnd + 2 + der[tbsEnd + 1]!;
  const bit = der.subarray(algEnd); // 03 len 00 30 len 02 l r 02 l s
  const seq = bit.subarray(3);
  const rl = seq[3]!;
  const r = seq.subarray(2, 4 + rl);
  const sAt = 4 + rl;
  const sl = seq[sAt + 1]!;
  const s = BigInt('0x' + seq.subarray(sAt + 2, sAt + 2 + sl).toString('hex'));
  const body = Buffer.concat([r, derInt(n - s)]);
  const sig = Buffer.concat([Buffer.of(0x30, body.length), body]);
  const bs = Buffer.concat([Buffer.of(3, sig.length + 1, 0), sig]);
  const inner = Buffer.concat([der.subarray(4, algEnd), bs]);
  return Buffer.concat([Buffer.of(0x30, 0x82, inner.length >> 8, inner.length & 255), inner]);
}
const retoken = (t: string) =>
  t.replace(
    /(<wsse:BinarySecurityToken[^>]*>)([^<]*)/,
    (_, a: string, b: string) => a + base64(twin(view(fromBase64(b)!))),
  );
test('replay under a twin certificate', async () => {
  const stage = await prepare();
  const end = service(stage);
  await end.receive(stage.valid);
  const r = await receive(end, retoken(stage.valid));
  console.log('REPLAY', end.heard.length, r.codes);
});
test('reflection under twin', async () => {
  const { pki } = await prepare();
  const own = new TextDecoder().decode(await secured(policyOf(pki.service, pki.root)));
  const end = acceptor(policyOf(pki.service, pki.root));
  const r = await receive(end, retoken(own));
  console.log('REFLECT', end.heard.length, r.codes);
});
test('der bit flips outside tbs', async () => {
  const { pki } = await prepare();
  const der = Buffer.from(pki.client.certificate.der);
  const tbsEnd = 8 + der.readUInt16BE(6);
  const { certificate } = await import('../../src/security/certificates.ts');
  const { trustChain } = await import('../../src/security/trust.ts');
  const { instant } = await import('../../src/base/clock.ts');
  const trust = trustChain({ anchors: pki.root.certificate });
  const ok: number[] = [];
  for (let at = 0; at < der.length; at++) {
    if (at >= 8 && at < tbsEnd) continue;
    for (let bit = 0; bit < 8; bit++) {
      const v = Buffer.from(der);
      v[at]! ^= 1 << bit;
      try {
        const c = certificate(v);
        await trust.accept(c, instant(Date.UTC(2026, 10, 22)));
        ok.push(at - tbsEnd);
      } catch {}
    }
  }
  console.log('FLIPS', ok);
  expect(1).toBe(1);
});
