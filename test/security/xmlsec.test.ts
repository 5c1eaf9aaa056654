/** Cross-checks with xmlsec1: it verifies what is signed here, and what it signs is verified here. */
import { execFileSync, spawnSync } from 'node:child_process';
import { KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evidence } from '../../src/security/evidence.ts';
import { ecdsaSha384, rsaSha512, type SignatureAlgorithm, sha384 } from '../../src/security/suites.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { craft } from '../attacks/support.ts';
import { idAttributes } from './id-attributes.ts';
import type { Issued } from './pki.ts';
import { acceptor, order, type Pki, pki, policyOf, secured } from './rig.ts';

const there = spawnSync('xmlsec1', ['--version']).status === 0;
if (!there) console.info('cross-checks with xmlsec1 skipped: xmlsec1 is not installed');

let all: Pki;
let folder: string;
beforeAll(async () => {
  all = await pki();
  folder = mkdtempSync(join(tmpdir(), 'surewire-xmlsec-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

describe.skipIf(!there)('xmlsec1', () => {
  const signers: readonly (readonly [string, (of: Pki) => Issued])[] = [
    ['RSA', (of) => of.client],
    ['ECDSA', (of) => of.service],
  ];
  describe.each(signers)('with %s', (name, who) => {
    test.each([soap11, soap12])('verifies what is signed here, SOAP $name', async (version) => {
      const octets = await secured(policyOf(who(all), all.root, { signToken: true }), order(version));
      expect(verify(octets, who(all))).toBe(0);
      expect(verify(Buffer.from(Buffer.from(octets).toString().replace('two', 'six')), who(all))).not.toBe(0);
    });

    test('verifies the other algorithms', async () => {
      const algorithm: SignatureAlgorithm = name === 'RSA' ? rsaSha512 : ecdsaSha384;
      const octets = await secured(policyOf(who(all), all.root, { algorithm, digest: sha384 }));
      expect(verify(octets, who(all))).toBe(0);
    });

    test('verifies content whose prefixes are listed', async () => {
      const payload = XmlFragment.parse(
        '<s:Body xmlns:s="http://www.w3.org/2003/05/soap-envelope"><o:V xmlns:o="urn:o" xmlns:t="urn:t" type="t:Price">  a &amp; b\r\n<o:W/></o:V></s:Body>',
      );
      const octets = await secured(policyOf(who(all), all.root), { ...order(), body: payload });
      expect(Buffer.from(octets).toString()).toContain('PrefixList="t"');
      expect(verify(octets, who(all))).toBe(0);
    });

    test('signs what is verified here', async () => {
      const clear = await craft({ key: who(all).key() });
      const template = clear
        .replace(/<ds:DigestValue>[^<]*/g, '<ds:DigestValue>')
        .replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>');
      const key = KeyObject.from(who(all).pair.privateKey).export({ type: 'pkcs8', format: 'pem' });
      const [input, keyFile, output] = [
        write('template.xml', template),
        write('key.pem', key),
        join(folder, 'signed.xml'),
      ];
      execFileSync('xmlsec1', [
        '--sign',
        '--privkey-pem',
        keyFile,
        ...idAttributes(Buffer.from(template)),
        '--output',
        output,
        input,
      ]);
      const signed = readFileSync(output, 'utf8').replace(/^<\?xml[^>]*\?>\s*/, '');
      expect(signed).not.toBe(template);
      const receiver = name === 'RSA' ? all.service : all.client;
      const end = acceptor(policyOf(receiver, all.root));
      await end.receive(signed);
      expect(end.heard[0]?.get(evidence)?.signer?.name).toBe(who(all).certificate.subject);
      await end.receive(signed.replace('urn:orders/place', 'urn:orders/steal'));
      expect(end.heard).toHaveLength(1);
    });
  });
});

function verify(octets: Uint8Array, by: Issued): number | null {
  const input = write('message.xml', octets);
  const certificate = write('cert.pem', pem('CERTIFICATE', by.certificate.der));
  const args = ['--verify', '--pubkey-cert-pem', certificate, ...idAttributes(octets), input];
  return spawnSync('xmlsec1', args).status;
}
