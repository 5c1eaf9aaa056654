/** Every RSA-SHA256 and ECDSA-SHA256 signature of the shared vectors gives the answer that its manifest expects. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { hasCode, SurewireError } from '../../src/base/errors.ts';
import type { Certificate } from '../../src/security/certificates.ts';
import { ds } from '../../src/security/names.ts';
import { readSignature, verifySignature } from '../../src/security/signature.ts';
import { trustChain } from '../../src/security/trust.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { keyOf, loadKey, plainEcdsa, type Reading, wideProfile } from './dsig.ts';

const folder = join(import.meta.dirname, '../../../shared/vectors');
const there = existsSync(folder);
if (!there) console.info(`signature vectors skipped: ${folder} is absent`);

interface Case {
  readonly id: string;
  readonly file: string;
  readonly kind: string;
  readonly expect: string;
  readonly keys?: readonly { readonly type: string; readonly file?: string; readonly name?: string }[];
  readonly argv?: readonly string[];
}

/**
 * Cases that xmlsec1 1.3 calls valid because it reads more than the standards say: by the standards they are refused, by
 * its reading they are valid, and both is shown.
 */
interface Lenient {
  readonly reading: Reading;
  readonly code: string;
  readonly rule: string;
}
const fixedLength: Lenient = {
  reading: 'encodings',
  code: 'SECURITY_SIGNATURE',
  rule: 'ECDSA values are r‖s of the length of the curve (6.4.3)',
};
const legacyPackages: Lenient = {
  reading: 'legacy',
  code: 'SECURITY_DIGEST',
  rule: 'the relationship transform of ECMA-376 keeps neither white space nor other namespaces (xmlsec1 --relationship-legacy does)',
};
const readLeniently: ReadonlyMap<string, Lenient> = new Map([
  ['aleksey-xmldsig-01.enveloped-sha256-ecdsa-sha256-with-asn1', fixedLength],
  ['aleksey-xmldsig-01.enveloping-sha256-ecdsa-sha256_padded', fixedLength],
  [
    'aleksey-xmldsig-01.enveloping-sha256-rsa-sha256-relationship-foreign',
    {
      reading: 'foreign',
      code: 'SECURITY_DIGEST',
      rule: 'the relationship transform of ECMA-376 drops elements of other namespaces',
    },
  ],
  ['aleksey-xmldsig-01.enveloping-sha256-rsa-sha256-relationship-whitespace-legacy', legacyPackages],
  ['aleksey-xmldsig-01.enveloping-sha256-rsa-sha256-relationship-ns-legacy', legacyPackages],
]);
/** Cases whose manifest names a certificate that is not the one that xmlsec1 found in KeyInfo. */
const byKeyInfo: ReadonlySet<string> = new Set(['xmlseclibs.saml-encrypted.xml']);

const algorithms = /#(?:rsa|ecdsa)-sha256["']/;
const kinds: ReadonlySet<string> = new Set(['dsig', 'wss', 'wss-attack', 'wss-policy']);

function cases(): readonly (Case & { readonly folder: string })[] {
  if (!there) return [];
  return readdirSync(folder).flatMap((name) => {
    const manifest = join(folder, name, 'MANIFEST.json');
    if (!existsSync(manifest)) return [];
    const { cases: list = [] } = JSON.parse(readFileSync(manifest, 'utf8')) as { cases?: readonly Case[] };
    return list
      .filter((one) => kinds.has(one.kind) && existsSync(join(folder, name, one.file)))
      .filter((one) => signatureMethods(readFileSync(join(folder, name, one.file), 'utf8')))
      .map((one) => ({ ...one, folder: name }));
  });
}

function signatureMethods(text: string): boolean {
  return [...text.matchAll(/SignatureMethod[^>]*/g)].some(([method]) => algorithms.test(`${method}"`));
}

const counts = { valid: 0, invalid: 0 };

describe.skipIf(!there)('signature vectors', () => {
  for (const one of cases())
    test(`${one.folder}: ${one.id} is ${one.expect}`, async () => {
      const path = join(folder, one.folder, one.file);
      if (one.expect === 'valid') {
        const lenient = readLeniently.get(one.id);
        if (lenient !== undefined) {
          const error = await verdict(path, one).catch((thrown: unknown) => thrown);
          expect(hasCode(error, lenient.code), `${lenient.rule}: ${error}`).toBe(true);
        }
        await verdict(path, one, lenient?.reading);
        counts.valid++;
      } else {
        await expect(verdict(path, one)).rejects.toBeInstanceOf(SurewireError);
        counts.invalid++;
      }
    });

  test('there were vectors of every kind', () => {
    expect(counts.valid).toBeGreaterThan(95);
    expect(counts.invalid).toBeGreaterThan(20);
  });

  afterAll(() => {
    console.info(`signature vectors: ${counts.valid} valid, ${counts.invalid} invalid, as their manifests say`);
    for (const [id, { rule }] of readLeniently)
      console.info(`  valid only as xmlsec1 1.3 reads it, refused by the standard: ${id}: ${rule}`);
  });
});

/** Throws the reason when a signature of the file is not valid. */
async function verdict(path: string, one: Case & { readonly folder: string }, reading?: Reading): Promise<void> {
  const document = scan(new Uint8Array(readFileSync(path)));
  const profile = wideProfile(document, path, reading);
  const signatures = [...everySignature(document.root)];
  expect(signatures.length).toBeGreaterThan(0);
  const trust = trustOf(one);
  for (const element of signatures) {
    const signature = readSignature(element, profile);
    const read = reading === 'encodings' ? { ...signature, value: plainEcdsa(signature.value, 32) } : signature;
    const found = trust.named ?? keyOf(read.keyInfo, trust.certificates);
    if (found === undefined) throw new SurewireError('KEY', 'no key');
    if (trust.named === undefined) {
      const refused = trust.enabled && found.through.find((kind) => !trust.enabled?.includes(kind));
      if (refused) throw new SurewireError('KEY', `K1: ${refused} is not a source of keys`);
      if (found.certificate !== undefined) await trust.path?.(found.certificate, found.others);
    }
    verifySignature(read, found.key, profile);
  }
}

function* everySignature(element: XmlElement): Iterable<XmlElement> {
  if (element.is(ds, 'Signature')) yield element;
  for (const child of element.children) yield* everySignature(child);
}

/** What the case's key list and, for xmlsec's own cases, its arguments say of trust. */
function trustOf(one: Case & { readonly folder: string }) {
  const load = (type: RegExp) =>
    (one.keys ?? [])
      .filter((key) => type.test(key.type) && key.file !== undefined)
      .map((key) => loadKey(join(folder, one.folder, key.file ?? '')));
  const certificatesOf = (type: RegExp) =>
    load(type).flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate]));
  const certificates = certificatesOf(/^(un)?trusted-der|^cert|^pubkey-cert/);
  const [given] = load(/^(cert-pem|cert-der|pubkey-pem|pubkey-cert-der)$/);
  const named = given === undefined || byKeyInfo.has(one.id) ? undefined : { ...given, through: [], others: [] };
  const { argv } = one;
  if (argv === undefined) return { certificates, named, enabled: undefined, path: undefined };
  const enabledAt = argv.indexOf('--enabled-key-data');
  const enabled = enabledAt === -1 ? [] : (argv[enabledAt + 1]?.split(',') ?? []);
  const at = argv.indexOf('--verification-gmt-time');
  const when =
    at === -1
      ? new Date('2026-11-22')
      : new Date((argv[at + 1] ?? '').replace('+', 'T').concat('Z').replace('+00:00', ''));
  const path = argv.includes('--insecure')
    ? undefined
    : async (leaf: Certificate, others: readonly Certificate[]) => {
        const trust = trustChain({
          anchors: certificatesOf(/^trusted-der/),
          intermediates: [...certificatesOf(/^untrusted-der/), ...others],
          revocation: (one.keys ?? [])
            .filter((key) => key.type === 'crl-der')
            .map((key) => new Uint8Array(readFileSync(join(folder, one.folder, key.file ?? '')))),
        });
        await trust.accept(leaf, instant(when.getTime()));
      };
  return { certificates, named, enabled: named === undefined ? enabled : undefined, path };
}
