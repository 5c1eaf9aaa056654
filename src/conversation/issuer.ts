/**
 * The issuer of security contexts at an acceptor: answers requests to issue, renew and cancel one, and finds the keys of those that
 * were issued. Contexts live in the memory of this process: who holds one after a restart asks for another.
 */
import { createSecretKey } from 'node:crypto';
import { type Instant, later } from '../base/clock.ts';
import { uuidUrn } from '../base/random.ts';
import { SecurityError } from '../security/errors.ts';
import type { ContextSecret, ContextSource } from '../security/exchange.ts';
import { type ContextName, idOf } from '../security/tokens/context.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { type Contexts, cancel, type IssuedKey, type IssuedRecord, issue, keyFor, renew, used } from './contexts.ts';
import { ConversationError } from './errors.ts';
import { publish } from './events.ts';
import type { Party } from './party.ts';
import type { ContextRequest } from './requests.ts';
import { writeCancelled, writeIssued } from './responses.ts';
import { computedKey } from './secret.ts';
import type { Settings } from './settings.ts';

type Request<Kind extends ContextRequest['kind']> = Extract<ContextRequest, { readonly kind: Kind }>;

export class Issuer implements ContextSource {
  readonly namespace: string;
  readonly #settings: Settings;
  #contexts: Contexts<Party> = new Map();

  constructor(settings: Settings) {
    this.namespace = settings.version.namespace;
    this.#settings = settings;
  }

  /** Also keys that may do nothing any more but renew; see `standing`. @throws SecurityError `SECURITY_CONTEXT` */
  find(name: ContextName): ContextSecret {
    const found = keyFor(this.#contexts, name, this.#now);
    if (found !== 'unknown') return found.key.secret;
    throw new SecurityError('SECURITY_CONTEXT', 'The message is under a security context that is not known here.');
  }

  /** What a key may do now; whoever proved to have it is known by it. */
  standing(secret: ContextSecret): { readonly party: Party; readonly isExpired: boolean } | undefined {
    const found = keyFor(this.#contexts, secret, this.#now);
    return found === 'unknown' ? undefined : { party: found.record.owner, isExpired: found.isExpired };
  }

  /** A message under the context was taken: it is no pending one any more. */
  used({ identifier }: ContextSecret): void {
    this.#contexts = used(this.#contexts, identifier);
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
    const { key, answer } = this.#make({ identifier, instance: undefined }, entropy, keySize, now);
    const record: IssuedRecord<Party> = {
      identifier,
      identity: party.identity,
      owner: party,
      keys: [key],
      used: false,
      issued: now,
    };
    const table = issue(this.#contexts, record, now, this.#settings.limits);
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
    const { key, answer } = this.#make(name, entropy, keySize, now);
    const table = renew(this.#contexts, proven, party.identity, key, now, this.#settings.limits);
    if (typeof table === 'string')
      throw refused('A context is renewed by the identity that it was issued to, and in time.');
    this.#contexts = table;
    publish(() => ({ event: 'context.renewed', identifier, identity: party.identity, expires: key.expires }));
    return answer;
  }

  /** @throws ConversationError `CONVERSATION_REFUSED` when the request is about another context than it is under */
  cancel({ target }: Request<'cancel'>, proven: ContextSecret): XmlFragment {
    if (target.identifier !== proven.identifier)
      throw refused('The request cancels another context than the one it is under.');
    this.#contexts = cancel(this.#contexts, proven.identifier);
    publish(() => ({ event: 'context.cancelled', identifier: proven.identifier }));
    return writeCancelled(this.#settings.version);
  }

  /** A new key, half of it of this end, and the answer that tells the other half's owner. */
  #make(
    name: ContextName,
    theirs: Uint8Array,
    keySize: number,
    now: Instant,
  ): { readonly key: IssuedKey; readonly answer: XmlFragment } {
    const { version, random, contextLifetime, limits, keySize: own } = this.#settings;
    if (keySize !== own) {
      const text = `A context of ${keySize} bits was asked for; here it has ${own}.`;
      throw new ConversationError('CONVERSATION_KEY_SIZE', text);
    }
    const entropy = random.bytes(keySize / 8);
    const id = idOf(uuidUrn(random));
    const expires = later(now, contextLifetime);
    const issued = { ...name, id, entropy, keySize, created: now, expires };
    const answer = writeIssued(version, issued, idOf(uuidUrn(random)));
    const key = createSecretKey(computedKey(theirs, entropy, keySize));
    const secret: ContextSecret = { ...name, key, namespace: version.namespace, token: undefined };
    return { key: { secret, created: now, expires, until: later(expires, limits.rollover) }, answer };
  }

  get #now(): Instant {
    return this.#settings.clock.now();
  }
}

function sameName(one: ContextName, other: ContextName): boolean {
  return one.identifier === other.identifier && one.instance === other.instance;
}

function refused(text: string): ConversationError {
  return new ConversationError('CONVERSATION_REFUSED', text);
}
