/**
 * Keys derived of passwords (UsernameToken Profile 1.1 section 4): K1 = SHA-1(password ‖ Salt), Kn = SHA-1(Kn-1). For peers that
 * have nothing else: whoever sees a signature under such a key can try passwords at leisure, so it belongs under TLS (attack
 * E15). The number of rounds is bounded before the first is computed (attack E14).
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { base64, concat, utf8 } from '../../base/bytes.ts';
import { type Random, systemRandom } from '../../base/random.ts';
import type { XmlElement } from '../../xml/document.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { XmlWriter } from '../../xml/write.ts';
import { digest } from '../crypto.ts';
import { SecurityError, untrusted } from '../errors.ts';
import { wsse, wsse11, wsu } from '../names.ts';
import { octetsOf, plainText } from '../values.ts';
import type { PasswordSource } from './username.ts';

/** What the first octet of a salt says that the key is for. */
export type KeyPurpose = 'mac' | 'encryption';
const purposes: Readonly<Record<KeyPurpose, number>> = Object.freeze({ mac: 1, encryption: 2 });

/** Rounds (BSP R4218 wants 1000 or more), and octets of salt and user name. */
export const usernameKeyLimits: Readonly<Record<'leastRounds' | 'mostRounds' | 'salt' | 'user', number>> =
  Object.freeze({ leastRounds: 1_000, mostRounds: 20_000, salt: 16, user: 256 });

/** A UsernameToken that stands for a key; it has no password (BSP R4217, R4218). Nothing of it is proven. */
export interface DerivingClaim {
  readonly element: XmlElement;
  readonly user: string;
  readonly salt: Uint8Array;
  readonly rounds: number;
}

/** Whether a UsernameToken is one that a key is derived of. */
export function isDerivingToken(element: XmlElement): boolean {
  return element.children.some((one) => one.is(wsse11, 'Salt') || one.is(wsse11, 'Iteration'));
}

/**
 * Reads Username, Salt and Iteration; Nonce and Created may stand beside them and mean nothing here.
 *
 * @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_LIMIT`
 */
export function readDerivingToken(element: XmlElement): DerivingClaim {
  const parts = new Map<string, XmlElement>();
  for (const part of element.children) {
    const known =
      part.is(wsse, 'Username') ||
      part.is(wsse11, 'Salt') ||
      part.is(wsse11, 'Iteration') ||
      part.is(wsse, 'Nonce') ||
      part.is(wsu, 'Created');
    if (!known || parts.has(part.local)) {
      throw malformed(`A UsernameToken with a derived key holds ${untrusted(part.local)}, or holds it twice.`);
    }
    parts.set(part.local, part);
  }
  const [user, salt, iteration] = [parts.get('Username'), parts.get('Salt'), parts.get('Iteration')];
  if (user === undefined || salt === undefined) throw malformed('A UsernameToken lacks its Username or its Salt.');
  const text = iteration === undefined ? '1000' : plainText(iteration);
  if (!/^\d{1,10}$/.test(text)) throw malformed('Iteration is not a number.');
  const claim = { element, user: plainText(user), salt: octetsOf(salt), rounds: Number(text) };
  const { leastRounds, mostRounds } = usernameKeyLimits;
  if (claim.salt.length !== usernameKeyLimits.salt) throw malformed('Salt has not 16 octets.');
  if (claim.rounds < leastRounds || claim.rounds > mostRounds || claim.user.length > usernameKeyLimits.user) {
    throw new SecurityError('SECURITY_LIMIT', `A UsernameToken asks for ${claim.rounds} rounds, or has a long name.`);
  }
  return claim;
}

/** 20 octets. */
export function usernameKey(password: Uint8Array, salt: Uint8Array, rounds: number): Uint8Array {
  let key = digest(sha1, concat([password, salt]));
  for (let round = 1; round < rounds; round++) key = digest(sha1, key);
  return key;
}

const sha1 = Object.freeze({ hash: 'sha1' });

/**
 * The key of a claim: 20 octets for a MAC, the first 16 for encryption. A user that does not exist costs the same and gives a
 * key that nobody has, so that the message fails where every wrong password does (attack K18).
 *
 * @throws SecurityError `SECURITY_MALFORMED` for a salt of the other purpose, `SECURITY_POLICY` when passwords are only
 *   checked and not known
 */
export async function derivedUsernameKey(
  { user, salt, rounds }: DerivingClaim,
  source: PasswordSource,
  purpose: KeyPurpose,
  random: Random = systemRandom,
): Promise<KeyObject> {
  if ('check' in source) {
    throw new SecurityError('SECURITY_POLICY', 'A key is derived of a password, which the source has to know.');
  }
  if (salt[0] !== purposes[purpose]) throw malformed('The Salt is that of a key for another purpose.');
  const known = await source.password(user);
  const exists = known !== undefined && known !== '';
  const key = usernameKey(exists ? utf8(known) : random.bytes(16), salt, rounds);
  return keyFor(key, purpose);
}

function keyFor(octets: Uint8Array, purpose: KeyPurpose): KeyObject {
  return createSecretKey(purpose === 'mac' ? octets : octets.subarray(0, 16));
}

/** A UsernameToken without password, and the key that it stands for. */
export function writeDerivingToken(
  id: string,
  { user, password }: { readonly user: string; readonly password: string },
  purpose: KeyPurpose,
  random: Random,
  rounds: number = usernameKeyLimits.leastRounds,
): { readonly token: XmlFragment; readonly key: KeyObject } {
  const salt = concat([Uint8Array.of(purposes[purpose]), random.bytes(usernameKeyLimits.salt - 1)]);
  const token = new XmlWriter()
    .start(wsse, 'UsernameToken', 'wsse')
    .attribute(wsu, 'Id', id, 'wsu')
    .element(wsse, 'Username', user, 'wsse')
    .element(wsse11, 'Salt', base64(salt), 'wsse11')
    .element(wsse11, 'Iteration', String(rounds), 'wsse11')
    .end()
    .finish();
  return { token, key: keyFor(usernameKey(utf8(password), salt, rounds), purpose) };
}

function malformed(what: string): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', what);
}
