/**
 * One message, verified by itself: what it says, who signed it when, what of it is covered, and everything that is wrong with
 * it. Nothing is required here; what a conversation requires of its messages is for `sequence.ts` and `view.ts` to say.
 */
import type { Instant } from '../../base/clock.ts';
import type { Certificate } from '../../security/certificates.ts';
import { acceptedEncryption } from '../../security/encryption/algorithms.ts';
import type { Exchange } from '../../security/exchange.ts';
import { readSecurityHeader, type SecurityHeader } from '../../security/header.ts';
import type { DecryptionKey } from '../../security/keys.ts';
import { ds, reliableNamespaces, xenc } from '../../security/names.ts';
import { Opening, type Readable } from '../../security/opening.ts';
import { idsOf } from '../../security/profile.ts';
import type { EncryptionRequirement } from '../../security/protection.ts';
import { timeOf } from '../../security/timestamp.ts';
import { certificateOf } from '../../security/tokens/x509.ts';
import { addressingVersions } from '../../soap/addressing-versions.ts';
import { isForThisNode, readEnvelope } from '../../soap/envelope.ts';
import type { Message } from '../../soap/message.ts';
import { child } from '../../xml/find.ts';
import { scan } from '../../xml/scan.ts';
import { bodyDigest } from '../body.ts';
import { type Facts, factsOf } from '../transcript/facts.ts';
import type { MessageRecord } from '../transcript/record.ts';
import type { Contexts } from './contexts.ts';
import { encryptionRows } from './rows.ts';
import { examineSignatures, type Held, type SignatureRules, type SignaturesExamined } from './signatures.ts';
import { type Trouble, troubleOf } from './trouble.ts';

export interface MessageRules extends SignatureRules {
  /** What opens encrypted parts. */
  readonly keys: readonly DecryptionKey[];
}

/** Who signed, as far as it was proven. */
export interface Author {
  /** As evidence has it: `x509:` and the fingerprint of the key. */
  readonly identity: string;
  readonly name: string;
  /** Absent where a security context says no more than that it is always the same. */
  readonly certificate?: Certificate | undefined;
}

export interface ExaminedMessage {
  /** Decrypted where that was possible; nothing of it is proven. */
  readonly message: Message;
  readonly facts: Facts;
  /** As it arrived, nothing decrypted: what a recorder read. */
  readonly recorded: Facts;
  /** SHA-256 of what is in the Body; absent where that is encrypted. */
  readonly body: string | undefined;
  /** Who signed the Body or endorsed what did. */
  readonly author: Author | undefined;
  /** Whether a part is encrypted that nothing here opens: then nobody can say what is signed. */
  readonly isLocked: boolean;
  /** Whether there is a signature at all. */
  readonly isSigned: boolean;
  readonly isBodyCovered: boolean;
  /** What the signed Timestamp says; absent where none is covered. */
  readonly created: Instant | undefined;
  readonly expires: Instant | undefined;
  readonly troubles: readonly Trouble[];
  readonly opinions: SignaturesExamined['opinions'];
  /** For the reply. */
  readonly exchange: Exchange | undefined;
  /** SignatureValue of each signature, base64: what tells a copy from a retransmission. */
  readonly values: string;
}

/** What is known from outside. */
export interface Around {
  /** When it was recorded. */
  readonly at: Instant | undefined;
  /** What its request left. */
  readonly exchange: Exchange | undefined;
  readonly leg: MessageRecord['leg'];
  readonly contexts: Contexts;
}

/** @throws XmlError, SoapError when the octets are no envelope */
export async function examineMessage(
  octets: Uint8Array,
  rules: MessageRules,
  around: Around,
): Promise<ExaminedMessage> {
  const arrived = readEnvelope(scan(octets));
  let header: SecurityHeader | undefined;
  try {
    header = readSecurityHeader(arrived);
  } catch (thrown) {
    return unsigned(arrived, [troubleOf(thrown)], true);
  }
  if (header === undefined) return unsigned(arrived, isEncrypted(arrived) ? [encrypted] : [], false);
  const created = createdOf(header);
  const at = created?.created ?? around.at ?? (0 as Instant);
  const opened = await open(arrived, header, rules, around);
  let read = { message: opened.message, header: opened.header };
  const examined = ({ message, header: its }: Readable) =>
    examineSignatures({ message, header: its, ids: idsOf(its), keys: opened.keys, at }, rules);
  let found: SignaturesExamined;
  try {
    found = await examined(read);
    if (read.message !== arrived && found.held.length === 0) {
      // Encrypted first and then signed: what was signed is what arrived.
      const asArrived = await examined({ message: arrived, header });
      if (asArrived.held.length > 0) {
        found = asArrived;
        read = { message: arrived, header };
      }
    }
  } catch (thrown) {
    return unsigned(arrived, [...opened.troubles, troubleOf(thrown)], true);
  }
  const isLocked = opened.troubles.includes(encrypted);
  // What was signed before it was encrypted is not to be seen, or has another digest now: no reason to call it changed.
  const relevant = isLocked ? found.troubles.filter(({ code }) => !hidden.has(code)) : found.troubles;
  const troubles = [...opened.troubles, ...relevant];
  const recorded = factsOf(arrived);
  const covering = coverage(read, found.held, troubles);
  const lifetime = covering.timestamp ? created : undefined;
  return {
    facts: opened.message === arrived ? recorded : factsOf(opened.message),
    recorded,
    body: isEncrypted(opened.message) ? undefined : bodyDigest(opened.message),
    message: opened.message,
    author: authorOf(found.held, covering.main, around),
    isLocked,
    isSigned: read.header.signatures.length > 0,
    isBodyCovered: covering.main !== undefined,
    created: lifetime?.created,
    expires: lifetime?.expires,
    troubles,
    opinions: found.opinions,
    exchange: exchangeOf(found.held, covering.main, header, rules),
    values: read.header.signatures.map((one) => one.children[1]?.text ?? '').join(' '),
  };
}

const hidden: ReadonlySet<Trouble['code']> = new Set(['signature-digest-differs', 'coverage-moved']);

const encrypted: Trouble = {
  code: 'message-encrypted',
  what: 'A part is encrypted, and no key that was given opens it.',
};

function unsigned(message: Message, troubles: readonly Trouble[], isSigned: boolean): ExaminedMessage {
  const facts = factsOf(message);
  return {
    message,
    facts,
    recorded: facts,
    body: isEncrypted(message) ? undefined : bodyDigest(message),
    author: undefined,
    isLocked: troubles.includes(encrypted),
    isSigned,
    isBodyCovered: false,
    created: undefined,
    expires: undefined,
    troubles,
    opinions: [],
    exchange: undefined,
    values: '',
  };
}

interface OpenedMessage {
  readonly message: Message;
  readonly header: SecurityHeader;
  readonly keys: Opening['keys'] | undefined;
  readonly troubles: readonly Trouble[];
}

/** Decrypted in place, where that is needed and can be done; else as it arrived. */
async function open(
  message: Message,
  header: SecurityHeader,
  { keys }: MessageRules,
  { exchange, contexts }: Around,
): Promise<OpenedMessage> {
  const source = contexts.source(message);
  const { encryptedKeys, referenceLists, encryptedData, derivedKeyTokens } = header;
  const needs =
    encryptedKeys.length + referenceLists.length + encryptedData.length + derivedKeyTokens.length > 0 ||
    isEncrypted(message) ||
    source !== undefined ||
    exchange?.secret !== undefined;
  if (!needs) return { message, header, keys: undefined, troubles: [] };
  try {
    const opening = await Opening.of({ message, header }, requirementOf(header, keys), exchange, source);
    const readable = await opening.readable();
    opening.conclude(readable);
    return { ...readable, keys: opening.keys, troubles: isEncrypted(readable.message) ? [encrypted] : [] };
  } catch (thrown) {
    const trouble = troubleOf(thrown);
    // Without keys nothing else was to be expected.
    const isLocked = trouble.code === 'signature-key-unknown' || trouble.code === 'security-unsupported';
    return { message, header, keys: undefined, troubles: [isLocked && isEncrypted(message) ? encrypted : trouble] };
  }
}

function requirementOf(header: SecurityHeader, keys: readonly DecryptionKey[]): EncryptionRequirement {
  return {
    accepted: acceptedEncryption(encryptionRows),
    origin: header.encryptedKeys.length > 0 ? { kind: 'transported', keys } : { kind: 'request' },
    secretLength: 32,
    order: 'sign-encrypt',
    body: false,
    clear: new Set(reliableNamespaces),
    headers: new Set(),
    signature: false,
    username: false,
  };
}

function isEncrypted({ body, headers }: Message): boolean {
  return (
    body.element.children.some(({ namespace }) => namespace === xenc) ||
    headers.some(({ local, namespace }) => local === 'EncryptedHeader' || namespace === xenc)
  );
}

interface Lifetime {
  readonly created: Instant;
  readonly expires: Instant | undefined;
}

function createdOf({ timestamp }: SecurityHeader): Lifetime | undefined {
  const [created, expires] = timestamp?.children ?? [];
  const made = created === undefined ? undefined : timeOf(created.text.trim());
  return made === undefined ? undefined : { created: made, expires: expires && timeOf(expires.text.trim()) };
}

/** What covers the Body, and what that does not cover besides. */
function coverage(
  { message, header }: Readable,
  held: readonly Held[],
  troubles: Trouble[],
): { readonly main: Held | undefined; readonly timestamp: boolean } {
  const main = held.find(({ verified }) => verified.covered.has(message.body.element));
  const { timestamp } = header;
  const isCovered = timestamp !== undefined && held.some(({ verified }) => verified.covered.has(timestamp));
  if (main === undefined) return { main, timestamp: isCovered };
  const lacks = (code: Trouble['code'], local: string) =>
    troubles.push({ code, what: `The signature of the Body does not cover ${local}.` });
  if (timestamp === undefined || !main.verified.covered.has(timestamp)) lacks('coverage-timestamp', 'a Timestamp');
  for (const block of message.headers) {
    if (!isForThisNode(message.version, block) || main.verified.covered.has(block.fragment.element)) continue;
    if (addressing.has(block.namespace)) lacks('coverage-addressing', block.local);
    else if (reliable.has(block.namespace)) lacks('coverage-reliable', block.local);
  }
  return { main, timestamp: isCovered };
}

const addressing: ReadonlySet<string> = new Set(addressingVersions.map(({ namespace }) => namespace));
const reliable: ReadonlySet<string> = new Set(reliableNamespaces);

/** The signer of the Body, or of the Timestamp where TLS protects the Body; by secret, whoever that was encrypted for. */
function authorOf(
  held: readonly Held[],
  main: Held | undefined,
  { exchange, contexts, leg }: Around,
): Author | undefined {
  const context = main === undefined ? held.find((one) => one.context !== undefined)?.context : main.context;
  if (context !== undefined && leg !== 'message') return contexts.parties(context)?.[leg];
  const endorsing = held.find((one) => one !== main && one.certificate !== undefined);
  const isReply = main?.secret !== undefined && main.secret === exchange?.secret;
  const certificate = main?.certificate ?? (isReply ? exchange?.certificate : undefined) ?? endorsing?.certificate;
  if (certificate === undefined) return undefined;
  return { identity: `x509:${certificate.keyFingerprint}`, name: certificate.subject, certificate };
}

/** Whoever answers under the secret of a message is the one that it was encrypted for. */
function exchangeOf(
  held: readonly Held[],
  main: Held | undefined,
  header: SecurityHeader,
  { keys }: MessageRules,
): Exchange | undefined {
  if (main?.secret === undefined) return undefined;
  return { values: held.map(({ read }) => read.value), secret: main.secret, certificate: readerOf(header, keys) };
}

function readerOf(header: SecurityHeader, keys: readonly DecryptionKey[]): Certificate | undefined {
  const known = keys.map(({ certificate }) => certificate);
  for (const encryptedKey of header.encryptedKeys) {
    try {
      const keyInfo = child(encryptedKey, ds, 'KeyInfo');
      const agreement = keyInfo && child(keyInfo, xenc, 'AgreementMethod');
      const reference = agreement === undefined ? keyInfo : child(agreement, xenc, 'RecipientKeyInfo');
      const named = certificateOf(reference, { header, ids: idsOf(header), known });
      const own = known.find(({ keyFingerprint }) => keyFingerprint === named.keyFingerprint);
      if (own !== undefined) return own;
    } catch {
      // It is for another reader, whose certificate is not here.
    }
  }
  return undefined;
}
