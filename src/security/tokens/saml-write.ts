/**
 * Writes SAML 1.1 and 2.0 assertions, canonical by construction and signed enveloped: the digest is that of the assertion as it
 * is written without its signature, so nothing that is written is parsed again.
 */
import { KeyObject } from 'node:crypto';
import { base64, utf8 } from '../../base/bytes.ts';
import type { Instant } from '../../base/clock.ts';
import { XmlFragment } from '../../xml/fragment.ts';
import { exclusive } from '../../xml/methods.ts';
import { escapeValue } from '../../xml/output.ts';
import { XmlWriter } from '../../xml/write.ts';
import type { Certificate } from '../certificates.ts';
import { base64Digest } from '../crypto.ts';
import { writePublicKey } from '../encryption/points.ts';
import { SecurityError } from '../errors.ts';
import type { SigningKey } from '../keys.ts';
import { ds, excC14n } from '../names.ts';
import { signedInfoOctets, writeSignature } from '../signature.ts';
import { type DigestAlgorithm, type SignatureAlgorithm, sha256 } from '../suites.ts';
import { writeTime } from '../timestamp.ts';
import { enveloped } from '../transforms.ts';
import { type ConfirmationMethod, type SamlVersion, saml11 } from './saml.ts';

export interface AssertionDraft {
  readonly version: SamlVersion;
  /** An XML name; unique for ever: a random one of 128 bits or more. */
  readonly id: string;
  readonly issuer: string;
  readonly issued: Instant;
  readonly notBefore?: Instant;
  readonly notOnOrAfter: Instant;
  /** Whom it is for: one restriction of these names. */
  readonly audiences: readonly string[];
  readonly oneTimeUse?: boolean;
  readonly subject: { readonly name: string; readonly format?: string };
  readonly confirmation: {
    readonly method: ConfirmationMethod;
    /** The key that is to be proved: a certificate, a public key, or an EncryptedKey. For holder-of-key. */
    readonly holder?: Certificate | KeyObject | XmlFragment;
    /** 2.0 only. */
    readonly recipient?: string;
    /** 2.0 only. */
    readonly notOnOrAfter?: Instant;
    /** 2.0 only. */
    readonly inResponseTo?: string;
  };
  /** For 1.1 a name is `namespace/name`. */
  readonly attributes?: ReadonlyMap<string, readonly string[]>;
}

export interface AssertionSigning {
  readonly key: SigningKey;
  /** Default: that of the key. */
  readonly algorithm?: SignatureAlgorithm;
  /** Default SHA-256. */
  readonly digest?: DigestAlgorithm;
}

/**
 * @param signing absent for an assertion that an attester vouches for
 * @throws SecurityError `SECURITY_TOKEN_INVALID` for an id that is no name, or a holder-of-key without holder; what the
 *   signing key throws
 */
export async function writeAssertion(
  draft: AssertionDraft,
  signing: AssertionSigning | undefined,
): Promise<XmlFragment> {
  if (!/^[A-Za-z_][\w.-]{0,255}$/.test(draft.id)) {
    throw new SecurityError('SECURITY_TOKEN_INVALID', 'The id of an assertion is an XML name.');
  }
  const plain = write(draft, undefined);
  if (signing === undefined) return plain;
  const { key, algorithm = key.algorithm, digest = sha256 } = signing;
  const content = signedInfo(draft.id, plain.prefixes, base64Digest(digest, plain.bytes), algorithm, digest);
  const value = await key.sign(algorithm, signedInfoOctets(content));
  const certificates = key.chain.map((one) => `<ds:X509Certificate>${base64(one.der)}</ds:X509Certificate>`);
  const text = writeSignature(content, value, `<ds:X509Data>${certificates.join('')}</ds:X509Data>`);
  return write(draft, XmlFragment.written(utf8(text), []));
}

function signedInfo(
  id: string,
  prefixes: readonly string[],
  value: string,
  algorithm: SignatureAlgorithm,
  digest: DigestAlgorithm,
): string {
  const list =
    prefixes.length === 0
      ? ''
      : `<ec:InclusiveNamespaces xmlns:ec="${excC14n}" PrefixList="${escapeValue(prefixes.join(' '))}"></ec:InclusiveNamespaces>`;
  return (
    `<ds:CanonicalizationMethod Algorithm="${exclusive.uri}"></ds:CanonicalizationMethod>` +
    `<ds:SignatureMethod Algorithm="${escapeValue(algorithm.uri)}"></ds:SignatureMethod>` +
    `<ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${enveloped.uri}"></ds:Transform>` +
    `<ds:Transform Algorithm="${exclusive.uri}">${list}</ds:Transform></ds:Transforms>` +
    `<ds:DigestMethod Algorithm="${escapeValue(digest.uri)}"></ds:DigestMethod><ds:DigestValue>${value}</ds:DigestValue></ds:Reference>`
  );
}

function write(draft: AssertionDraft, signature: XmlFragment | undefined): XmlFragment {
  const { version, issuer, issued } = draft;
  const { namespace, prefix } = version;
  const writer = new XmlWriter().start(namespace, 'Assertion', prefix).attribute('', version.id, draft.id);
  writer.attribute('', 'IssueInstant', writeTime(issued));
  if (version === saml11) {
    writer.attribute('', 'MajorVersion', '1').attribute('', 'MinorVersion', '1').attribute('', 'Issuer', issuer);
    writeConditions(writer, draft);
    writeStatements11(writer, draft);
    if (signature !== undefined) writer.fragment(signature);
    return writer.end().finish();
  }
  writer.attribute('', 'Version', '2.0').element(namespace, 'Issuer', issuer, prefix);
  if (signature !== undefined) writer.fragment(signature);
  writeSubject20(writer, draft);
  writeConditions(writer, draft);
  if (draft.attributes !== undefined && draft.attributes.size > 0) {
    writer.start(namespace, 'AttributeStatement', prefix);
    for (const [name, values] of draft.attributes) {
      writer.start(namespace, 'Attribute', prefix).attribute('', 'Name', name);
      for (const value of values) writer.element(namespace, 'AttributeValue', value, prefix);
      writer.end();
    }
    writer.end();
  }
  return writer.end().finish();
}

function writeConditions(writer: XmlWriter, draft: AssertionDraft): void {
  const { namespace, prefix } = draft.version;
  const old = draft.version === saml11;
  writer.start(namespace, 'Conditions', prefix);
  writer.attribute('', 'NotBefore', writeTime(draft.notBefore ?? draft.issued));
  writer.attribute('', 'NotOnOrAfter', writeTime(draft.notOnOrAfter));
  if (draft.audiences.length > 0) {
    writer.start(namespace, old ? 'AudienceRestrictionCondition' : 'AudienceRestriction', prefix);
    for (const one of draft.audiences) writer.element(namespace, 'Audience', one, prefix);
    writer.end();
  }
  if (draft.oneTimeUse === true) writer.element(namespace, old ? 'DoNotCacheCondition' : 'OneTimeUse', '', prefix);
  writer.end();
}

function writeSubject20(writer: XmlWriter, { version, subject, confirmation }: AssertionDraft): void {
  const { namespace, prefix } = version;
  const { method, recipient, notOnOrAfter, inResponseTo } = confirmation;
  writer.start(namespace, 'Subject', prefix).start(namespace, 'NameID', prefix);
  if (subject.format !== undefined) writer.attribute('', 'Format', subject.format);
  writer.text(subject.name).end();
  writer.start(namespace, 'SubjectConfirmation', prefix).attribute('', 'Method', version.methods + method);
  writer.start(namespace, 'SubjectConfirmationData', prefix);
  if (recipient !== undefined) writer.attribute('', 'Recipient', recipient);
  if (inResponseTo !== undefined) writer.attribute('', 'InResponseTo', inResponseTo);
  if (notOnOrAfter !== undefined) writer.attribute('', 'NotOnOrAfter', writeTime(notOnOrAfter));
  writeHolder(writer, confirmation);
  writer.end().end().end();
}

/** In 1.1 every statement repeats its subject; without attributes, the statement is that the subject authenticated somehow. */
function writeStatements11(writer: XmlWriter, draft: AssertionDraft): void {
  const { namespace, prefix } = draft.version;
  if (draft.attributes === undefined || draft.attributes.size === 0) {
    writer.start(namespace, 'AuthenticationStatement', prefix);
    writer.attribute('', 'AuthenticationMethod', 'urn:oasis:names:tc:SAML:1.0:am:unspecified');
    writer.attribute('', 'AuthenticationInstant', writeTime(draft.issued));
    writeSubject11(writer, draft);
    writer.end();
    return;
  }
  writer.start(namespace, 'AttributeStatement', prefix);
  writeSubject11(writer, draft);
  for (const [name, values] of draft.attributes) {
    const at = name.lastIndexOf('/');
    writer.start(namespace, 'Attribute', prefix).attribute('', 'AttributeName', name.slice(at + 1));
    writer.attribute('', 'AttributeNamespace', name.slice(0, Math.max(0, at)));
    for (const value of values) writer.element(namespace, 'AttributeValue', value, prefix);
    writer.end();
  }
  writer.end();
}

function writeSubject11(writer: XmlWriter, { version, subject, confirmation }: AssertionDraft): void {
  const { namespace, prefix } = version;
  writer.start(namespace, 'Subject', prefix).start(namespace, 'NameIdentifier', prefix);
  if (subject.format !== undefined) writer.attribute('', 'Format', subject.format);
  writer.text(subject.name).end();
  writer.start(namespace, 'SubjectConfirmation', prefix);
  writer.element(namespace, 'ConfirmationMethod', version.methods + confirmation.method, prefix);
  writeHolder(writer, confirmation);
  writer.end().end();
}

function writeHolder(writer: XmlWriter, { method, holder }: AssertionDraft['confirmation']): void {
  if ((method === 'holder-of-key') !== (holder !== undefined)) {
    throw new SecurityError('SECURITY_TOKEN_INVALID', 'A holder-of-key confirmation has a holder, and no other has.');
  }
  if (holder !== undefined) writeKeyInfo(writer, holder);
}

/** A ds:KeyInfo that holds a key by value, as a certificate, or encrypted. */
export function writeKeyInfo(writer: XmlWriter, holder: Certificate | KeyObject | XmlFragment): void {
  writer.start(ds, 'KeyInfo', 'ds');
  if (holder instanceof XmlFragment) writer.fragment(holder);
  else if (holder instanceof KeyObject) writeKeyValue(writer, holder);
  else writer.start(ds, 'X509Data', 'ds').element(ds, 'X509Certificate', base64(holder.der), 'ds').end();
  writer.end();
}

function writeKeyValue(writer: XmlWriter, key: KeyObject): void {
  if (key.asymmetricKeyType !== 'rsa') {
    writePublicKey(writer, key);
    return;
  }
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  const plain = (text: string) => base64(Buffer.from(text, 'base64url'));
  writer.start(ds, 'KeyValue', 'ds').start(ds, 'RSAKeyValue', 'ds');
  writer.element(ds, 'Modulus', plain(n), 'ds').element(ds, 'Exponent', plain(e), 'ds').end().end();
}
