/**
 * From a message to its secured form. Everything that is signed is canonical already (see `xml/write.ts`), so its octets
 * are hashed as they stand and nothing that is written here is ever parsed. Parts that were signed before, as in a
 * retransmission, keep their id and digest; the Timestamp is always new, so no two messages are alike.
 */
import { utf8 } from '../base/bytes.ts';
import type { Instant } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { base64Digest } from './crypto.ts';
import { insideHeader, writeSecurityHeader } from './header.ts';
import { wsu } from './names.ts';
import type { OutboundPolicy, SignatureProduction } from './policy.ts';
import { type SignedPart, signedInfoOctets, writeSignature, writeSignedInfo } from './signature.ts';
import { writeTimestamp } from './timestamp.ts';
import { writeUsernameToken } from './tokens/username.ts';
import { writeBinaryToken, writeTokenReference } from './tokens/x509.ts';

/** Secures messages as a policy says; one for the life of a channel. */
export class Protector {
  readonly #policy: OutboundPolicy;
  readonly #random: Random;
  /** Ids are unguessable by prefix, so that no payload can bring one along, and unique by number. */
  readonly #prefix: string;
  #number = 0;
  readonly #prepared = new WeakMap<XmlFragment, Prepared>();
  readonly #token: Token | undefined;

  /** @param random for ids and nonces */
  constructor(policy: OutboundPolicy, random: Random) {
    this.#policy = policy;
    this.#random = random;
    this.#prefix = Buffer.from(random.bytes(12)).toString('hex');
    this.#token = policy.signature === undefined ? undefined : tokenOf(policy.signature, this.#id());
  }

  /** The same message with its Security header, last as WCF writes it. */
  async protect(message: Message, now: Instant): Promise<Message> {
    const { lifetime, signature } = this.#policy;
    const timestampId = this.#id();
    const timestamp = writeTimestamp(timestampId, now, lifetime);
    const user = this.#user(now);
    const parts = user === undefined ? [timestamp] : [timestamp, insideHeader(user.fragment)];
    const token = this.#token;
    if (signature === undefined || token === undefined) {
      return {
        ...message,
        headers: [...message.headers, writeSecurityHeader(message.version, parts)],
        source: undefined,
      };
    }
    const body = this.#prepare(message.body, signature);
    const signed: SignedPart[] = [body, partOf(timestampId, utf8(timestamp), [], signature), ...token.signed];
    if (user !== undefined) signed.push(partOf(user.id, user.fragment.bytes, user.fragment.prefixes, signature));
    const headers = message.headers.map((block): HeaderBlock => {
      const prepared = this.#prepare(block.fragment, signature);
      signed.push(prepared);
      return { ...block, fragment: prepared.fragment };
    });
    parts.push(token.included, await sign(signed, signature, token.reference));
    headers.push(writeSecurityHeader(message.version, parts));
    return { ...message, headers, body: body.fragment, source: undefined };
  }

  #user(now: Instant): { readonly id: string; readonly fragment: XmlFragment } | undefined {
    const { username } = this.#policy;
    if (username === undefined) return undefined;
    const id = this.#id();
    const credentials = typeof username === 'function' ? username() : username;
    return { id, fragment: writeUsernameToken(id, credentials, now, this.#random) };
  }

  /** A part of the message with an id of ours; an id that it had is replaced. */
  #prepare(fragment: XmlFragment, signature: SignatureProduction): Prepared {
    const known = this.#prepared.get(fragment);
    if (known !== undefined) return known;
    const id = this.#id();
    const named = fragment.withAttribute(wsu, 'Id', id, 'wsu');
    const fresh = { fragment: named, ...partOf(id, named.bytes, named.prefixes, signature) };
    this.#prepared.set(fragment, fresh);
    return fresh;
  }

  #id(): string {
    return `i${this.#prefix}-${++this.#number}`;
  }
}

interface Prepared extends SignedPart {
  readonly fragment: XmlFragment;
}

/** What names the key: the same in every message, so it is written once. */
interface Token {
  readonly included: string;
  readonly signed: readonly SignedPart[];
  readonly reference: string;
}

function tokenOf(signature: SignatureProduction, id: string): Token {
  const { certificate } = signature.key;
  const reference = insideHeader(writeTokenReference(signature.reference, certificate, id));
  if (signature.reference !== 'direct') return { included: '', signed: [], reference };
  const token = writeBinaryToken(id, certificate);
  const signed = signature.token ? [partOf(id, token.bytes, [], signature)] : [];
  return { included: insideHeader(token), signed, reference };
}

function partOf(
  id: string,
  octets: Uint8Array,
  prefixes: readonly string[],
  { digest }: SignatureProduction,
): SignedPart {
  return { id, prefixes, digest: base64Digest(digest, octets) };
}

async function sign(
  parts: readonly SignedPart[],
  { key, algorithm, digest }: SignatureProduction,
  reference: string,
): Promise<string> {
  const content = writeSignedInfo(parts, algorithm, digest);
  return writeSignature(content, await key.sign(algorithm, signedInfoOctets(content)), reference);
}
