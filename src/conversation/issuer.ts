/**
 * The issuer of security contexts at an acceptor: answers requests to issue, renew, amend and cancel one, and finds the keys of those
 * that were issued: in the memory of this process, or in the token itself where they are sealed into it.
 */
import { createSecretKey } from 'node:crypto';
import { type Instant, later } from '../base/clock.ts';
import { uuidUrn } from '../base/random.ts';
import { SecurityError } from '../security/errors.ts';
import type { Evidence } from '../security/evidence.ts';
import type { ContextSecret, ContextSource } from '../security/exchange.ts';
import { type ContextName, idOf, sameName } from '../security/tokens/context.ts';
import type { XmlElement } from '../xml/document.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import {
  amend,
  type Contexts,
  cancel,
  type IssuedKey,
  type IssuedRecord,
  issue,
  keyFor,
  recall,
  renew,
  used,
} from './contexts.ts';
import { ConversationError } from './errors.ts';
import { publish } from './events.ts';
import { Own } from './own.ts';
import { type Party, partyAt, withAdded } from './party.ts';
import type { ContextRequest } from './requests.ts';
import { writeAmended, writeCancelled, writeIssued } from './responses.ts';
import { readCookie, writeCookie } from './sealed.ts';
import { computedKey } from './secret.ts';
import type { Settings } from './settings.ts';

type Request<Kind extends ContextRequest['kind']> = Extract<ContextRequest, { readonly kind: Kind }>;

export class Issuer implements ContextSource {
  readonly namespace: string;
  /** What acceptors have said, over whichever connection. */
  readonly own: Own;
  readonly #settings: Settings;
  #contexts: Contexts<Party> = new Map();
  /** Of sealed contexts, until they would have expired: their tokens say nothing of it. */
  readonly #cancelled = new Map<string, Instant>();

  constructor(settings: Settings) {
    this.namespace = settings.version.namespace;
    this.own = new Own(settings.clock, settings.session);
    this.#settings = settings;
  }

  /** Also keys that may do nothing any more but renew; see `standing`. @throws SecurityError `SECURITY_CONTEXT` */
  find(name: ContextName, token?: XmlElement): ContextSecret {
    if (token !== undefined) this.#recall(name, token);
    const found = keyFor(this.#contexts, name, this.#now);
    if (found !== 'unknown') return found.key.secret;
    throw new SecurityError('SECURITY_CONTEXT', 'The message is under a security context that is not known here.');
  }

  /** Remembers what the token itself says of a context, or of a key of one, that is not remembered. */
  #recall({ identifier, instance }: ContextName, token: XmlElement): void {
    const { sealing, limits } = this.#settings;
    if (sealing.length === 0 || this.#cancelled.has(identifier)) return;
    const keys = this.#contexts.get(identifier)?.keys ?? [];
    if (keys.some(({ secret }) => secret.instance === instance)) return;
    const sealed = readCookie(sealing, token, { namespace: this.namespace, identifier, instance });
    if (sealed === undefined) return;
    const { key, party } = sealed;
    const { identity } = party;
    const record = { identifier, identity, owner: party, keys: [key], used: true, issued: key.created };
    const recalled = recall(this.#contexts, record, this.#now, limits);
    if (recalled === this.#contexts) return;
    this.#contexts = recalled;
    publish(() => ({ event: 'context.recalled', identifier, identity }));
  }

  /** What a key may do now; whoever proved to have it is known by it. */
  standing(secret: ContextSecret): { readonly party: Party; readonly isExpired: boolean } | undefined {
    const now = this.#now;
    const found = keyFor(this.#contexts, secret, now);
    if (found === 'unknown') return undefined;
    return { party: partyAt(found.record.owner, now), isExpired: found.isExpired };
  }

  /** A message under the context was taken: it is no pending one any more, and its owner has this key. */
  used(secret: ContextSecret): void {
    this.#contexts = used(this.#contexts, secret, this.#now, this.#settings.limits);
  }

  /** The key to answer under: that of the request while it is good, else the newest. */
  answering(secret: ContextSecret): ContextSecret {
    const record = this.#contexts.get(secret.identifier);
    const [newest] = record?.keys ?? [];
    const standing = this.standing(secret);
    return standing?.isExpired === false ? secret : (newest?.secret ?? secret);
  }

  /** @throws ConversationError `CONVERSATION_TOO_BUSY`, `CONVERSATION_KEY_SIZE` */
  issue({ entropy, keySize }: Request<'issue'>, party: Party): XmlFragment {
    const now = this.#now;
    const identifier = uuidUrn(this.#settings.random);
    const { key, answer } = this.#make({ identifier, instance: undefined }, entropy, keySize, now, party);
    const { identity } = party;
    const record: IssuedRecord<Party> = { identifier, identity, owner: party, keys: [key], used: false, issued: now };
    const { sealing, limits } = this.#settings;
    // What the token holds takes no room until it comes back.
    const table = sealing.length > 0 ? this.#contexts : issue(this.#contexts, record, now, limits);
    if (typeof table === 'string') {
      throw new ConversationError('CONVERSATION_TOO_BUSY', 'There is no room for another security context.');
    }
    this.#contexts = table;
    publish(() => ({ event: 'context.issued', identifier, identity: party.identity, expires: key.expires }));
    return answer;
  }

  /**
   * @param proven the key whose possession the request has proved
   * @throws ConversationError `CONVERSATION_REFUSED` when the request is about another context, or of another identity
   */
  renew({ entropy, keySize, target }: Request<'renew'>, party: Party, proven: ContextSecret): XmlFragment {
    if (!sameName(target, proven)) throw refused('The request renews another context than the one it is under.');
    const now = this.#now;
    const { identifier } = proven;
    const name = { identifier, instance: uuidUrn(this.#settings.random) };
    const { key, answer } = this.#make(name, entropy, keySize, now, party);
    const table = renew(this.#contexts, proven, party.identity, key, now, this.#settings.limits);
    if (typeof table === 'string')
      throw refused('A context is renewed by the identity that it was issued to, and in time.');
    this.#contexts = table;
    publish(() => ({ event: 'context.renewed', identifier, identity: party.identity, expires: key.expires }));
    return answer;
  }

  /**
   * @param party whose context it is
   * @param proven what the request has shown besides the key of the context
   * @throws ConversationError `CONVERSATION_REFUSED` when so much was added that there is no room
   */
  amend(party: Party, proven: Evidence, { identifier, instance }: ContextSecret): XmlFragment {
    const { limits, random, version } = this.#settings;
    const amended = withAdded(party, proven, limits.amendments);
    if (amended === undefined) throw refused('There is no room for another credential in the context.');
    this.#contexts = amend(this.#contexts, identifier, amended);
    const added = (proven.signer ?? proven.user)?.identity;
    publish(() => ({ event: 'context.amended', identifier, identity: party.identity, added }));
    return writeAmended(version, { identifier, instance }, idOf(uuidUrn(random)));
  }

  /** @throws ConversationError `CONVERSATION_REFUSED` when the request is about another context than it is under */
  cancel({ target }: Request<'cancel'>, proven: ContextSecret): XmlFragment {
    if (target.identifier !== proven.identifier)
      throw refused('The request cancels another context than the one it is under.');
    this.#forget(proven);
    publish(() => ({ event: 'context.cancelled', identifier: proven.identifier }));
    return writeCancelled(this.#settings.version);
  }

  #forget({ identifier }: ContextSecret): void {
    const { sealing, limits } = this.#settings;
    const keys = this.#contexts.get(identifier)?.keys ?? [];
    this.#contexts = cancel(this.#contexts, identifier);
    if (sealing.length === 0) return;
    const now = this.#now;
    for (const [over, until] of this.#cancelled) {
      if (until > now && this.#cancelled.size < limits.contexts) break;
      this.#cancelled.delete(over);
    }
    this.#cancelled.set(identifier, later(now, Math.max(0, ...keys.map(({ until }) => until - now))));
  }

  /** A new key, half of it of this end, and the answer that tells the other half's owner. */
  #make(
    name: ContextName,
    theirs: Uint8Array,
    keySize: number,
    now: Instant,
    party: Party,
  ): { readonly key: IssuedKey; readonly answer: XmlFragment } {
    const { version, random, contextLifetime, limits, sealing, keySize: own } = this.#settings;
    if (keySize !== own) {
      const text = `A context of ${keySize} bits was asked for; here it has ${own}.`;
      throw new ConversationError('CONVERSATION_KEY_SIZE', text);
    }
    const entropy = random.bytes(keySize / 8);
    const id = idOf(uuidUrn(random));
    const expires = later(now, contextLifetime);
    const secret: ContextSecret = {
      ...name,
      key: createSecretKey(computedKey(theirs, entropy, keySize)),
      namespace: version.namespace,
      token: undefined,
    };
    const key = { secret, created: now, expires, until: later(expires, limits.rollover) };
    const [sealer] = sealing;
    const cookie = sealer && writeCookie(sealer, { key, party }, random);
    const issued = { ...name, id, entropy, keySize, created: now, expires, cookie };
    return { key, answer: writeIssued(version, issued, idOf(uuidUrn(random))) };
  }

  get #now(): Instant {
    return this.#settings.clock.now();
  }
}

function refused(text: string): ConversationError {
  return new ConversationError('CONVERSATION_REFUSED', text);
}
