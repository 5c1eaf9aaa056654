/**
 * From a message to its secured form. Everything that is signed is canonical already (see `xml/write.ts`), so its octets
 * are hashed as they stand and nothing that is written here is ever parsed. Parts that were signed before, as in a
 * retransmission, keep their id and digest; the Timestamp is always new, so no two messages are alike.
 */
import type { Instant } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { digest } from './crypto.ts';
import { writeSecurityHeader } from './header.ts';
import { wsu } from './names.ts';
import type { OutboundPolicy, SignatureProduction } from './policy.ts';
import { type SignedPart, writeSignature, writeSignedInfo } from './signature.ts';
import { writeTimestamp } from './timestamp.ts';
import { writeUsernameToken } from './tokens/username.ts';
import { writeBinaryToken, writeTokenReference } from './tokens/x509.ts';

/**
 * Secures messages as a policy says.
 *
 * @param random for ids and nonces
 */
export class Protector {
  readonly #policy: OutboundPolicy;
  readonly #random: Random;
  /** Ids are unguessable by prefix, so that no payload can bring one along, and unique by number. */
  readonly #prefix: string;
  #number = 0;
  readonly #prepared = new WeakMap<XmlFragment, Prepared>();

  constructor(policy: OutboundPolicy, random: Random) {
    this.#policy = policy;
    this.#random = random;
    this.#prefix = Buffer.from(random.bytes(12)).toString('hex');
  }

  /** The same message with its Security header, last as WCF writes it. */
  async protect(message: Message, now: Instant): Promise<Message> {
    const { lifetime, signature } = this.#policy;
    const timestamp = this.#named((id) => writeTimestamp(id, now, lifetime));
    const username = this.#username(now);
    const parts = username === undefined ? [timestamp] : [timestamp, username];
    if (signature === undefined) {
      const security = parts.map((part) => part.fragment);
      return {
        ...message,
        headers: [...message.headers, writeSecurityHeader(message.version, security)],
        source: undefined,
      };
    }
    const headers = message.headers.map((block) => this.#prepare(block.fragment, signature));
    const body = this.#prepare(message.body, signature);
    const token = this.#token(signature);
    const own = [...parts, ...token.signed].map((part) => withDigest(part, signature));
    const security = [
      ...parts.map((part) => part.fragment),
      ...token.included,
      await sign([body, ...headers, ...own], signature, token.reference),
    ];
    const signed = message.headers.map((block, index): HeaderBlock => {
      const fragment = headers[index]?.fragment ?? block.fragment;
      return { ...block, fragment };
    });
    return {
      ...message,
      headers: [...signed, writeSecurityHeader(message.version, security)],
      body: body.fragment,
      source: undefined,
    };
  }

  #username(now: Instant): Named | undefined {
    const { username } = this.#policy;
    if (username === undefined) return undefined;
    const credentials = typeof username === 'function' ? username() : username;
    return this.#named((id) => writeUsernameToken(id, credentials, now, this.#random));
  }

  /** A part of the message with an id of ours; an id that it had is replaced. */
  #prepare(fragment: XmlFragment, signature: SignatureProduction): Prepared {
    const known = this.#prepared.get(fragment);
    if (known !== undefined) return known;
    const named = this.#named((id) => fragment.withAttribute(wsu, 'Id', id, 'wsu'));
    const fresh = withDigest(named, signature);
    this.#prepared.set(fragment, fresh);
    return fresh;
  }

  #token(signature: SignatureProduction): Token {
    const { certificate } = signature.key;
    const token = this.#named((id) => writeBinaryToken(id, certificate));
    const reference = writeTokenReference(signature.reference, certificate, token.id);
    if (signature.reference !== 'direct') return { included: [], signed: [], reference };
    return { included: [token.fragment], signed: signature.token ? [token] : [], reference };
  }

  #named(write: (id: string) => XmlFragment): Named {
    const id = `i${this.#prefix}-${++this.#number}`;
    return { id, fragment: write(id) };
  }
}

interface Named {
  readonly id: string;
  readonly fragment: XmlFragment;
}

type Prepared = Named & SignedPart;

interface Token {
  readonly included: readonly XmlFragment[];
  readonly signed: readonly Named[];
  readonly reference: XmlFragment;
}

function withDigest({ id, fragment }: Named, { digest: algorithm }: SignatureProduction): Prepared {
  return { id, fragment, prefixes: fragment.prefixes, digest: digest(algorithm, fragment.bytes) };
}

async function sign(
  parts: readonly SignedPart[],
  { key, algorithm, digest: digestAlgorithm }: SignatureProduction,
  reference: XmlFragment,
): Promise<XmlFragment> {
  const signedInfo = writeSignedInfo(parts, algorithm, digestAlgorithm);
  return writeSignature(signedInfo, await key.sign(algorithm, signedInfo.bytes), reference);
}
