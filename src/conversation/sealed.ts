/**
 * Contexts that their issuer need not remember: what it would is sealed into the token itself (dnse:Cookie, as WCF's stateless tokens
 * have it), under keys that only the issuer and its other nodes have. What comes back is believed because nobody else could have
 * made it (attack P11).
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { base64, fromBase64, fromUtf8, utf8 } from '../base/bytes.ts';
import { instant } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { aes256Gcm } from '../security/encryption/algorithms.ts';
import { decipher, encipher } from '../security/encryption/ciphers.ts';
import type { Evidence, Signer } from '../security/evidence.ts';
import type { ContextSecret } from '../security/exchange.ts';
import type { XmlElement } from '../xml/document.ts';
import { child } from '../xml/find.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import type { IssuedKey } from './contexts.ts';
import { sessions } from './faults.ts';
import type { Party } from './party.ts';

/** A key and whom it was issued to. */
export interface SealedContext {
  readonly key: IssuedKey;
  readonly party: Party;
}

/** Characters of a cookie that is looked into. */
const longestCookie = 16_384;

/** @param key of 32 octets */
export function writeCookie(key: KeyObject, { key: issued, party }: SealedContext, random: Random): XmlFragment {
  const { secret, created, expires, until } = issued;
  const { signer, signers, user, claims, until: good } = party.evidence ?? {};
  const state = {
    namespace: secret.namespace,
    identifier: secret.identifier,
    instance: secret.instance,
    secret: base64(secret.key.export()),
    ...{ created, expires, until },
    identity: party.identity,
    evidence: {
      signer: named(signer),
      signers: signers?.map(named),
      user: named(user),
      claims: claims && { ...claims, attributes: [...claims.attributes] },
      until: good,
    },
  };
  const octets = encipher(aes256Gcm, key, utf8(JSON.stringify(state)), random);
  return new XmlWriter().element(sessions, 'Cookie', base64(octets), 'dnse').finish();
}

/**
 * What a token holds, where one of the keys opens it and it is about the context that the token names.
 *
 * @param keys the newest first: what an older one has sealed is good until it expires
 */
export function readCookie(
  keys: readonly KeyObject[],
  token: XmlElement,
  name: Pick<ContextSecret, 'namespace' | 'identifier' | 'instance'>,
): SealedContext | undefined {
  const text = child(token, sessions, 'Cookie')?.text ?? '';
  const octets = text.length > longestCookie ? undefined : fromBase64(text);
  if (octets === undefined || octets.length === 0) return undefined;
  for (const key of keys) {
    const { octets: plain, sound } = decipher(aes256Gcm, key, octets);
    if (sound) return stateOf(fromUtf8(plain), name);
  }
  return undefined;
}

/** Only what was sealed here gets this far. */
interface State {
  readonly namespace: string;
  readonly identifier: string;
  readonly instance?: string;
  readonly secret: string;
  readonly created: number;
  readonly expires: number;
  readonly until: number;
  readonly identity: string;
  readonly evidence: Partial<Pick<Evidence, 'signer' | 'signers' | 'user'>> & {
    readonly claims?: {
      readonly issuer: string;
      readonly subject?: string;
      readonly attributes: readonly (readonly [string, readonly string[]])[];
    };
    readonly until?: number;
  };
}

function stateOf(
  text: string,
  { namespace, identifier, instance }: Pick<ContextSecret, 'namespace' | 'identifier' | 'instance'>,
): SealedContext | undefined {
  const state = JSON.parse(text) as State;
  const octets = fromBase64(state.secret);
  const isIt = state.namespace === namespace && state.identifier === identifier && state.instance === instance;
  if (!isIt || octets === undefined) return undefined;
  const secret: ContextSecret = { key: createSecretKey(octets), namespace, identifier, instance, token: undefined };
  const [created, expires, until] = [state.created, state.expires, state.until].map(instant);
  if (created === undefined || expires === undefined || until === undefined) return undefined;
  const { signer, signers = [], user, claims, until: end } = state.evidence;
  const said = claims && { issuer: claims.issuer, subject: claims.subject, attributes: new Map(claims.attributes) };
  const good = end === undefined ? undefined : instant(end);
  const evidence: Evidence = { ...nothingSigned, signer, signers, user, claims: said, until: good };
  return { key: { secret, created, expires, until }, party: { evidence, identity: state.identity, added: [] } };
}

/** Of a request that another process has seen. */
const nothingSigned = Object.freeze({
  signed: new Set<never>(),
  encrypted: new Set<never>(),
  algorithms: Object.freeze([]),
  created: undefined,
  expires: undefined,
});

/** Without the certificate, which is large and nobody asks for again. */
function named(signer: Signer | undefined): Omit<Signer, 'certificate'> | undefined {
  return signer && { kind: signer.kind, identity: signer.identity, name: signer.name };
}
