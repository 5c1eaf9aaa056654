/**
 * A small token service to host: issues SAML assertions and JSON Web Tokens to whoever the binding's policy has proven, for services
 * that it knows, and renews, validates and cancels what it has issued (WS-Trust 1.3 sections 4 to 7). A token says what the application
 * wants it to say, is good for one service, and lives as long as this service says at most (attacks P6 to P9).
 */
import { createSecretKey } from 'node:crypto';
import { type Instant, instant } from '../base/clock.ts';
import { diagnostics } from '../base/diagnostics.ts';
import { asError, SurewireError } from '../base/errors.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { peer } from '../channel/transport.ts';
import { spkiFingerprint } from '../security/crypto.ts';
import { anonymous, evidence, identityOf } from '../security/evidence.ts';
import { message, payload } from '../soap/envelope.ts';
import { faultReply } from '../soap/fault.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { claimsOf, ownTokenId } from './brought.ts';
import { Refusal, trustFault } from './faults.ts';
import { type IssuedRecord, IssuedTokens } from './issued.ts';
import { tokenKindOf } from './names.ts';
import { readTokenRequest, type TokenRequest } from './requests.ts';
import { type ProofAnswer, writeCancelledToken, writeIssuedToken, writeStatus } from './responses.ts';
import { computedProofKey, requireEntropy, requireKeySize } from './secrets.ts';
import { type RelyingParty, type Requester, type Settings, settingsOf, type TokenServiceOptions } from './settings.ts';
import { type TokenKey, writeToken } from './tokens.ts';
import { askedBy } from './versions/table.ts';
import type { TrustOperation, TrustVersion } from './versions/version.ts';

const publish = diagnostics('trust');

/**
 * The receiver of a host: `host([{ binding, url, receive: tokenService({ … }) }])`. The security policy of the binding says who may ask;
 * where it proves nobody, every request is refused. Over TLS or encrypted only, where a key is made.
 *
 * @throws TrustError `TRUST_SETTING`
 * @example
 * tokenService({ issuer: 'https://sts.example/', key, relyingParties: [{ address: 'https://service.example/soap', certificate }],
 *   subject: ({ evidence }) => evidence?.user && { name: evidence.user.name } })
 */
export function tokenService(options: TokenServiceOptions): Carry {
  const settings = settingsOf(options);
  const issued = new IssuedTokens(settings.mostTokens);
  return async (incoming) => {
    const asked = askedBy(incoming.message.action);
    if (asked === undefined) {
      const reason = 'The action is none of a security token service.';
      return incoming.carrying(faultReply(incoming.message, { code: 'sender', reason }));
    }
    const { version, operation } = asked;
    const identity = identityOf(incoming);
    try {
      const body = await new Desk(settings, issued, version, incoming).answer(operation);
      publish(() => ({ event: `token.${operation}`, identity }));
      const { version: soap } = incoming.message;
      return incoming.carrying(message({ version: soap, action: version.actions[operation].response, body: [body] }));
    } catch (thrown) {
      const { fault } = thrown instanceof Refusal ? thrown : refusalOf(thrown);
      publish(() => ({ event: 'token.refused', identity, fault, message: asError(thrown).message, cause: thrown }));
      return incoming.carrying(faultReply(incoming.message, trustFault(version, fault)));
    }
  };
}

/** What was wrong with a request is told at home; whatever else went wrong is no fault of the requester's. */
function refusalOf(thrown: unknown): Refusal {
  if (!(thrown instanceof SurewireError)) throw thrown;
  return new Refusal('InvalidRequest', thrown.message, thrown);
}

/** One request. */
class Desk {
  readonly #settings: Settings;
  readonly #issued: IssuedTokens;
  readonly #version: TrustVersion;
  readonly #incoming: Delivery;
  readonly #now: Instant;

  constructor(settings: Settings, issued: IssuedTokens, version: TrustVersion, incoming: Delivery) {
    this.#settings = settings;
    this.#issued = issued;
    this.#version = version;
    this.#incoming = incoming;
    this.#now = settings.now();
  }

  async answer(operation: TrustOperation): Promise<XmlFragment> {
    if (identityOf(this.#incoming) === anonymous) throw new Refusal('FailedAuthentication', 'Nobody is proven.');
    const request = readTokenRequest(this.#version, operation, payload(this.#incoming.message));
    switch (operation) {
      case 'issue':
        return this.#issue(request);
      case 'renew':
        return this.#renew(request);
      case 'validate':
        return writeStatus(this.#version, await this.#isGood(request), request.context);
      case 'cancel':
        return this.#cancel(request);
      default:
        return operation satisfies never;
    }
  }

  async #issue(request: TokenRequest): Promise<XmlFragment> {
    const party = this.#party(request.appliesTo);
    const kind = kindOf(request, party);
    const { key, proof } = this.#keyFor(request, kind === 'jwt');
    const subject = await this.#subject(request, party);
    return this.#made(request, { kind, subject, party, key }, proof);
  }

  async #made(request: TokenRequest, content: IssuedRecord['content'], proof: ProofAnswer): Promise<XmlFragment> {
    const { context, operation } = request;
    const times = { created: this.#now, expires: this.#end(request) };
    const made = await writeToken(this.#settings, { ...content, ...times });
    const record = { id: made.id, identity: identityOf(this.#incoming), cancelled: false, content };
    if (!this.#issued.add({ ...record, expires: times.expires }, this.#now)) {
      throw new Refusal('RequestFailed', 'There is no room for another token.');
    }
    const appliesTo = content.party.address;
    const answer = { ...made, ...times, unattached: made.attached, proof, appliesTo, context };
    return writeIssuedToken(this.#version, answer, operation === 'renew');
  }

  /** The same subject, service and key, under a new name and for longer; the old one goes on until its end. */
  async #renew(request: TokenRequest): Promise<XmlFragment> {
    const { content } = await this.#own(request, 'UnableToRenew');
    return this.#made(request, content, { kind: 'none' });
  }

  async #isGood(request: TokenRequest): Promise<boolean> {
    const id = await ownTokenId(this.#settings, request.target?.element, this.#now).catch((thrown: unknown) => {
      if (thrown instanceof SurewireError) return undefined;
      throw thrown;
    });
    const record = id === undefined ? undefined : this.#issued.find(id);
    return record !== undefined && !record.cancelled && record.expires > this.#now;
  }

  async #cancel(request: TokenRequest): Promise<XmlFragment> {
    // Said twice it is as good: whoever cancelled it may not have heard of it.
    this.#issued.cancel(await this.#own(request, 'InvalidSecurityToken', 'cancelled too'));
    return writeCancelledToken(this.#version, request.context);
  }

  /** A token of this service that the requester asked for, and that is still good, or was cancelled before its end. */
  async #own(
    request: TokenRequest,
    fault: 'UnableToRenew' | 'InvalidSecurityToken',
    which: 'good' | 'cancelled too' = 'good',
  ): Promise<IssuedRecord> {
    const id = await ownTokenId(this.#settings, request.target?.element, this.#now).catch((thrown: unknown) => {
      if (thrown instanceof SurewireError) throw new Refusal(fault, thrown.message, thrown);
      throw thrown;
    });
    const record = this.#issued.find(id);
    const isOver = which === 'good' && record?.cancelled === true;
    if (record === undefined || isOver || record.expires <= this.#now) {
      throw new Refusal(fault, 'The token is unknown, cancelled, or at its end.');
    }
    if (record.identity !== identityOf(this.#incoming)) {
      throw new Refusal(fault, 'The token was issued to somebody else.');
    }
    return record;
  }

  #party(address: string | undefined): RelyingParty {
    const party = this.#settings.relyingParties.find((one) => one.address === address);
    if (party === undefined) throw new Refusal('InvalidScope', 'The token is asked for a service that is not known.');
    return party;
  }

  /** The key that the token carries, and how the requester learns it. */
  #keyFor(request: TokenRequest, isJwt: boolean): { readonly key: TokenKey; readonly proof: ProofAnswer } {
    const none = { kind: 'none' } as const;
    const kind = request.keyKind ?? (isJwt ? 'bearer' : 'symmetric');
    if (kind === 'bearer') return { key: { kind }, proof: none };
    if (kind === 'public') return { key: { kind, key: this.#useKey(request) }, proof: none };
    if (!this.#isConfidential()) throw new Refusal('RequestFailed', 'A key is made over TLS or encrypted only.');
    const bits = request.keySize ?? 256;
    requireKeySize(bits);
    const { random } = this.#settings;
    const entropy = random.bytes(bits / 8);
    if (request.entropy === undefined) {
      return { key: { kind, secret: createSecretKey(entropy) }, proof: { kind: 'key', key: entropy } };
    }
    requireEntropy(request.entropy, bits);
    const secret = computedProofKey(request.entropy, entropy, bits);
    return { key: { kind, secret }, proof: { kind: 'computed', entropy, bits } };
  }

  /** The requester's own key: it has to have signed the request, so that nobody asks for a token with the key of somebody else. */
  #useKey({ useKey }: TokenRequest) {
    if (useKey === undefined) throw new Refusal('InvalidRequest', 'A token with a public key needs UseKey.');
    const proven = this.#incoming.get(evidence)?.signers ?? [];
    const wanted = `x509:${'keyFingerprint' in useKey ? useKey.keyFingerprint : spkiFingerprint(useKey)}`;
    if (!proven.some(({ identity }) => identity === wanted)) {
      throw new Refusal('FailedAuthentication', 'The key of UseKey has not signed the request.');
    }
    return useKey;
  }

  #isConfidential(): boolean {
    const encrypted = this.#incoming.get(evidence)?.encrypted ?? new Set<string>();
    return this.#incoming.get(peer)?.secure === true || [...encrypted].some((part) => part.endsWith('}Body'));
  }

  #end({ lifetime }: TokenRequest): Instant {
    const latest = instant(this.#now + this.#settings.lifetime);
    const wished = lifetime?.expires ?? latest;
    if (wished <= this.#now) throw new Refusal('InvalidRequest', 'The token is asked for a time that is over.');
    return instant(Math.min(wished, latest));
  }

  async #subject(request: TokenRequest, party: RelyingParty) {
    const proven = this.#incoming.get(evidence);
    const asking = { identity: identityOf(this.#incoming), evidence: proven, onBehalfOf: undefined, actAs: undefined };
    const onBehalfOf = await this.#delegated(asking, 'on-behalf-of', request.onBehalfOf, party);
    const actAs = await this.#delegated(asking, 'act-as', request.actAs, party);
    const subject = await this.#settings.subject({ ...asking, onBehalfOf, actAs }, request, party);
    if (subject === undefined) throw new Refusal('RequestFailed', 'The application refuses the requester a token.');
    return subject;
  }

  async #delegated(
    requester: Requester,
    way: 'on-behalf-of' | 'act-as',
    token: XmlFragment | undefined,
    party: RelyingParty,
  ) {
    if (token === undefined) return undefined;
    const { delegation } = this.#settings;
    if (delegation === undefined) throw new Refusal('RequestFailed', 'Nobody may ask for somebody else here.');
    const claims = await claimsOf(delegation, token.element, this.#settings, this.#now).catch((thrown: unknown) => {
      if (thrown instanceof SurewireError) throw new Refusal('InvalidSecurityToken', thrown.message, thrown);
      throw thrown;
    });
    if (!(await delegation.allows(requester, way, claims, party))) {
      throw new Refusal('RequestFailed', `The requester may not ask for ${claims.subject ?? 'nobody'}.`);
    }
    return claims;
  }
}

/** @throws Refusal */
function kindOf({ tokenType }: TokenRequest, { tokens = ['saml20', 'saml11', 'jwt'] }: RelyingParty) {
  const kind = tokenType === undefined ? tokens[0] : tokenKindOf(tokenType);
  if (kind === undefined || !tokens.includes(kind)) {
    throw new Refusal('RequestFailed', 'Tokens of this type are not issued for the service.');
  }
  return kind;
}
