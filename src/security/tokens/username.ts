/**
 * UsernameToken (UsernameToken Profile 1.0): the password as text, over a protected transport, or as a digest over nonce,
 * creation time and password. Comparisons take the same time for every wrong answer, an unknown user included (K13, K18).
 */
import { base64, fromBase64, utf8 } from '../../base/bytes.ts';
import type { Instant } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { XmlElement } from '../../xml/document.ts';
import { onlyText } from '../../xml/find.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { XmlWriter } from '../../xml/write.ts';
import { passwordDigestOf, sameSecret } from '../crypto.ts';
import { SecurityError, untrusted } from '../errors.ts';
import type { Signer } from '../evidence.ts';
import { base64Binary, passwordDigest, passwordText, wsse, wsu } from '../names.ts';
import { type Freshness, readTime, requireFresh, staleAt, writeTime } from '../timestamp.ts';
import { allowedAttribute, octetsOf, plainText } from '../values.ts';

/** Where passwords are known. */
export type PasswordSource =
  | {
      /** The password of a user, `undefined` when there is no such user. Needed for `digest`. */
      password(user: string): string | undefined | Promise<string | undefined>;
    }
  | {
      /** Whether the password is right, for passwords that are kept hashed. Serves `text` only. */
      check(user: string, password: string): boolean | Promise<boolean>;
    };

/** What a UsernameToken claims; nothing of it is proven. */
export interface UsernameClaim {
  readonly element: XmlElement;
  readonly user: string;
  readonly form: 'text' | 'digest';
  readonly password: string;
  readonly nonce: Uint8Array | undefined;
  readonly created: Instant | undefined;
  /** The text of Created, which the digest is made of. */
  readonly createdText: string;
}

/**
 * Reads a token; at most one of each child, nothing else.
 *
 * @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_TIMESTAMP_INVALID`
 */
export function readUsernameToken(element: XmlElement): UsernameClaim {
  const parts = new Map<string, XmlElement>();
  for (const part of element.children) {
    const known = part.is(wsu, 'Created') || (part.namespace === wsse && wsseParts.has(part.local));
    if (!known || parts.has(part.local)) {
      throw new SecurityError(
        'SECURITY_MALFORMED',
        `A UsernameToken holds ${untrusted(part.local)}, or holds it twice.`,
      );
    }
    parts.set(part.local, part);
  }
  const [username, password] = [parts.get('Username'), parts.get('Password')];
  const [nonce, created] = [parts.get('Nonce'), parts.get('Created')];
  if (username === undefined || password === undefined) {
    throw new SecurityError('SECURITY_MALFORMED', 'A UsernameToken lacks its Username or its Password.');
  }
  const type = password.attribute('Type') ?? passwordText;
  if (type !== passwordText && type !== passwordDigest) {
    throw new SecurityError('SECURITY_MALFORMED', `Passwords of type "${untrusted(type)}" are unknown.`);
  }
  if (nonce !== undefined) allowedAttribute(nonce, 'EncodingType', base64Binary);
  return {
    element,
    user: plainText(username),
    form: type === passwordDigest ? 'digest' : 'text',
    // A password may begin or end with white space.
    password: type === passwordDigest ? plainText(password) : onlyText(password),
    nonce: nonce === undefined ? undefined : octetsOf(nonce),
    created: created === undefined ? undefined : readTime(created),
    createdText: created === undefined ? '' : plainText(created),
  };
}

const wsseParts: ReadonlySet<string> = new Set(['Username', 'Password', 'Nonce']);

/**
 * Checks a claim.
 *
 * @returns the key under which the token has to be remembered and until when; `undefined` for a text without nonce
 * @throws SecurityError `SECURITY_CREDENTIALS`; `SECURITY_MALFORMED` for a digest without nonce or creation time;
 *   `SECURITY_TIMESTAMP_EXPIRED`, `SECURITY_TIMESTAMP_FUTURE`
 */
export async function authenticate(
  claim: UsernameClaim,
  source: PasswordSource,
  now: Instant,
  freshness: Freshness,
): Promise<{ readonly key: string; readonly until: Instant } | undefined> {
  const { nonce, created } = claim;
  const lifetime = created === undefined ? undefined : { created, expires: undefined };
  if (claim.form === 'digest' && (nonce === undefined || created === undefined)) {
    throw new SecurityError('SECURITY_MALFORMED', 'A password digest needs a Nonce and Created.');
  }
  if (nonce !== undefined && (nonce.length > longestNonce || created === undefined)) {
    throw new SecurityError('SECURITY_MALFORMED', 'A Nonce is too long or stands without Created.');
  }
  if (lifetime !== undefined) requireFresh(lifetime, now, freshness);
  if (!(await isRight(claim, source))) {
    throw new SecurityError('SECURITY_CREDENTIALS', `The credentials of "${untrusted(claim.user)}" are wrong.`);
  }
  if (nonce === undefined || lifetime === undefined) return undefined;
  return { key: `nonce ${claim.user.length} ${claim.user} ${base64(nonce)}`, until: staleAt(lifetime, freshness) };
}

/** Octets of the longest nonce that is remembered. */
const longestNonce = 128;

async function isRight(claim: UsernameClaim, source: PasswordSource): Promise<boolean> {
  if ('check' in source) return claim.form === 'text' && (await source.check(claim.user, claim.password)) === true;
  const known = await source.password(claim.user);
  // An unknown user costs what a known one does; an empty password is none.
  const expected = known ?? '';
  const [one, other] =
    claim.form === 'text'
      ? [utf8(claim.password), utf8(expected)]
      : [
          fromBase64(claim.password) ?? new Uint8Array(),
          passwordDigestOf(claim.nonce ?? new Uint8Array(), claim.createdText, expected),
        ];
  return sameSecret(one, other) && expected !== '';
}

/** Whoever knows the password of a user. */
export function userSigner(user: string): Signer {
  return Object.freeze({ kind: 'username', identity: `username:${user}`, name: user });
}

/** A user and what nobody else knows. */
export interface PasswordCredentials {
  readonly user: string;
  readonly password: string;
}

/** A UsernameToken to send. */
export interface UsernameCredentials extends PasswordCredentials {
  readonly form: 'text' | 'digest';
}

/** @param isSalted whether a text has a nonce as well: then the digest of the token, wherever it is seen, tells nobody a password */
export function writeUsernameToken(
  id: string,
  { user, password, form }: UsernameCredentials,
  created: Instant,
  random: Random,
  isSalted: boolean = false,
): XmlFragment {
  const writer = new XmlWriter().start(wsse, 'UsernameToken', 'wsse').attribute(wsu, 'Id', id, 'wsu');
  writer.element(wsse, 'Username', user, 'wsse').start(wsse, 'Password', 'wsse');
  if (form === 'text') writer.attribute('', 'Type', passwordText).text(password).end();
  if (form === 'text' && !isSalted) return writer.end().finish();
  const nonce = random.bytes(16);
  const when = writeTime(created);
  if (form === 'digest') {
    const digest = base64(passwordDigestOf(nonce, when, password));
    writer.attribute('', 'Type', passwordDigest).text(digest).end();
  }
  writer.start(wsse, 'Nonce', 'wsse').attribute('', 'EncodingType', base64Binary).text(base64(nonce)).end();
  return writer.element(wsu, 'Created', when, 'wsu').end().finish();
}
