/**
 * Secured messages of foreign stacks: what is encrypted opens to what others saw, each signature verifies with the key that
 * its SecurityTokenReference leads to and covers what others say, tokens and times are judged.
 */
import { createHash, createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { base64, fromUtf8, view } from '../../src/base/bytes.ts';
import { instant } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { type Certificate, certificates } from '../../src/security/certificates.ts';
import { digest } from '../../src/security/crypto.ts';
import { deriveKey, isDerivedKeyToken, readDerivedKeyToken } from '../../src/security/derived-keys.ts';
import { Decryption, type DecryptionProfile, type EncryptedPart } from '../../src/security/encryption/decrypt.ts';
import { decrypter } from '../../src/security/encryption/decrypter.ts';
import type { KeyHandle, KeyResolver } from '../../src/security/encryption/keyring.ts';
import { encryptionLimits } from '../../src/security/encryption/limits.ts';
import { referencedData } from '../../src/security/encryption/shapes.ts';
import { ds, wsse, wsu, xenc } from '../../src/security/names.ts';
import { readSignature, verifySignature } from '../../src/security/signature.ts';
import { defaultFreshness, readTimestamp } from '../../src/security/timestamp.ts';
import { authenticate, readUsernameToken } from '../../src/security/tokens/username.ts';
import { octetsOf } from '../../src/security/values.ts';
import { canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlDocument, XmlElement } from '../../src/xml/document.ts';
import { elementsById, requiredChild } from '../../src/xml/find.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';
import { wideProfile } from '../security/dsig.ts';
import { everything } from '../security/encryption/rows.ts';
import { folder, read, type Vector } from '../security/encryption/vectors.ts';
import { type VectorCase, vectorOctets, vectorPath } from './manifest.ts';
import { readWhole } from './messages.ts';
import { elsewhere, errorOf, type Judge, pass, refusedBy, unjudged, type VectorResult, wrong } from './result.ts';

/** For the client; its manifest names the key of the service. */
const otherKeys: ReadonlyMap<string, string> = new Map([['rampart.res03', 'keys/client-2008.key.pem']]);

interface Covered {
  readonly name: string;
  readonly id?: string;
}

interface Observed {
  readonly action: string;
  readonly secretHex?: string;
  readonly covers?: readonly Covered[];
}

interface Seen extends VectorCase {
  readonly observed?: readonly Observed[];
}

/** Cases that others take and a rule refuses, by the code of what is thrown. */
const rules: ReadonlyMap<string, readonly [code: string, rule: string]> = new Map([
  ['cxf.wss4j.encrypted_body_content_signed_with_encrypted_header', ['XML_DUPLICATE_ID', 'an id is borne once (I3)']],
  ['rampart.req03', ['XML_MALFORMED', 'an attribute has an end: no reader of XML takes the sample']],
]);

export const judgeSecured: Judge = async (one): Promise<VectorResult> => {
  const [code, rule] = rules.get(one.id) ?? [];
  if (rule !== undefined) {
    const error = await errorOf(() => elementsById(scan(vectorOctets(one))));
    return error?.code === code ? refusedBy(rule) : wrong(`not refused as ${code}: ${error}`);
  }
  if (one.expect === 'parse' || one.expect === 'structure-only') return judgeShape(one);
  if (one.kind === 'wss-policy') {
    const found = await judgeMessage({ ...one, expect: 'valid' });
    const what = found.outcome === 'wrong' ? found.reason : 'the message itself is as WSS4J saw it';
    return found.outcome === 'wrong' ? found : elsewhere(`WS-SecurityPolicy assertions: metadata (issue 5); ${what}`);
  }
  return judgeMessage(one);
};

/** Reading is all that can be asked for. */
async function judgeShape(one: VectorCase): Promise<VectorResult> {
  const document = scan(vectorOctets(one));
  if (document.root.local === 'Envelope') {
    const error = await errorOf(() => readWhole(one));
    if (error !== undefined && one.expect === 'structure-only')
      return refusedBy(`not the namespace of SOAP (${error.code})`);
    if (error !== undefined) return wrong(String(error));
  }
  const refusals: string[] = [];
  for (const token of named(document.root, wsse, 'UsernameToken')) {
    const error = await errorOf(() => readUsernameToken(token));
    if (error !== undefined) refusals.push(`a UsernameToken is refused: ${error.code}`);
  }
  return refusals.length === 0 ? pass('is read') : refusedBy(refusals.join(', '));
}

async function judgeMessage(one: VectorCase): Promise<VectorResult> {
  const said: string[] = [];
  const opened = await decrypted(one, said);
  const error = await errorOf(() => verifyAll(one, opened, said)).catch((thrown: unknown) =>
    thrown instanceof TypeError ? Promise.reject(thrown) : new SurewireError('KEY', String(thrown)),
  );
  const late = await tokens(one, opened, said);
  const reason = [
    ...said,
    ...(error === undefined ? [] : [`${error.code}: ${error.message.slice(0, 80)}`]),
    ...late,
  ].join(', ');
  switch (one.expect) {
    case 'valid':
      if (error !== undefined && /STR-Transform/.test(error.message)) return refusedBy('no row: STR-Transform');
      if (late.length > 0) return refusedBy(late.join(', '));
      return error === undefined ? pass(reason || 'an empty header is read') : wrong(reason);
    case 'invalid':
      return error === undefined && late.length === 0 ? wrong(`taken: ${reason}`) : pass(reason);
    case 'decrypts-signature-invalid':
      return error === undefined && named(opened.after.root, ds, 'Signature').length > 0 ? wrong(reason) : pass(reason);
    case 'decrypts':
      return pass(reason);
    default:
      return unjudged(reason || 'is read');
  }
}

interface Opened {
  readonly before: XmlDocument;
  readonly after: XmlDocument;
}

/** Everything that others opened is opened here to the same. */
async function decrypted(one: VectorCase, said: string[]): Promise<Opened> {
  const vector = one as unknown as Vector;
  const before = scan(vectorOctets(one));
  const given = one.keys.some(({ type }) => type === 'privkey-pem');
  if (!given || one.expect === 'unverified') return { before, after: before };
  const profile = profileOf(vector, before);
  const encryptedKeys = everyElement(before.root, 'EncryptedKey');
  const ids = elementsById(before);
  const secrets = new Set<string>();
  for (const { action, secretHex } of vector.observed ?? []) {
    if (secretHex === undefined || (action !== 'encryption' && encryptedKeys.length === 0)) continue;
    for (const element of encryptedKeys) {
      secrets.add((await new Decryption(profile).key(element, secretHex.length / 2)).export().toString('hex'));
    }
    if (!secrets.has(secretHex)) throw new Error('another key');
  }
  for (const { encryptedKey = '', keyHex } of vector.decryptOracle?.keys ?? []) {
    const element = ids.get(encryptedKey);
    if (element === undefined) continue;
    const key = (await new Decryption(profile).key(element, keyHex.length / 2)).export().toString('hex');
    if (key !== keyHex) throw new Error('another key');
    secrets.add(key);
  }
  if (secrets.size > 0) said.push(`${secrets.size} keys opened`);
  for (const { id, keyHex, plaintext } of vector.decryptOracle?.fragments ?? []) {
    const element = ids.get(id);
    if (element === undefined) throw new Error(`There is no ${id}.`);
    const key = createSecretKey(keyHex, 'hex');
    const keys: KeyResolver = { resolve: () => ({ kind: 'secret', key }) };
    const octets = await new Decryption({ ...profile, keys }).octets({ element });
    if (fromUtf8(octets) !== fromUtf8(read(vector, plaintext))) throw new Error('another plaintext');
    said.push('a fragment decrypted');
  }
  for (const [index, part] of (vector.encryptedData === undefined ? [] : everyPart(before)).entries()) {
    const octets = await new Decryption(profile).octets(part);
    if (!view(octets).equals(view(read(vector, vector.encryptedData?.[index]?.plaintext))))
      throw new Error('another part');
    said.push('a part decrypted');
  }
  const parts = everyPart(before);
  if (vector.decryptedEnvelopeSha256 === undefined && one.kind !== 'wss-policy') return { before, after: before };
  const after = parts.length === 0 ? before : (await new Decryption(profile).decrypt(before, parts)).document;
  if (vector.decryptedEnvelopeSha256 === undefined) return { before, after };
  const found = createHash('sha256').update(canonicalize(after, exclusive)).digest('hex');
  if (found !== vector.decryptedEnvelopeSha256)
    throw new Error(`another envelope: ${fromUtf8(canonicalize(after, exclusive))}`);
  if (parts.length > 0) said.push(`${parts.length} parts decrypted, the envelope is that of the oracle`);
  return { before, after };
}

/** Every signature of the message, over what was encrypted or over what it was made of; throws the reason of the last. */
async function verifyAll(one: VectorCase, { before, after }: Opened, said: string[]): Promise<void> {
  const observed = ((one as Seen).observed ?? []).filter(({ action }) => action === 'signature');
  const signatures = named(after.root, ds, 'Signature').filter((each) => each.parent?.is(wsse, 'Security'));
  for (const [index, signature] of signatures.entries()) {
    const there = named(before.root, ds, 'Signature').find(
      (each) => each.attribute('Id') === signature.attribute('Id'),
    );
    const attempts = before === after || there === undefined ? [signature] : [there, signature];
    const names = await firstOf(attempts.map((each) => () => verifyOne(one, each)));
    const covers = observed[index]?.covers?.map(({ name }) => name).sort();
    if (covers !== undefined && signatures.length === observed.length && names.sort().join() !== covers.join()) {
      throw new SurewireError('COVERS', `covers ${names}, not ${covers}`);
    }
    said.push(`a signature over ${names.length} parts`);
  }
}

async function firstOf<Value>(attempts: readonly (() => Promise<Value>)[]): Promise<Value> {
  let last: unknown;
  for (const attempt of attempts) {
    try {
      return await attempt();
    } catch (thrown) {
      last = thrown;
    }
  }
  throw last;
}

async function verifyOne(one: VectorCase, element: XmlElement): Promise<string[]> {
  const { document } = element;
  const profile = wideProfile(document, vectorPath(one));
  const signature = readSignature(element, profile);
  const key = await keyBehind(one, signature.keyInfo, document);
  const { covered } = verifySignature(signature, key, profile);
  return [...covered.keys()].map((each) => `{${each.namespace}}${each.local}`);
}

/** The key that a SecurityTokenReference leads to: a certificate, an EncryptedKey, a key derived of one. */
async function keyBehind(one: VectorCase, keyInfo: XmlElement | undefined, document: XmlDocument): Promise<KeyObject> {
  const target = keyInfo?.children[0]?.children[0];
  if (target?.is(wsse, 'Reference')) {
    const token = elementsById(document).get(target.attribute('URI')?.slice(1) ?? '');
    if (token?.is(wsse, 'BinarySecurityToken')) return tokenKey(token);
    if (token?.is(xenc, 'EncryptedKey'))
      return new Decryption(profileOf(one as unknown as Vector, document)).key(token, 16);
    if (token !== undefined && isDerivedKeyToken(token)) {
      const derived = readDerivedKeyToken(token);
      const reference = derived.source?.children[0];
      const source = elementsById(document).get(reference?.attribute('URI')?.slice(1) ?? '');
      if (source?.is(xenc, 'EncryptedKey')) {
        const secret = await new Decryption(profileOf(one as unknown as Vector, document)).key(source, 16);
        return createSecretKey(deriveKey(secret.export(), derived));
      }
    }
  }
  const known = knownTo(one);
  const identifier = target?.is(wsse, 'KeyIdentifier') ? target.text.trim() : '';
  const meant = known.filter((each) => base64(keyIdentifierOf(each)) === identifier);
  const [certificate] = meant.length > 0 ? meant : known;
  if (certificate === undefined) throw new SurewireError('KEY', 'The key of the signature is not here.');
  return certificate.key;
}

/** PKIPath holds the leaf last (RFC 5280; WSS X.509 Token Profile 3.1.3), inside one sequence. */
function tokenKey(token: XmlElement): KeyObject {
  const octets = octetsOf(token);
  if (!(token.attribute('ValueType') ?? '').includes('PKIPath')) return leafOf(certificates(octets));
  const chain: Certificate[] = [];
  let at = headLength(octets, 0);
  while (at < octets.length) {
    const length = headLength(octets, at) + contentLength(octets, at);
    chain.push(...certificates(octets.slice(at, at + length)));
    at += length;
  }
  return leafOf(chain.reverse());
}

function leafOf([leaf]: readonly Certificate[]): KeyObject {
  if (leaf === undefined) throw new SurewireError('KEY', 'The token holds no certificate.');
  return leaf.key;
}

function headLength(der: Uint8Array, at: number): number {
  const first = der[at + 1] ?? 0;
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

function contentLength(der: Uint8Array, at: number): number {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return first;
  return der.slice(at + 2, at + 2 + (first & 0x7f)).reduce((sum, octet) => sum * 256 + octet, 0);
}

/** A certificate of version 1 has no extension that names its key: the SHA-1 of the key does (RFC 5280 section 4.2.1.2). */
function keyIdentifierOf({ key, keyIdentifier }: Certificate): Uint8Array {
  return (
    keyIdentifier() ??
    createHash('sha1')
      .update(key.export({ type: 'pkcs1', format: 'der' }))
      .digest()
  );
}

/** The certificates that belong to the keys of a case, or lie beside them. */
function knownTo(one: VectorCase): readonly Certificate[] {
  const [own] = one.keys;
  if (own?.file === undefined || own.type !== 'privkey-pem') return [];
  const keys = join(vectorPath(one, own.file), '..');
  const others = readdirSync(keys).filter((name) => name.endsWith('.cert.pem'));
  const named = own.cert === undefined ? [] : [vectorPath(one, own.cert)];
  return [...named, ...others.map((name) => join(keys, name))].flatMap((path) =>
    certificates(readFileSync(path, 'utf8')),
  );
}

/** Passwords and times; what is refused, by its rule. */
async function tokens(one: VectorCase, { after }: Opened, said: string[]): Promise<readonly string[]> {
  const refusals: string[] = [];
  const known = one.keys.find(({ type }) => type === 'password');
  // The moment of the message, where the manifest does not ask for today's.
  const today = one.expect === 'invalid' ? Date.UTC(2026, 10, 22) : undefined;
  for (const token of named(after.root, wsse, 'UsernameToken')) {
    const claim = await readUsernameTokenOf(token, refusals);
    if (claim === undefined) continue;
    said.push('a UsernameToken');
    if (known === undefined && one.expect !== 'invalid') continue;
    const source = { password: (user: string) => (user === known?.username ? known.password : undefined) };
    const now = instant(today ?? claim.created ?? 0);
    const error = await errorOf(() => authenticate(claim, source, now, defaultFreshness));
    if (error !== undefined) refusals.push(`${error.code} of a UsernameToken`);
  }
  for (const timestamp of named(after.root, wsu, 'Timestamp')) {
    if (timestamp.parent?.is(wsse, 'Security') !== true) continue;
    const created = Date.parse(timestamp.children[0]?.text ?? '');
    const error = await errorOf(() => readTimestamp(timestamp, instant(today ?? created), defaultFreshness));
    if (error === undefined) said.push('a Timestamp');
    else refusals.push(`${error.code} of a Timestamp`);
  }
  return refusals;
}

async function readUsernameTokenOf(token: XmlElement, refusals: string[]) {
  try {
    return readUsernameToken(token);
  } catch (thrown) {
    if (!(thrown instanceof SurewireError)) throw thrown;
    refusals.push(`${thrown.code} of a UsernameToken`);
    return undefined;
  }
}

function named(element: XmlElement, namespace: string, local: string): readonly XmlElement[] {
  const inside = element.children.flatMap((one) => named(one, namespace, local));
  return element.is(namespace, local) ? [element, ...inside] : inside;
}

function profileOf(one: Vector, document: XmlDocument): DecryptionProfile {
  const file = otherKeys.get(one.id) ?? one.keys[0]?.file ?? '';
  const key = createPrivateKey(readFileSync(join(folder, one.folder, file)));
  const own: KeyHandle = { kind: 'decrypter', decrypter: decrypter(key, 1024) };
  return { accepted: everything, keys: { resolve: (keyInfo) => referred(keyInfo, document) ?? own } };
}

/** An EncryptedKey that a SecurityTokenReference leads to, by its id or by its digest. */
function referred(keyInfo: XmlElement | undefined, document: XmlDocument): KeyHandle | undefined {
  const target = keyInfo?.children[0]?.children[0];
  let element: XmlElement | undefined;
  if (target?.is(wsse, 'Reference')) element = elementsById(document).get(target.attribute('URI')?.slice(1) ?? '');
  if (target?.is(wsse, 'KeyIdentifier') && target.attribute('ValueType')?.endsWith('#EncryptedKeySHA1')) {
    element = everyElement(document.root, 'EncryptedKey').find((one) => {
      const value = requiredChild(requiredChild(one, xenc, 'CipherData'), xenc, 'CipherValue');
      return base64(digest({ hash: 'sha1' }, octetsOf(value))) === target.text.trim();
    });
  }
  return element?.is(xenc, 'EncryptedKey') ? { kind: 'encrypted-key', element } : undefined;
}

/** What the ReferenceLists name, with the key of the list where that is an EncryptedKey's. */
function everyPart(document: XmlDocument): readonly EncryptedPart[] {
  return everyElement(document.root, 'ReferenceList').flatMap((list) => {
    const { parent } = list;
    const key: KeyHandle | undefined = parent?.is(xenc, 'EncryptedKey')
      ? { kind: 'encrypted-key', element: parent }
      : undefined;
    return referencedData(list, elementsById(document), encryptionLimits.parts).map((target) => {
      const element = target.parent?.local === 'EncryptedHeader' ? target.parent : target;
      return key === undefined ? { element } : { element, key };
    });
  });
}

function everyElement(element: XmlElement, local: string): readonly XmlElement[] {
  const inside = element.children.flatMap((one) => everyElement(one, local));
  return element.is(xenc, local) ? [element, ...inside] : inside;
}
