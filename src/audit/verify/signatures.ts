/**
 * Every signature of one message, by our engine and by the second one: whose key it was, whether it holds, what it covers. In
 * contrast to a receiver, which stops at the first thing that is wrong, this looks at all of them.
 */
import type { KeyObject } from 'node:crypto';
import { hash } from 'node:crypto';
import { view } from '../../base/bytes.ts';
import type { Instant } from '../../base/clock.ts';
import type { Certificate } from '../../security/certificates.ts';
import { SecurityError } from '../../security/errors.ts';
import type { ContextSecret, SharedSecret } from '../../security/exchange.ts';
import type { SecurityHeader } from '../../security/header.ts';
import type { MessageKeys } from '../../security/message-keys.ts';
import { messageProfile } from '../../security/profile.ts';
import type { AcceptedSignatures } from '../../security/protection.ts';
import { type ReadSignature, readSignature, type Verified, verifySignature } from '../../security/signature.ts';
import { isUnsafe } from '../../security/suites.ts';
import { referenceIn } from '../../security/tokens/reference.ts';
import { foundCertificate } from '../../security/tokens/x509.ts';
import type { Trust } from '../../security/trust.ts';
import type { Message } from '../../soap/message.ts';
import type { XmlElement } from '../../xml/document.ts';
import { struckText } from '../transcript/strike.ts';
import { type SecondOpinion, SecondReading } from './second.ts';
import { type Trouble, troubleOf } from './trouble.ts';

export interface SignatureRules {
  /** All that is understood; what of it is weak is told. */
  readonly accepted: AcceptedSignatures;
  readonly trust: Trust | undefined;
  /** Certificates that messages may refer to. */
  readonly known: readonly Certificate[];
  readonly secondEngine: boolean;
  /** Whether SHA-1 is taken. */
  readonly sha1: boolean;
}

/** One signature that holds. */
export interface Held {
  readonly certificate: Certificate | undefined;
  readonly secret: SharedSecret | undefined;
  readonly context: ContextSecret | undefined;
  readonly verified: Verified;
  readonly read: ReadSignature;
}

export interface SignaturesExamined {
  readonly held: readonly Held[];
  readonly troubles: readonly Trouble[];
  /** What the second engine said, one for each signature that it was asked about. */
  readonly opinions: readonly SecondOpinion['kind'][];
}

export interface SignedMessage {
  readonly message: Message;
  readonly header: SecurityHeader;
  readonly ids: ReadonlyMap<string, XmlElement>;
  readonly keys: MessageKeys | undefined;
  /** When it was signed, as far as is known. */
  readonly at: Instant;
}

/** The key of a signature, and where it is from. */
interface SignatureKey {
  readonly key: KeyObject;
  readonly certificate?: Certificate;
  readonly secret?: SharedSecret;
  readonly context?: ContextSecret;
}

export async function examineSignatures(of: SignedMessage, rules: SignatureRules): Promise<SignaturesExamined> {
  const { message, header, ids } = of;
  const profile = messageProfile(message, header, ids, rules.accepted, rules.known);
  const held: Held[] = [];
  const troubles: Trouble[] = [];
  const opinions: SecondOpinion['kind'][] = [];
  const second = rules.secondEngine ? new SecondReading(header.element.document.bytes) : undefined;
  for (const [at, element] of header.signatures.entries()) {
    let key: SignatureKey | undefined;
    let mine: Held | Trouble;
    if (isStruck(element.children[1])) {
      troubles.push(struck('the value of a signature'));
      continue;
    }
    let isPartial = false;
    try {
      const whole = readSignature(element, profile);
      const read = withoutStruck(whole, ids);
      isPartial = read !== whole;
      if (isPartial) troubles.push(struck('a part that a signature covers'));
      key = await keyOf(read, of, rules, troubles);
      const weak = !rules.sha1 && isWeak(read);
      if (weak) troubles.push({ code: 'signature-weak', what: 'A signature or a digest is over SHA-1.' });
      const verified = verifySignature(read, key.key, profile);
      mine = { read, verified, certificate: key.certificate, secret: key.secret, context: key.context };
      held.push(mine);
    } catch (thrown) {
      mine = troubleOf(thrown);
      troubles.push(mine);
    }
    if (second === undefined || key === undefined || isPartial) continue;
    const opinion = second.opinion(at, key.key);
    opinions.push(opinion.kind);
    const disagreement = compared(mine, opinion);
    if (disagreement !== undefined) troubles.push(disagreement);
  }
  return { held, troubles, opinions };
}

const marker = Buffer.from(`>${struckText}<`);

function isStruck(element: XmlElement | undefined): boolean {
  if (element === undefined) return false;
  return view(element.document.bytes.subarray(element.start, element.end)).includes(marker);
}

function struck(what: string): Trouble {
  return { code: 'message-struck', what: `A secret was struck out, and ${what} with it.` };
}

/**
 * The signature without its references to parts in which something was struck out: they cannot have the digest that was signed, and
 * count for nothing. The value is still held against the whole SignedInfo.
 */
function withoutStruck(read: ReadSignature, ids: ReadonlyMap<string, XmlElement>): ReadSignature {
  const references = read.references.filter(({ uri }) => !isStruck(ids.get(uri?.slice(1) ?? '')));
  return references.length === read.references.length ? read : { ...read, references };
}

function isWeak(read: ReadSignature): boolean {
  return isUnsafe(read.algorithm) || read.references.some(({ digest }) => isUnsafe(digest));
}

async function keyOf(
  read: ReadSignature,
  { header, ids, keys, at }: SignedMessage,
  { trust, known }: SignatureRules,
  troubles: Trouble[],
): Promise<SignatureKey> {
  if (read.algorithm.family === 'hmac') {
    if (keys !== undefined) {
      const { key, of } = await keys.signing(read.keyInfo);
      return of.kind === 'secret' ? { key, secret: of.secret } : { key, context: of.secret };
    }
    throw new SecurityError(
      'SECURITY_TOKEN',
      'The message is signed with a secret, and no key that was given leads to it.',
    );
  }
  const { certificate, others } = foundCertificate(referenceIn(read.keyInfo), { header, ids, known });
  if (trust === undefined)
    troubles.push({ code: 'trust-not-given', what: `Whether to believe ${certificate.subject} was not said.` });
  else {
    try {
      await trust.accept(certificate, at, others);
    } catch (thrown) {
      troubles.push(troubleOf(thrown, 'certificate-untrusted'));
    }
  }
  return { key: certificate.key, certificate };
}

/** Both have to say the same, about what is covered too. */
function compared(mine: Held | Trouble, opinion: SecondOpinion): Trouble | undefined {
  if (opinion.kind === 'silent') return { code: 'second-engine-silent', what: opinion.reason };
  if ('code' in mine) {
    // Where a signature may point, and how it has to look, is a rule of ours that the second engine does not have.
    const isOfMathematics = mine.code === 'signature-invalid' || mine.code === 'signature-digest-differs';
    if (opinion.kind === 'invalid' || !isOfMathematics) return undefined;
    return { code: 'engines-disagree', what: 'xml-crypto takes a signature for valid that our engine refuses.' };
  }
  if (opinion.kind === 'invalid') {
    return {
      code: 'engines-disagree',
      what: `xml-crypto refuses a signature that our engine takes (${opinion.reason}).`,
    };
  }
  const covered = [...mine.verified.covered.values()].map(({ octets }) => hash('sha256', octets)).sort();
  if (covered.join() === opinion.covered.join()) return undefined;
  return { code: 'engines-disagree', what: 'The two engines do not agree on what a signature covers.' };
}
