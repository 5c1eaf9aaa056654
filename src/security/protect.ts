/**
 * From a message to its secured form. Everything that is signed is canonical already (see `xml/write.ts`), so its octets
 * are hashed as they stand and nothing that is written here is ever parsed. Parts that were signed before, as in a
 * retransmission, keep their id and digest; the Timestamp is always new, so no two messages are alike. What is encrypted
 * is encrypted anew each time, under a key of that message.
 */
import { after } from '../base/after.ts';
import type { Instant } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { addressingVersionOf } from '../soap/addressing-versions.ts';
import { isForUltimateReceiver } from '../soap/envelope.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import { XmlFragment } from '../xml/fragment.ts';
import type { Piece } from '../xml/joiner.ts';
import { Concealer } from './conceal.ts';
import { writeConfirmation } from './confirmation.ts';
import { contextTokens, type Endorser, endorsersOf } from './endorse.ts';
import { SecurityError } from './errors.ts';
import type { Exchange, PasswordKey } from './exchange.ts';
import { insideHeader, withoutWsse, writeSecurityHeader } from './header.ts';
import { type Issued, issuedOf } from './issued-token.ts';
import { DerivedPairs, type Keying, keyingOf } from './keying.ts';
import { wsu } from './names.ts';
import { type Inside, inHeader, Parts, partOf } from './parts.ts';
import { type PasswordKeying, passwordKeying } from './password-key.ts';
import type { EncryptionProduction, OutboundPolicy, PasswordSignature, SignatureProduction } from './protection.ts';
import { type Signed, sign, type Token, tokenOf, under } from './sign.ts';
import type { SignedPart } from './signature.ts';
import { writeTimestamp } from './timestamp.ts';
import { writeUsernameToken } from './tokens/username.ts';

/** A message ready to send, and what its reply will have in common with it. */
export interface Secured {
  readonly message: Message;
  readonly exchange: Exchange;
}

/** Secures messages as a policy says; one for the life of a channel. */
export class Protector {
  readonly #policy: OutboundPolicy;
  readonly #random: Random;
  readonly #derived = new DerivedPairs();
  readonly #parts: Parts;
  readonly #token: Token | undefined;
  readonly #endorser: Token | undefined;
  /** Tokens that the message signature covers, beside those that are new in each message. */
  readonly #tokens: readonly SignedPart[];
  readonly #id: () => string;

  /** @param random for ids, nonces and keys */
  constructor(policy: OutboundPolicy, random: Random) {
    this.#policy = policy;
    this.#random = random;
    this.#parts = new Parts(random);
    this.#id = this.#parts.id;
    const { signature, endorsement } = policy;
    this.#token = signature?.kind === 'certificate' ? tokenOf(signature, this.#id()) : undefined;
    this.#endorser = endorsement?.kind === 'certificate' ? tokenOf(endorsement, this.#id()) : undefined;
    this.#tokens = [...(this.#token?.signed ?? []), ...(policy.endorsers ? (this.#endorser?.signed ?? []) : [])];
  }

  /** The same message with its Security header, last as WCF writes it. */
  async protect(message: Message, now: Instant): Promise<Message> {
    return (await this.secure(message, now)).message;
  }

  /**
   * As `protect`, with what the reply needs.
   *
   * @param exchange what the request has left, where this is its reply
   * @throws SecurityError `SECURITY_POLICY` when the policy needs a request and there is none, or nobody to encrypt for
   */
  async secure(message: Message, now: Instant, exchange?: Exchange): Promise<Secured> {
    const { lifetime, signature, encryption } = this.#policy;
    const id = this.#id();
    const timestamp = { id, fragment: XmlFragment.written([writeTimestamp(id, now, lifetime)], []) };
    const password = this.#password(exchange);
    const user = password?.inside ?? this.#user(now);
    const issued = this.#policy.token === undefined ? undefined : await this.#issued();
    const tokens = [...(user === undefined ? [] : [user]), ...(issued === undefined ? [] : [issued.inside])];
    const endorsers = endorsersOf(this.#policy, { token: this.#endorser, issued, password, exchange });
    if (signature === undefined) return this.#overTransport(message, timestamp, tokens, endorsers, password?.key);
    const inside = [...tokens, ...this.#confirmations(exchange)];
    if (signature.kind === 'password' || encryption === undefined) {
      return this.#signed(message, signature, timestamp, inside, endorsers, password);
    }
    const symmetric = signature.kind === 'secret';
    const keying = keyingOf({
      production: encryption,
      symmetric,
      exchange,
      random: this.#random,
      derived: this.#derived,
      id: this.#id,
    });
    const hiding = { production: encryption, keying };
    return encryption.order === 'encrypt-sign'
      ? this.#encryptedThenSigned(message, signature, timestamp, inside, hiding, endorsers)
      : this.#signedThenEncrypted(message, signature, timestamp, inside, hiding, endorsers);
  }

  /** Timestamp and tokens; a signature endorses the Timestamp and says for whom it is. */
  async #overTransport(
    message: Message,
    timestamp: Inside,
    tokens: readonly Inside[],
    endorsers: readonly Endorser[],
    password: PasswordKey | undefined,
  ): Promise<Secured> {
    const parts = [timestamp, ...tokens].map(inHeader);
    const values: Uint8Array[] = [];
    let { headers } = message;
    for (const endorser of endorsers) {
      const { digest } = endorser.signature;
      const signed = [partOf(timestamp, digest)];
      // Both ends have the key of a context: whom the message is for goes without saying, and WCF refuses it said.
      if (endorser.context === undefined) {
        headers = headers.map((block): HeaderBlock => {
          if (block.local !== 'To' || addressingVersionOf(block) === undefined) return block;
          const prepared = this.#parts.prepare(block.fragment, digest);
          signed.push(prepared);
          return { ...block, fragment: prepared.fragment };
        });
      }
      const made = await sign(signed, endorser.signature, endorser.token?.reference, endorser, undefined);
      parts.push(endorser.token?.included ?? '', withoutWsse(made.text));
      values.push(made.value);
    }
    parts.splice(1, 0, ...contextTokens(endorsers));
    return assembled(message, parts, headers, message.body, { values, password });
  }

  /** All that the signature of a clear message covers, ready to be signed. */
  #covered(message: Message, digest: SignatureProduction['digest'], timestamp: Inside, inside: readonly Inside[]) {
    const body = this.#parts.prepare(message.body, digest);
    const signed: SignedPart[] = [body, partOf(timestamp, digest), ...this.#tokens];
    for (const one of inside) if (one.unsigned !== true) signed.push(partOf(one, digest));
    return { body, signed, headers: this.#parts.prepareHeaders(message.headers, digest, signed) };
  }

  async #signed(
    message: Message,
    signature: SignatureProduction | PasswordSignature,
    timestamp: Inside,
    inside: readonly Inside[],
    endorsers: readonly Endorser[],
    password: PasswordKeying | undefined,
  ): Promise<Secured> {
    const token = this.#token;
    const { body, signed, headers } = this.#covered(message, signature.digest, timestamp, inside);
    const signatures = await this.#signatures(signed, ...under(signature, password), endorsers);
    const parts = [inHeader(timestamp), ...contextTokens(endorsers), ...inside.map(inHeader)];
    parts.push(
      token?.included ?? '',
      this.#endorser?.included ?? '',
      ...signatures.map(({ text }) => withoutWsse(text)),
    );
    const values = signatures.map(({ value }) => value);
    return assembled(message, parts, headers, body.fragment, { values, password: password?.key });
  }

  #signedThenEncrypted(
    message: Message,
    signature: SignatureProduction,
    timestamp: Inside,
    inside: readonly Inside[],
    { production, keying }: Hiding,
    endorsers: readonly Endorser[],
  ): Secured | Promise<Secured> {
    const { body, signed, headers: prepared } = this.#covered(message, signature.digest, timestamp, inside);
    return after(this.#signatures(signed, signature, keying, endorsers), (signatures) => {
      const token = this.#token;
      const conceal = new Concealer(production, keying, this.#random, this.#id);
      const hidden = conceal.body(message, body.fragment);
      // Also that of a clear Body where there is a secret token, as WCF does: by its digest a password could be guessed.
      const hides = conceal.hides(message) || inside.some(({ isSecret }) => isSecret === true);
      const hidesSignature = production.signature && hides;
      const headers =
        production.headers.size === 0
          ? prepared
          : prepared.map((block) => conceal.header(block, message.version, this.#id()) ?? block);
      const behind: Piece[] = [];
      for (const one of inside) {
        const isHidden = one.isSecret === true || (hidesSignature && one.verbatim !== true);
        if (isHidden) behind.push(...conceal.element(one.fragment));
        else behind.push(inHeader(one));
      }
      if (this.#endorser !== undefined) behind.push(this.#endorser.included);
      for (const { text } of signatures) {
        if (hidesSignature) behind.push(...conceal.element(XmlFragment.written([text], [])));
        else behind.push(withoutWsse(text));
      }
      const { references } = conceal;
      const parts: Piece[] = [insideHeader(timestamp.fragment), ...contextTokens(endorsers), token?.included ?? ''];
      parts.push(...keying.markup(references), keying.list(references), ...behind);
      const values = signatures.map(({ value }) => value);
      return assembled(message, parts, headers, hidden, { values, secret: keying.secret, certificate: this.#reader() });
    });
  }

  async #encryptedThenSigned(
    message: Message,
    signature: SignatureProduction,
    timestamp: Inside,
    inside: readonly Inside[],
    { production, keying }: Hiding,
    endorsers: readonly Endorser[],
  ): Promise<Secured> {
    if (inside.some(({ isSecret }) => isSecret === true)) {
      throw new SecurityError('SECURITY_POLICY', 'A secret token is encrypted after it was signed, or not at all.');
    }
    const { digest } = signature;
    const token = this.#token;
    const conceal = new Concealer(production, keying, this.#random, this.#id);
    const id = this.#id();
    const body = { id, fragment: conceal.body(message, message.body.withAttribute(wsu, 'Id', id, 'wsu')) };
    const signed: SignedPart[] = [partOf(body, digest), partOf(timestamp, digest), ...this.#tokens];
    for (const one of inside) if (one.unsigned !== true) signed.push(partOf(one, digest));
    const headers = message.headers.map((block): HeaderBlock => {
      if (!isForUltimateReceiver(block)) return block;
      const own = this.#id();
      const hidden = conceal.header(block, message.version, own);
      const part =
        hidden === undefined
          ? this.#parts.prepare(block.fragment, digest)
          : partOf({ id: own, fragment: hidden.fragment }, digest);
      signed.push(part);
      return hidden ?? { ...block, fragment: this.#parts.prepare(block.fragment, digest).fragment };
    });
    const made = this.#signatures(signed, signature, keying, endorsers);
    const signatures = made instanceof Promise ? await made : made;
    const { references } = conceal;
    const before = [insideHeader(timestamp.fragment), ...contextTokens(endorsers), token?.included ?? ''];
    const parts = [...before, ...keying.markup(references)];
    parts.push(...inside.map(inHeader), this.#endorser?.included ?? '');
    parts.push(...signatures.map(({ text }) => withoutWsse(text)), keying.list(references));
    const values = signatures.map(({ value }) => value);
    return assembled(message, parts, headers, body.fragment, {
      values,
      secret: keying.secret,
      certificate: this.#reader(),
    });
  }

  /** The message signature, and those that endorse it. */
  #signatures(
    signed: readonly SignedPart[],
    signature: SignatureProduction,
    keying: Pick<Keying, 'signing'> | undefined,
    endorsers: readonly Endorser[],
  ): readonly Signed[] | Promise<readonly Signed[]> {
    const reference = this.#token?.reference;
    if (endorsers.length === 0) {
      return after(sign(signed, signature, reference, keying, undefined), (only) => [only]);
    }
    const id = this.#id();
    return after(sign(signed, signature, reference, keying, id), (main) => endorsedBy(endorsers, main, id));
  }

  async #issued(): Promise<Issued | undefined> {
    const { token, endorsers } = this.#policy;
    return token === undefined ? undefined : issuedOf(await token(), this.#id, endorsers);
  }

  /** The key of a password that signs or endorses. */
  #password(exchange: Exchange | undefined): PasswordKeying | undefined {
    const { signature, endorsement } = this.#policy;
    const by = [signature, endorsement].find((one) => one?.kind === 'password');
    return by?.kind === 'password' ? passwordKeying(by, exchange?.password, this.#random, this.#id) : undefined;
  }

  #user(now: Instant): Inside | undefined {
    const { username } = this.#policy;
    if (username === undefined) return undefined;
    const id = this.#id();
    const credentials = typeof username === 'function' ? username() : username;
    const token = writeUsernameToken(id, credentials, now, this.#random, this.#showsDigests);
    return { id, fragment: token, isSecret: true };
  }

  /** Whether tokens are encrypted, and what is signed of them is not. */
  get #showsDigests(): boolean {
    const { encryption, signature } = this.#policy;
    return encryption !== undefined && signature !== undefined && !encryption.signature;
  }

  #confirmations(exchange: Exchange | undefined): readonly Inside[] {
    if (!this.#policy.confirmation) return [];
    if (exchange === undefined) {
      throw new SecurityError('SECURITY_POLICY', 'Only the reply to a request confirms signatures.');
    }
    const values = exchange.values.length === 0 ? [undefined] : exchange.values;
    return values.map((value) => {
      const id = this.#id();
      return { id, fragment: writeConfirmation(id, value) };
    });
  }

  /** Whom the secret of a request is for: who may then answer under it. */
  #reader() {
    const readers = this.#policy.encryption?.readers;
    return readers?.kind === 'certificates' ? readers.certificates[0] : undefined;
  }
}

/** A signature, and those that endorse it. */
async function endorsedBy(endorsers: readonly Endorser[], main: Signed, id: string): Promise<readonly Signed[]> {
  const all = [main];
  const endorsed = { id, fragment: XmlFragment.written([main.text], []) };
  for (const endorser of endorsers) {
    const part = partOf(endorsed, endorser.signature.digest);
    all.push(await sign([part], endorser.signature, endorser.token?.reference, endorser, undefined));
  }
  return all;
}

interface Hiding {
  readonly production: EncryptionProduction;
  readonly keying: Keying;
}

function assembled(
  message: Message,
  parts: readonly Piece[],
  headers: readonly HeaderBlock[],
  body: XmlFragment,
  exchange: Partial<Exchange> = {},
): Secured {
  const all = [...headers, writeSecurityHeader(message.version, parts)];
  return {
    message: { ...message, headers: all, body, source: undefined },
    exchange: { secret: undefined, certificate: undefined, ...exchange, values: exchange.values ?? [] },
  };
}
