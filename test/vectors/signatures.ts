/** Signature vectors: the answer that the manifest expects, or a refusal by the name of the rule that refuses it. */
import { createSecretKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { instant } from '../../src/base/clock.ts';
import { asError, hasCode, SurewireError } from '../../src/base/errors.ts';
import type { Certificate } from '../../src/security/certificates.ts';
import { ds } from '../../src/security/names.ts';
import { readSignature, verifySignature } from '../../src/security/signature.ts';
import { trustChain } from '../../src/security/trust.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { keyOf, loadKey, plainEcdsa, type Reading, wideProfile } from '../security/dsig.ts';
import { type VectorCase, vectorPath } from './manifest.ts';
import { errorOf, type Judge, pass, refusedBy, unjudged, type VectorResult, wrong } from './result.ts';

interface Case extends VectorCase {
  readonly argv?: readonly string[] | null;
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
  ['aleksey-xmldsig-01.enveloping-sha512-ecdsa-sha512-with-asn1', fixedLength],
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
const byKeyInfo: ReadonlySet<string> = new Set([
  'xmlseclibs.saml-encrypted.xml',
  'xml-crypto.keyinfo_-_pretty-printed',
]);

/** What is valid by its manifest and refused here: the rule, the code that says so, and what its message has to say. */
const rules: readonly (readonly [rule: string, code: string, message: RegExp])[] = [
  ['no row: DSA', 'SECURITY_ALGORITHM', /#dsa-sha/],
  ['no row: hashes that are broken or of 112 bits', 'SECURITY_ALGORITHM', /(md5|ripemd160|sha224|sha1)(-rsa-MGF1)?"/],
  ['no row: SHA-3', 'SECURITY_ALGORITHM', /sha3-/],
  ['no row: Ed448', 'SECURITY_ALGORITHM', /eddsa-ed448/],
  ['no row: XSLT and XPath Filter 2 (D10)', 'SECURITY_ALGORITHM', /xslt|xmldsig-filter2/],
  ['no row: XPath (D10)', 'SECURITY_REFERENCE', /^An XPath/],
  ['no XPointer (I2)', 'SECURITY_REFERENCE', /#xpointer/],
  ['no document type declaration (D1)', 'XML_DTD', /./],
  ['namespace names are absolute', 'XML_NAMESPACE', /absolute/],
  ['SignatureMethod has no HMACOutputLength (K3, BSP R5401)', 'SECURITY_MALFORMED', /HMACOutputLength/],
  ['RSA exponents are 65537 (K6)', 'SECURITY_KEY', /exponent (3|17) /],
  ['transforms are few (D9)', 'SECURITY_LIMIT', /transforms/],
  ['no path over MD5 signatures', 'SECURITY_CERTIFICATE_UNTRUSTED', /Phaos/],
  ['nothing is fetched (D11)', 'ABSENT', /./],
  ['the key is only named, or encrypted for somebody', 'KEY', /^no key/],
];
/** Refused by a rule that only this case meets. */
const single: ReadonlyMap<string, readonly [code: string, rule: string]> = new Map([
  ['aleksey-xmldsig-01.enveloped-ecdsa-java-bug', ['SECURITY_SIGNATURE', fixedLength.rule]],
  ['aleksey-xmldsig-01.enveloping-expired-cert#3', ['SECURITY_CERTIFICATE_EXPIRED', 'validity is never skipped']],
]);
/** The mathematics is right and the document is not: what refuses it is not the signature engine. */
const refusedAbove: ReadonlyMap<string, string> = new Map([
  ...[
    'node-saml.invalid.response.root-signed.assertion-invalidly-signed-encrypted',
    'ruby-saml.response_assertion_wrapped.decoded',
    'ruby-saml.response_node_text_attack2.decoded',
    'ruby-saml.invalids.encrypted_new_attack.decoded',
    'ruby-saml.invalids.invalid_signature_position.decoded',
    'ruby-saml.invalids.response_with_concealed_signed_assertion',
    'ruby-saml.invalids.response_with_doubled_signed_assertion',
  ].map((id) => [id, 'only the signed assertion is used, by identity (saml-vectors.test.ts)'] as const),
  ['aleksey-xmldsig-01.enveloped-sha1-rsa-sha1#3', 'the switches of xmlsec1 forbid SHA-1: here no policy row'],
  ['aleksey-xmldsig-01.enveloped-sha1-rsa-sha1#4', 'the switches of xmlsec1 forbid SHA-1: here no policy row'],
]);

/** What no oracle calls valid, or only its own project: what comes of it here. */
const judgeUnsettled = async (one: Case): Promise<VectorResult> => {
  const error = await errorOf(() => verdict(one));
  const said =
    error === undefined
      ? 'the signatures verify'
      : (ruleFor(one, error) ?? `${error.code}: ${error.message.slice(0, 80)}`);
  if (one.expect === 'saml-level-invalid') {
    const reason = 'refused for what the assertion says, not for its signature (saml tests)';
    return pass(error === undefined ? `${said}; ${reason}` : said);
  }
  return unjudged(said);
};

export const judgeSignature: Judge = async (given): Promise<VectorResult> => {
  const one = given as Case;
  if (!existsSync(vectorPath(one))) return wrong('the file is missing');
  if (one.expect !== 'valid' && one.expect !== 'invalid') return judgeUnsettled(one);
  const lenient = readLeniently.get(one.id);
  const error = await errorOf(() => verdict(one));
  if (one.expect === 'invalid') {
    const above = refusedAbove.get(one.id);
    if (above !== undefined) return error === undefined ? refused(above) : wrong(`${error}`);
    return error === undefined ? wrong('taken') : pass(`invalid: ${error.code}`);
  }
  if (lenient !== undefined) {
    if (!hasCode(error, lenient.code)) return wrong(`${lenient.rule}: ${error}`);
    await verdict(one, lenient.reading);
    return refusedBy(`${lenient.rule}; valid as xmlsec1 1.3 reads it`);
  }
  if (error === undefined) return pass('valid');
  const rule = ruleFor(one, error);
  return rule === undefined ? wrong(`refused by no rule: ${error}`) : refusedBy(rule);
};

const refused = (rule: string): VectorResult => pass(`refused above the signature: ${rule}`);

function ruleFor(one: Case, error: SurewireError): string | undefined {
  const [code, rule] = single.get(one.id) ?? [];
  if (rule !== undefined && hasCode(error, code ?? '')) return rule;
  return rules.find(([, known, message]) => hasCode(error, known) && message.test(asError(error).message))?.[0];
}

/** Throws the reason when a signature of the file is not valid. */
async function verdict(one: Case, reading?: Reading): Promise<void> {
  const path = vectorPath(one);
  const document = scan(new Uint8Array(readFileSync(path)));
  const profile = wideProfile(document, path, reading);
  const signatures = [...everySignature(document.root)];
  if (signatures.length === 0) throw new SurewireError('UNSIGNED', 'There is no signature.');
  const trust = trustOf(one);
  for (const element of signatures) {
    const signature = readSignature(element, profile);
    const read =
      reading === 'encodings'
        ? { ...signature, value: plainEcdsa(signature.value, /sha512/.test(one.id) ? 66 : 32) }
        : signature;
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
function trustOf(one: Case) {
  const load = (type: RegExp) =>
    one.keys
      .filter((key) => type.test(key.type) && key.file !== undefined)
      .map((key) => loadKey(vectorPath(one, key.file ?? '')));
  const certificatesOf = (type: RegExp) =>
    load(type).flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate]));
  const secret = one.keys.find((key) => /^hmac(key)?$/.test(key.type));
  if (secret !== undefined) {
    const { utf8, file = '' } = secret;
    const octets = utf8 === undefined ? readFileSync(vectorPath(one, file)) : Buffer.from(utf8);
    const named = { key: createSecretKey(octets), certificate: undefined, through: [], others: [] };
    return { certificates: [], named, enabled: undefined, path: undefined };
  }
  const certificates = certificatesOf(/^(un)?trusted-der|^cert|^pubkey-cert/);
  const [given] = load(/^(cert-pem|cert-der|pubkey-pem|pubkey-cert-der)$/);
  const named = given === undefined || byKeyInfo.has(one.id) ? undefined : { ...given, through: [], others: [] };
  const { argv } = one;
  if (argv === undefined || argv === null) return { certificates, named, enabled: undefined, path: undefined };
  const enabledAt = argv.indexOf('--enabled-key-data');
  // What xmlsec1 1.3 takes by itself: a bare key proves nothing.
  const enabled =
    enabledAt === -1 ? ['x509', 'retrieval-method', 'key-info-reference'] : (argv[enabledAt + 1]?.split(',') ?? []);
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
          revocation: one.keys
            .filter((key) => key.type === 'crl-der')
            .map((key) => new Uint8Array(readFileSync(vectorPath(one, key.file ?? '')))),
        });
        await trust.accept(leaf, instant(when.getTime()));
      };
  return { certificates, named, enabled: named === undefined ? enabled : undefined, path };
}
