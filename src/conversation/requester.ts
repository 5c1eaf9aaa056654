/**
 * The driver of one security context at the end that asked for it: asks, renews, amends and cancels as its reducer says, and keeps
 * the keys. It outlives the connections that it asks over.
 */
import { createSecretKey } from 'node:crypto';
import { type Instant, later } from '../base/clock.ts';
import { asError, isRefusal, SurewireError } from '../base/errors.ts';
import { uuidUrn } from '../base/random.ts';
import { abortable, deadline } from '../base/signals.ts';
import type { Template } from '../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { peer } from '../channel/transport.ts';
import { askedTwice } from '../security/doubt.ts';
import { SecurityError } from '../security/errors.ts';
import { type ContextSecret, type ContextSource, nothingShared } from '../security/exchange.ts';
import { Guard } from '../security/guard.ts';
import { amendmentUnder } from '../security/presets/context.ts';
import type { SecurityPolicy } from '../security/protection.ts';
import { type ContextName, idOf, sameName } from '../security/tokens/context.ts';
import { addressingOf, anonymousReference, referenceTo, withAddressing } from '../soap/addressing.ts';
import { deniesCredentials } from '../soap/denial.ts';
import { message, payload } from '../soap/envelope.ts';
import { FaultError, faultOf } from '../soap/fault.ts';
import { type ContextEffect, type ContextEvent, type ContextState, context, dueOf, noContext } from './context.ts';
import { ConversationError } from './errors.ts';
import { publish } from './events.ts';
import { conversationFaultOf } from './faults.ts';
import { Own } from './own.ts';
import { type ContextRequest, writeRequest } from './requests.ts';
import { readAmended, readCancelled, readIssued } from './responses.ts';
import { computedKey } from './secret.ts';
import type { Settings } from './settings.ts';

type Kind = ContextRequest['kind'];

/** So often, at the most, a renewal that failed is tried again in the time that one may take. */
export const attemptsInTime = 20;
/** Milliseconds between two offers of a password that was refused, at the least, while a key is good. */
const passwordPause = 600_000;

/** An event before its time is known. */
type Happening = ContextEvent extends infer Event ? (Event extends ContextEvent ? Omit<Event, 'now'> : never) : never;

export class Requester implements ContextSource {
  readonly namespace: string;
  /** What was said, over whichever connection. */
  readonly own: Own;
  readonly #settings: Settings;
  readonly #guards: Record<Kind, Guard>;
  readonly #end = new AbortController();
  #carry: Carry | undefined;
  #reached: () => string | undefined = () => undefined;
  #changed: () => void = () => undefined;
  #state: ContextState = noContext;
  /** The newest first; the one before it is good for what is under way. */
  #keys: readonly ContextSecret[] = [];
  /** The request under way, if there is one; rejects where what waits for it can do nothing without. */
  #underWay: Promise<void> = Promise.resolve();
  /** The last request to amend. */
  #amended: Promise<void> = Promise.resolve();
  #template: Template;

  constructor(settings: Settings) {
    this.namespace = settings.version.namespace;
    this.own = new Own(settings.clock, settings.session);
    this.#settings = settings;
    this.#template = { soap: settings.soap, wsa: settings.addressing, to: settings.to?.href };
    this.#guards = {
      issue: new Guard(settings.bootstrap, settings),
      renew: new Guard(settings.renewalPolicy, settings, this),
      cancel: new Guard(settings.cancellation, settings, this),
      amend: new Guard(settings.amending, settings, this),
    };
  }

  /**
   * From now on requests go this way: the connection before is gone.
   *
   * @param reached where answers are taken, when that is not the same exchange
   * @param changed hears that the context has changed, so that `due` may have
   */
  use(carry: Carry, reached: () => string | undefined = () => undefined, changed: () => void = () => undefined): void {
    this.#carry = carry;
    this.#reached = reached;
    this.#changed = changed;
  }

  /** The newest key, where there is one. */
  get newest(): ContextSecret | undefined {
    return this.#keys[0];
  }

  /** @throws ConversationError `CONVERSATION_ENDED` where nothing can be said under the context any more */
  requireLife(): void {
    if (this.#state.phase === 'ended') throw ended(this.#state.reason.text);
  }

  /** When the key should be renewed; `undefined` while there is none, or a request is under way. */
  get due(): Instant | undefined {
    const { renewal } = this.#settings;
    return this.#state.phase === 'open' ? dueOf(this.#state.current, this.#state.again, renewal) : undefined;
  }

  /** Renews the key where it is time, though nothing is to be said: the other end speaks under it too. */
  refresh(): void {
    if (this.#state.phase === 'open') this.#apply({ kind: 'send' });
  }

  /** @throws SecurityError `SECURITY_CONTEXT` */
  find({ identifier, instance }: ContextName): ContextSecret {
    const found = this.#keys.find((one) => one.identifier === identifier && one.instance === instance);
    if (found !== undefined) return found;
    throw new SecurityError('SECURITY_CONTEXT', 'The message is under a security context of somebody else.');
  }

  /**
   * The key to send under now: asks for a context where there is none, for a new key where it is time, and waits only where nothing
   * else can be done.
   *
   * @param like how the message that needs it is addressed
   * @throws ConversationError `CONVERSATION_REFUSED`, `CONVERSATION_TOO_BUSY`, `CONVERSATION_UNANSWERED` (transient),
   *   `CONVERSATION_ENDED`; and what the channel below or examination of the answer throws
   */
  async ready(like: Template, signal: AbortSignal): Promise<ContextSecret> {
    this.#template = like;
    for (;;) {
      const effects = this.#apply(this.#state.phase === 'none' ? { kind: 'open' } : { kind: 'send' });
      const told = effects.find(({ effect }) => effect !== 'request');
      if (told?.effect === 'ended') throw ended(told.reason.text);
      const [newest] = this.#keys;
      if (told?.effect === 'proceed' && newest !== undefined) return newest;
      await abortable(this.#underWay, signal);
    }
  }

  /**
   * Adds what the tokens of a policy say to the context, asked for where there is none. Settles when the issuer has said yes; one that it
   * refuses leaves the context as it was.
   *
   * @param to where the service is, where no message has said so
   * @throws SecurityError `SECURITY_POLICY` for a policy without a supporting token; and as `ready`
   */
  async amend(added: SecurityPolicy, to: URL | undefined, signal: AbortSignal): Promise<void> {
    const guard = new Guard(amendmentUnder(this.#settings.amending, added, 'outbound'), this.#settings, this);
    this.#template = { ...this.#template, to: this.#template.to ?? to?.href };
    for (let isAgain = false; ; ) {
      await abortable(
        this.#amended.catch(() => undefined),
        signal,
      );
      // Whatever is under way has its own already.
      this.#guards.amend = guard;
      const effects = this.#apply(this.#state.phase === 'none' ? { kind: 'open' } : { kind: 'amend' });
      const told = effects.find(({ effect }) => effect !== 'request');
      if (told?.effect === 'ended') throw ended(told.reason.text);
      const isOwn = effects.some((one) => one.effect === 'request' && one.request === 'amend');
      try {
        await abortable(isOwn ? this.#amended : this.#underWay, signal);
        if (isOwn) return;
      } catch (thrown) {
        if (!isOwn || isAgain || !this.#isKeyOver(asError(thrown))) throw thrown;
        isAgain = true;
      }
    }
  }

  /** The peer says that the key is over: it is renewed before anything else goes out under it. */
  renewNeeded(under: ContextSecret): void {
    if (under === this.#keys[0]) this.#apply({ kind: 'renew-needed' });
  }

  /**
   * An answer to what was said under a context was refused for `thrown`. Where it says that the context is not known any more, the next
   * message asks for another; over TLS it is the issuer who says so, in the clear anybody can. What was long under way, under a key that was
   * renewed meanwhile, says nothing of the newest.
   */
  refused(under: ContextSecret, answer: Delivery, thrown: unknown): void {
    const fault =
      thrown instanceof SecurityError && thrown.cause instanceof FaultError ? thrown.cause.fault : undefined;
    const isUnknown = conversationFaultOf(this.#settings.version, fault) === 'BadContextToken';
    if (!isUnknown || answer.get(peer)?.secure !== true || under !== this.#keys[0]) return;
    publish(() => ({ event: 'context.lost', identifier: under.identifier }));
    this.#apply({ kind: 'lost' });
  }

  /** The context is over, and nothing can be said about it any more. */
  abort(text: string): void {
    this.#apply({ kind: 'abort', text });
    this.#end.abort(ended(text));
  }

  /** Cancels the context. Rejects never: what the issuer is not told, it forgets by itself. */
  async close(signal?: AbortSignal): Promise<void> {
    await this.#underWay.catch(() => undefined);
    if (this.#settings.keepsContext) {
      this.abort('The channel was closed.');
      return;
    }
    this.#apply({ kind: 'close' });
    const cancelled = this.#underWay.catch(() => undefined);
    await (signal === undefined ? cancelled : abortable(cancelled, signal).catch(() => undefined));
    this.#end.abort(ended('The context was cancelled.'));
  }

  #apply(happening: Happening): readonly ContextEffect[] {
    const now = this.#settings.clock.now();
    const [state, effects] = context(this.#state, { ...happening, now }, this.#settings.renewal);
    this.#state = state;
    if (state.phase === 'ended' || state.phase === 'none') this.#keys = [];
    for (const effect of effects) {
      if (effect.effect !== 'request') continue;
      const asked = this.#request(effect.request);
      const settled = asked.catch(() => undefined);
      const isAmendment = effect.request === 'amend';
      if (isAmendment) this.#amended = asked;
      this.#underWay = isAmendment ? settled : asked;
    }
    this.#changed();
    return effects;
  }

  async #request(kind: Kind): Promise<void> {
    const { phase } = this.#state;
    // What was cancelled is not known any more: to say so again brings nothing.
    const isWanted = () => kind !== 'cancel' && this.#state.phase === phase;
    try {
      await askedTwice(() => this.#perform(kind), isWanted);
    } catch (thrown) {
      const error = asError(thrown);
      publish(() => ({ event: 'request.failed', kind, code: codeOf(error), reason: error.message }));
      const isRefusal = error instanceof ConversationError && error.refusal;
      if (kind === 'cancel') this.#apply({ kind: 'abort', text: 'The context was not cancelled in good order.' });
      else if (kind === 'amend') {
        if (this.#isKeyOver(error)) this.#apply({ kind: 'renew-needed' });
        this.#apply({ kind: 'amend-settled' });
      } else {
        const pause = this.#pauseAfter(error);
        const { message: text } = error;
        this.#apply(isRefusal && kind === 'renew' ? { kind: 'refused', text, pause } : { kind: 'unanswered', pause });
      }
      throw error;
    }
  }

  /** How long a renewal is not tried again after this, at the least: at once what got lost, later what was refused. */
  #pauseAfter(error: Error): number {
    if (deniesCredentials(error)) return passwordPause;
    const isRefused = !(error instanceof SurewireError) || isRefusal(error);
    return isRefused ? this.#settings.requestTimeout / attemptsInTime : 0;
  }

  #isKeyOver(error: Error): boolean {
    const { version } = this.#settings;
    return error instanceof ConversationError && conversationFaultOf(version, error.fault) === 'RenewNeeded';
  }

  async #perform(kind: Kind): Promise<void> {
    const { clock, random, keySize, version, keepsContext } = this.#settings;
    const asked = clock.now();
    const [current] = this.#keys;
    const isAnother = kind === 'renew' && keepsContext;
    if (kind === 'issue' || isAnother) {
      const entropy = random.bytes(keySize / 8);
      const answer = await this.#ask({ kind: 'issue', entropy, keySize }, undefined);
      return this.#take(answer, { entropy, asked, isAnother });
    }
    if (current === undefined) throw ended('There is no context to renew, amend or cancel.');
    if (kind === 'amend') return this.#amend(await this.#ask({ kind }, current), current);
    const target = { identifier: current.identifier, instance: current.instance };
    if (kind === 'renew') {
      const entropy = random.bytes(keySize / 8);
      const answer = await this.#ask({ kind, entropy, keySize, target }, current);
      return this.#take(answer, { entropy, asked, isAnother });
    }
    const answer = await this.#ask({ kind, target }, current);
    readCancelled(version, answered(answer));
    publish(() => ({ event: 'context.cancelled', identifier: current.identifier }));
    this.#apply({ kind: 'cancelled' });
  }

  /** The key and its name stay what they were: what changed is what the issuer knows of the context. */
  #amend(answer: Delivery, { identifier, instance }: ContextSecret): void {
    const named = readAmended(this.#settings.version, answered(answer));
    if (!sameName(named, { identifier, instance })) {
      throw new ConversationError(
        'CONVERSATION_REFUSED',
        'The issuer answered with another context than the one to amend.',
      );
    }
    publish(() => ({ event: 'context.amended', identifier }));
    this.#apply({ kind: 'amend-settled' });
  }

  /** Takes the key that an answer gives. */
  #take(
    answer: Delivery,
    {
      entropy,
      asked,
      isAnother,
    }: { readonly entropy: Uint8Array; readonly asked: Instant; readonly isAnother: boolean },
  ): void {
    const { version, keySize, contextLifetime } = this.#settings;
    const issued = readIssued(version, answered(answer));
    if (issued.keySize !== undefined && issued.keySize !== keySize) {
      throw new ConversationError(
        'CONVERSATION_KEY_SIZE',
        `The issuer made a key of ${issued.keySize} bits; ${keySize} were asked for.`,
      );
    }
    const key = createSecretKey(computedKey(entropy, issued.entropy, keySize));
    const { identifier, instance } = issued;
    // Counted from when it was asked for, so that clocks that differ do no harm.
    const { created, expires } = issued.lifetime ?? { created: asked, expires: later(asked, contextLifetime) };
    const keyed = { identifier, instance, created: asked, expires: later(asked, expires - created) };
    const token = issued.id === '' ? undefined : { fragment: issued.token, id: issued.id };
    const before = this.#state;
    const secret: ContextSecret = { key, namespace: version.namespace, identifier, instance, token };
    this.#apply({ kind: 'issued', context: keyed, isAnother });
    // The reducer has refused it, and said why.
    if (this.#state.phase !== 'open' || this.#state.current !== keyed) {
      const text = 'The answer brought a context that cannot be used.';
      throw new ConversationError('CONVERSATION_REFUSED', text, { transient: true });
    }
    this.#keys = [secret, ...this.#keys].slice(0, 2);
    const event = before.phase === 'renewing' && !isAnother ? 'context.renewed' : 'context.opened';
    publish(() => ({ event, identifier, instance, expires: keyed.expires }));
  }

  /** One exchange with the issuer; the value is an answer that was examined and is no fault. */
  async #ask(request: ContextRequest, current: ContextSecret | undefined): Promise<Delivery> {
    const { version, clock, random, requestTimeout } = this.#settings;
    const { soap, wsa, to } = this.#template;
    const { kind } = request;
    const carry = this.#carry;
    if (carry === undefined) throw ended('The channel was not opened.');
    const messageId = uuidUrn(random);
    const bare = message({ version: soap, body: writeRequest(version, request, idOf(uuidUrn(random))) });
    const reached = this.#reached();
    const replyTo = reached === undefined ? anonymousReference(wsa) : referenceTo(reached);
    const addressed = withAddressing(bare, { version: wsa, action: version.actions[kind], to, messageId, replyTo });
    const guard = this.#guards[kind];
    const context = current === undefined ? {} : { context: current };
    const secured = await guard.secureRequest(addressed, { ...nothingShared, ...context });
    this.own.remember(secured.exchange);
    publish(() => ({ event: 'request.sent', kind, identifier: current?.identifier ?? null }));
    const limit = deadline(clock, requestTimeout, this.#end.signal, () => unanswered(kind));
    let answer: Delivery | undefined;
    try {
      answer = await abortable(carry(delivery(secured.message, limit.signal)), limit.signal);
    } finally {
      limit.clear();
    }
    if (answer === undefined) throw unanswered(kind);
    const { delivery: received } = await guard
      .examineReply(answer, { ...secured.exchange, ...context })
      .catch((thrown: unknown) => {
        if (current !== undefined) this.refused(current, answer, thrown);
        throw thrown;
      });
    const fault = faultOf(received.message);
    if (addressingOf(received.message)?.relatesTo !== messageId) throw unanswered(kind);
    if (fault !== undefined) {
      const isBusy = conversationFaultOf(version, fault) === 'ServerTooBusy';
      const code = isBusy ? 'CONVERSATION_TOO_BUSY' : 'CONVERSATION_REFUSED';
      const text = `The issuer refused to ${kind} a security context: ${fault.reason}`;
      throw new ConversationError(code, text, {
        fault,
        refusal: true,
        transient: isBusy,
        cause: new FaultError(fault),
      });
    }
    return received;
  }
}

function answered({ message: answer }: Delivery) {
  const content = payload(answer);
  if (content !== undefined) return content;
  throw new ConversationError('CONVERSATION_MALFORMED', 'The answer of the issuer has an empty Body.');
}

function unanswered(kind: Kind): ConversationError {
  const text = `The issuer did not answer the request to ${kind} a security context.`;
  return new ConversationError('CONVERSATION_UNANSWERED', text, { transient: true });
}

function ended(text: string): ConversationError {
  return new ConversationError('CONVERSATION_ENDED', `${text} Connect again to open another.`);
}

function codeOf(error: Error): string | undefined {
  return error instanceof SurewireError ? error.code : undefined;
}
