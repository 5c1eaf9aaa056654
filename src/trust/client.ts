/**
 * A client of any security token service: asks for tokens, renews, validates and cancels them, over whatever binding the service wants
 * (WS-Trust 2005/02, 1.3 and 1.4). What comes back goes into a policy as it is.
 */
import { type Clock, type Instant, instant, later, systemClock } from '../base/clock.ts';
import { type Random, systemRandom, uuidUrn } from '../base/random.ts';
import { abortable, deadline } from '../base/signals.ts';
import type { Channel } from '../channel/channel.ts';
import { type Delivery, delivery } from '../channel/delivery.ts';
import { peer } from '../channel/transport.ts';
import { askedTwice } from '../security/doubt.ts';
import { evidence } from '../security/evidence.ts';
import type { SigningKey } from '../security/keys.ts';
import type { IssuedAssertion, IssuedToken, TokenSource } from '../security/protection.ts';
import { isJwtToken, readJwtToken } from '../security/tokens/jwt.ts';
import { message, payload } from '../soap/envelope.ts';
import { FaultError, faultOf } from '../soap/fault.ts';
import { type SoapVersion, soap12 } from '../soap/version.ts';
import type { XmlElement } from '../xml/document.ts';
import { simpleText } from '../xml/find.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { TrustError } from './errors.ts';
import { type TokenKind, tokenTypeOf } from './names.ts';
import { type ClaimWish, type TokenWishes, writeTokenRequest } from './requests.ts';
import { type Asked, type ReceivedToken, readCancelledToken, readIssuedToken, readStatus } from './responses.ts';
import { requireKeySize } from './secrets.ts';
import { trust200512 } from './versions/v200512.ts';
import type { KeyKind, TrustOperation, TrustVersion } from './versions/version.ts';

export interface TokenClientOptions {
  /** The way to the token service, such as `connect(binding, url)`: its policy says who asks. It is opened when it is needed. */
  readonly channel: Channel;
  /** Default WS-Trust 1.3 and 1.4. */
  readonly version?: TrustVersion;
  /** Default that of the channel, else SOAP 1.2. */
  readonly soap?: SoapVersion;
  /** For one request, in milliseconds. Default one minute. */
  readonly timeout?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface IssueOptions {
  /** The address of the service that the token is for. */
  readonly appliesTo: string;
  /** Default `saml20`; or a TokenType that this library does not know, as its URI. */
  readonly tokenType?: TokenKind | `${string}:${string}`;
  /**
   * `symmetric` (default for assertions): a key that both ends make. `public`: `key`. `bearer` (default for JSON Web Tokens): whoever
   * has the token may use it.
   */
  readonly keyKind?: KeyKind;
  /** Of a symmetric key, in bits. Default 256. */
  readonly keySize?: number;
  /** For `public`: the key that the token is to carry. */
  readonly key?: SigningKey;
  /** Claims that the token is to have, by their URIs; optional ones say so. */
  readonly claims?: readonly (string | ClaimWish)[];
  /** How long the token is to be good for, in milliseconds. Default: as the token service likes. */
  readonly lifetime?: number;
  /** Somebody's token: the new one is about its subject. */
  readonly onBehalfOf?: XmlFragment;
  /** Somebody's token: the new one is about both (WS-Trust 1.4). */
  readonly actAs?: XmlFragment;
}

/** A token as it was issued, ready for a policy. */
export interface SecurityToken {
  /** For `token` of a policy. */
  readonly issued: IssuedToken;
  /** The token as its issuer wrote it. */
  readonly element: XmlFragment;
  readonly tokenType: string | undefined;
  /** Absent where the token service does not say. */
  readonly expires: Instant | undefined;
}

/**
 * Errors of every call: TrustError `TRUST_REFUSED`, `TRUST_UNANSWERED` (both with the fault, where there is one), `TRUST_MALFORMED`,
 * `TRUST_UNSUPPORTED`, `TRUST_KEY`; and what the channel throws.
 */
export interface TokenClient {
  issue(options: IssueOptions, signal?: AbortSignal): Promise<SecurityToken>;
  /** The same token for longer; its key stays. */
  renew(token: SecurityToken, signal?: AbortSignal): Promise<SecurityToken>;
  /** Whether the token service says that a token is good. */
  validate(token: SecurityToken | XmlFragment, signal?: AbortSignal): Promise<boolean>;
  cancel(token: SecurityToken, signal?: AbortSignal): Promise<void>;
  close(signal?: AbortSignal): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * @example
 * const sts = tokenClient({ channel: connect(overHttps, new URL('https://sts.example/soap')) });
 * const { issued } = await sts.issue({ appliesTo: 'https://service.example/soap' });
 */
export function tokenClient(options: TokenClientOptions): TokenClient {
  const { channel, version = trust200512, timeout = 60_000, clock = systemClock, random = systemRandom } = options;
  const soap = options.soap ?? channel.soap ?? soap12;

  const ask = async (operation: TrustOperation, wishes: TokenWishes, signal?: AbortSignal): Promise<Answer> => {
    await channel.open(signal);
    return askedTwice(() => askOnce(operation, wishes, signal));
  };

  const askOnce = async (operation: TrustOperation, wishes: TokenWishes, signal?: AbortSignal): Promise<Answer> => {
    const body = [writeTokenRequest(version, operation, wishes)];
    const asked = message({ version: soap, action: version.actions[operation].request, body });
    const limit = deadline(clock, timeout, signal, () => unanswered(`It took longer than ${timeout} ms`));
    try {
      const answer = await abortable(channel.send(delivery(asked, limit.signal)), limit.signal);
      if (answer === undefined) throw unanswered('It said nothing');
      const fault = faultOf(answer.message);
      if (fault !== undefined) {
        const transient = fault.code === 'receiver';
        const text = `The token service refuses: ${fault.reason}`;
        throw new TrustError('TRUST_REFUSED', text, { fault, transient, cause: new FaultError(fault) });
      }
      return { element: payload(answer.message), isConfidential: isConfidential(answer) };
    } finally {
      limit.clear();
    }
  };

  const issue = async (wanted: IssueOptions, signal?: AbortSignal): Promise<SecurityToken> => {
    const wishes = wishesOf(wanted, clock.now(), random);
    const { element, isConfidential: hidden } = await ask('issue', wishes, signal);
    return received(readIssuedToken(version, element, askedOf(wishes)), hidden, wanted.key);
  };

  const renew = async (token: SecurityToken, signal?: AbortSignal): Promise<SecurityToken> => {
    const wishes = { tokenType: token.tokenType, target: token.element, context: uuidUrn(random) };
    const { element } = await ask('renew', wishes, signal);
    const answer = readIssuedToken(version, element, askedOf(wishes));
    const proof = 'jwt' in token.issued ? undefined : token.issued.proof;
    return { ...received(answer, true, undefined), issued: issuedOf(answer, proof) };
  };

  return Object.freeze({
    issue,
    renew,
    async validate(token: SecurityToken | XmlFragment, signal?: AbortSignal) {
      const target = 'issued' in token ? token.element : token;
      const wishes = { tokenType: version.statusType, target, context: uuidUrn(random) };
      const { element } = await ask('validate', wishes, signal);
      return readStatus(version, element, wishes.context);
    },
    async cancel({ element: target }: SecurityToken, signal?: AbortSignal) {
      const wishes = { target, context: uuidUrn(random) };
      readCancelledToken(version, (await ask('cancel', wishes, signal)).element, wishes.context);
    },
    close: (signal?: AbortSignal) => channel.close(signal),
    [Symbol.asyncDispose]: () => channel.close(),
  });
}

/**
 * Asks for a token when the first message needs one, and for another before it ends: for `token` of a policy.
 *
 * @param early how long before its end a token is not used any more, in milliseconds; default one minute
 */
export function issuedTokens(
  client: Pick<TokenClient, 'issue'>,
  wanted: IssueOptions,
  { early = 60_000, clock = systemClock }: { readonly early?: number; readonly clock?: Clock } = {},
): TokenSource {
  let held: SecurityToken | undefined;
  let underWay: Promise<SecurityToken> | undefined;
  const fresh = ({ expires }: SecurityToken) => expires === undefined || later(clock.now(), early) < expires;
  return async () => {
    if (held !== undefined && fresh(held)) return held.issued;
    // One request for all messages that wait for it.
    underWay ??= client.issue(wanted).finally(() => {
      underWay = undefined;
    });
    held = await underWay;
    return held.issued;
  };
}

interface Answer {
  readonly element: XmlElement | undefined;
  readonly isConfidential: boolean;
}

/** @throws TrustError `TRUST_SETTING`, `TRUST_KEY` */
function wishesOf(wanted: IssueOptions, now: Instant, random: Random): TokenWishes {
  const { tokenType = 'saml20', key, claims = [], lifetime, appliesTo, onBehalfOf, actAs } = wanted;
  const { keyKind = tokenType === 'jwt' ? 'bearer' : 'symmetric', keySize = 256 } = wanted;
  if ((keyKind === 'public') !== (key !== undefined)) {
    throw new TrustError('TRUST_SETTING', 'A token with a key of one’s own needs `key`, and no other has one.');
  }
  requireKeySize(keySize);
  return {
    tokenType: tokenType.includes(':') ? tokenType : tokenTypeOf(tokenType as TokenKind),
    appliesTo,
    keyKind,
    ...(keyKind === 'symmetric' && { keySize, entropy: random.bytes(keySize / 8) }),
    useKey: key?.certificate,
    claims: claims.map((one) => (typeof one === 'string' ? { uri: one, optional: false } : one)),
    lifetime: lifetime === undefined ? undefined : { created: now, expires: instant(now + lifetime) },
    onBehalfOf,
    actAs,
    context: uuidUrn(random),
  };
}

function askedOf({ entropy, keySize, context }: TokenWishes): Asked {
  return { entropy, keySize, context };
}

/** @throws TrustError `TRUST_KEY` when anybody on the way has read the key */
function received(answer: ReceivedToken, isHidden: boolean, own: SigningKey | undefined): SecurityToken {
  if (answer.proof !== undefined && !isHidden) {
    throw new TrustError('TRUST_KEY', 'The key of the token came neither encrypted nor through TLS.');
  }
  const { token: element, tokenType, expires } = answer;
  return { issued: issuedOf(answer, own ?? answer.proof), element, tokenType, expires };
}

function issuedOf({ token, attached }: ReceivedToken, proof: IssuedAssertion['proof']): IssuedToken {
  if (isJwtToken(token.element)) return { jwt: readJwtToken(token.element) };
  // As CXF hands it out.
  if (token.namespace === '' && token.local === 'TokenWrapper') return { jwt: simpleText(token.element) };
  return {
    assertion: token,
    bearer: proof === undefined,
    ...(proof !== undefined && { proof }),
    ...(attached !== undefined && { reference: attached }),
  };
}

/** Whether nobody on the way could read an answer. */
function isConfidential(answer: Delivery): boolean {
  const encrypted = answer.get(evidence)?.encrypted ?? new Set<string>();
  return answer.get(peer)?.secure === true || [...encrypted].some((part) => part.endsWith('}Body'));
}

function unanswered(what: string): TrustError {
  return new TrustError('TRUST_UNANSWERED', `No usable answer of the token service. ${what}.`, { transient: true });
}
