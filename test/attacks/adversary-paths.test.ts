/**
 * D9, K9: certificates that issued one another, in a token of somebody whom nobody knows. PKI.js walks such a circle without end, and
 * fills the memory; it is never given one. Other paths to the anchor are found all the same.
 */
import { expect, test } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { instant } from '../../src/base/clock.ts';
import { insideHeader } from '../../src/security/header.ts';
import { x509PkiPath, x509v3 } from '../../src/security/names.ts';
import { writePkiPath } from '../../src/security/tokens/certificate-paths.ts';
import { writeBinaryToken, writeTokenReference } from '../../src/security/tokens/x509.ts';
import { trustChain } from '../../src/security/trust.ts';
import { issue } from '../security/pki.ts';
import { start } from '../security/rig.ts';
import { craft, fault, prepare, receive, service } from './support.ts';

/** Two authorities, what each certified of the other, and a leaf of the first. */
async function circle() {
  const a = await issue({ name: 'A', ca: true });
  const b = await issue({ name: 'B', ca: true });
  const aByB = await issue({ name: 'A', ca: true, publicKey: a.pair.publicKey }, b);
  const bByA = await issue({ name: 'B', ca: true, publicKey: b.pair.publicKey }, a);
  return { a, b, aByB, bByA, leaf: await issue({ name: 'leaf', kind: 'rsa' }, a) };
}

test('a token that holds a circle is refused, and ends', async () => {
  const stage = await prepare();
  const { aByB, bByA, leaf } = await circle();
  const path = writePkiPath([leaf, aByB, bByA].map((one) => one.certificate));
  const direct = insideHeader(writeBinaryToken('token', leaf.certificate));
  const attack = await craft({
    key: leaf.key(),
    token: direct.replace(base64(leaf.certificate.der), base64(path)).replace(x509v3, x509PkiPath),
    keyReference: insideHeader(writeTokenReference('direct', leaf.certificate, 'token')).replace(x509v3, x509PkiPath),
  });
  const end = service(stage);
  const { answer, codes } = await receive(end, attack);
  expect(codes).toEqual(['SECURITY_CERTIFICATE_UNTRUSTED']);
  expect(answer).toBe(fault);
  expect(end.heard).toHaveLength(0);
});

test('beside a circle the path to the anchor is found', async () => {
  const root = await issue({ name: 'root', ca: true });
  const { b, aByB, bByA, leaf } = await circle();
  const bByRoot = await issue({ name: 'B', ca: true, publicKey: b.pair.publicKey }, root);
  const trust = trustChain({ anchors: root.certificate });
  const others = [aByB, bByA, bByRoot].map((one) => one.certificate);
  await expect(trust.accept(leaf.certificate, instant(start), others)).resolves.toBeUndefined();
});

test('a thicket of certificates for the same keys is refused at once', async () => {
  const root = await issue({ name: 'root', ca: true });
  const { a, b, leaf } = await circle();
  const others = [];
  for (let at = 0; at < 5; at++) {
    others.push((await issue({ name: 'A', ca: true, publicKey: a.pair.publicKey }, b)).certificate);
    others.push((await issue({ name: 'B', ca: true, publicKey: b.pair.publicKey }, a)).certificate);
  }
  const trust = trustChain({ anchors: root.certificate });
  await expect(trust.accept(leaf.certificate, instant(start), others)).rejects.toMatchObject({
    code: 'SECURITY_CERTIFICATE_UNTRUSTED',
  });
});
