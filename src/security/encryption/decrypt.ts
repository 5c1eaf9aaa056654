/**
 * Decryption (XML Encryption 1.1 section 4.4) of the parts of a document, or of one part to octets. First everything that needs no key is
 * settled for all parts: shapes, algorithms, limits, whose keys. Then, without looking at what comes of it, every key is
 * opened and every part is deciphered and read. What fails, fails at the end and in one place, as one error (attacks E1, E2,
 * E6; invariant I6).
 *
 * With CBC there remains what no decryption can hide, whether a changed ciphertext gave well-formed XML: accept CBC only
 * where a signature is verified that covers the part.
 */
import type { KeyObject } from 'node:crypto';
import { diagnostics } from '../../base/diagnostics.ts';
import { SurewireError } from '../../base/errors.ts';
import type { XmlDocument, XmlElement } from '../../xml/document.ts';
import { onlyChild } from '../../xml/find.ts';
import type { XmlLimits } from '../../xml/limits.ts';
import { SecurityError } from '../errors.ts';
import { asSecurityError } from '../faults.ts';
import { wsse, wsse11 } from '../names.ts';
import type { AcceptedEncryption, ContentCipher } from './algorithms.ts';
import { decipher } from './ciphers.ts';
import { DecryptionError, undecipherable } from './errors.ts';
import { type KeyHandle, type KeyPlan, type KeyResolver, Keyring } from './keyring.ts';
import { type EncryptionLimits, encryptionLimits } from './limits.ts';
import { type Replacement, rebuild } from './rebuild.ts';
import { type EncryptedData, readEncryptedData } from './shapes.ts';

export interface DecryptionProfile {
  readonly accepted: AcceptedEncryption;
  readonly keys: KeyResolver;
  /** What differs from `encryptionLimits`. */
  readonly limits?: Partial<EncryptionLimits>;
  /** What differs from `xmlLimits` for the document with its plaintexts. */
  readonly xml?: Partial<XmlLimits>;
}

/** A part to decrypt. */
export interface EncryptedPart {
  /** xenc:EncryptedData, or wsse11:EncryptedHeader, which is replaced as a whole. */
  readonly element: XmlElement;
  /** The key of the ReferenceList that names the part; its own KeyInfo then has to lead to the same key, if it has one. */
  readonly key?: KeyHandle;
}

export interface DecryptedPart {
  /** What was taken out of the old document. */
  readonly encrypted: XmlElement;
  readonly type: 'element' | 'content';
  /** In the new document: the element that came, or the element whose content came; `undefined` for content of a root. */
  readonly place: XmlElement | undefined;
  readonly cipher: ContentCipher;
  /** The EncryptedKey that led to the key, in the old document; `undefined` for a key known here. */
  readonly encryptedKey: XmlElement | undefined;
}

export interface Decrypted {
  readonly document: XmlDocument;
  readonly parts: readonly DecryptedPart[];
  /** The element of the new document that stands where one outside of all parts stood in the old one. */
  locate(old: XmlElement): XmlElement | undefined;
}

const publish = diagnostics('security');

/**
 * Decrypts parts and scans the document anew with all of them in place.
 *
 * @param parts none inside another; each of Type Element or Content, an EncryptedHeader's of Type Element
 * @returns its parts are in document order
 * @throws DecryptionError `SECURITY_DECRYPTION`, whatever is wrong
 */
export async function decrypt(
  document: XmlDocument,
  parts: readonly EncryptedPart[],
  profile: DecryptionProfile,
): Promise<Decrypted> {
  const keyring = keyringOf(profile);
  return oneFailure(
    keyring,
    () => planParts(document, parts, profile, keyring),
    async (planned) => {
      const replacements: Replacement[] = [];
      let sound = true;
      for (const { data, plan, outer, type } of planned) {
        const deciphered = decipher(data.cipher, await keyring.open(plan), data.octets);
        sound = deciphered.sound && sound;
        replacements.push({ element: outer, type, plaintext: deciphered.octets });
      }
      const rebuilt = rebuild(document, replacements, profile.xml);
      const found = planned.map((part, index) => decryptedPart(part, rebuilt.places[index]));
      // A header that was encrypted takes the place of its EncryptedHeader and starts no security processing (attack E10).
      if (found.some(({ encrypted, place }) => encrypted.namespace === wsse11 && place?.is(wsse, 'Security'))) return;
      return sound ? { document: rebuilt.document, parts: found, locate: rebuilt.locate } : undefined;
    },
  );
}

/**
 * Decrypts one xenc:EncryptedData of any Type to octets; the document stays as it is.
 *
 * @throws DecryptionError `SECURITY_DECRYPTION`, whatever is wrong
 */
export async function decryptOctets(part: EncryptedPart, profile: DecryptionProfile): Promise<Uint8Array> {
  const keyring = keyringOf(profile);
  return oneFailure(
    keyring,
    () => planPart(part, part.element, profile, keyring),
    async ({ data, plan }) => {
      const { octets, sound } = decipher(data.cipher, await keyring.open(plan), data.octets);
      return sound ? octets : undefined;
    },
  );
}

/**
 * Opens one xenc:EncryptedKey for another use than data: a signature, derived keys.
 *
 * @param length octets that the key has to have; the policy knows, the message does not say
 * @throws DecryptionError `SECURITY_DECRYPTION` for what can be seen without the key. A key that cannot be opened is
 *   replaced by another, and what it is then used for fails.
 */
export async function openEncryptedKey(
  element: XmlElement,
  length: number,
  profile: DecryptionProfile,
): Promise<KeyObject> {
  const keyring = keyringOf(profile);
  const plan = settle(() => found(keyring.planHandle({ kind: 'encrypted-key', element }, length)));
  const key = await keyring.open(plan);
  if (keyring.unreachable !== undefined) throw refused(undecipherable(), true);
  return key;
}

interface PlannedPart {
  readonly data: EncryptedData;
  readonly plan: KeyPlan;
}

interface PlannedReplacement extends PlannedPart {
  readonly outer: XmlElement;
  readonly type: 'element' | 'content';
}

function keyringOf({ accepted, keys, limits }: DecryptionProfile): Keyring {
  return new Keyring(accepted, keys, { ...encryptionLimits, ...limits });
}

function planParts(
  document: XmlDocument,
  parts: readonly EncryptedPart[],
  profile: DecryptionProfile,
  keyring: Keyring,
): readonly PlannedReplacement[] {
  const limits = { ...encryptionLimits, ...profile.limits };
  if (parts.length > limits.parts) {
    throw new SecurityError('SECURITY_LIMIT', `A message of ${parts.length} encrypted parts is too large.`);
  }
  const ordered = parts.toSorted((one, other) => one.element.index - other.element.index);
  let octets = 0;
  let before: XmlElement | undefined;
  return ordered.map((part): PlannedReplacement => {
    const outer = part.element;
    if (outer.document !== document || before?.contains(outer)) {
      throw new SecurityError('SECURITY_REFERENCE', 'An encrypted part is in another one, or in another document.');
    }
    before = outer;
    const isHeader = outer.is(wsse11, 'EncryptedHeader');
    const planned = planPart(part, isHeader ? onlyChild(outer) : outer, profile, keyring);
    octets += planned.data.octets.length;
    if (octets > limits.octets) throw new SecurityError('SECURITY_LIMIT', 'A message has too much ciphertext.');
    const { type } = planned.data;
    if (type === 'octets' || (isHeader && type !== 'element')) {
      throw new SecurityError('SECURITY_MALFORMED', 'The Type of an EncryptedData does not fit its place.');
    }
    return { ...planned, outer, type };
  });
}

function planPart(part: EncryptedPart, element: XmlElement, profile: DecryptionProfile, keyring: Keyring): PlannedPart {
  const data = readEncryptedData(element, profile.accepted);
  const length = data.cipher.keyLength;
  if (part.key === undefined) return { data, plan: found(keyring.plan(data.keyInfo, length)) };
  const plan = found(keyring.planHandle(part.key, length));
  if (data.keyInfo !== undefined && !sameKey(plan, keyring.plan(data.keyInfo, length))) {
    throw new SecurityError('SECURITY_MALFORMED', 'An encrypted part names another key than its ReferenceList does.');
  }
  return { data, plan };
}

function sameKey(one: KeyPlan, other: KeyPlan | undefined): boolean {
  return one === other || (one.kind === 'secret' && other?.kind === 'secret' && one.key.equals(other.key));
}

function found(plan: KeyPlan | undefined): KeyPlan {
  if (plan === undefined) throw new SecurityError('SECURITY_TOKEN', 'No key is here for an encrypted part.');
  return plan;
}

function decryptedPart({ data, plan, outer, type }: PlannedReplacement, place: XmlElement | undefined): DecryptedPart {
  const encryptedKey = plan.kind === 'unwrap' ? plan.of.element : undefined;
  return { encrypted: outer, type, place, cipher: data.cipher, encryptedKey };
}

/** Plans, then opens; `undefined` from `open` is a failure like any other. */
async function oneFailure<Plan, Result>(
  keyring: Keyring,
  plan: () => Plan,
  open: (plan: Plan) => Promise<Result | undefined>,
): Promise<Result> {
  const planned = settle(plan);
  let defect: unknown;
  try {
    const result = await open(planned);
    if (result !== undefined && keyring.sound) return result;
  } catch (thrown) {
    if (!(thrown instanceof SurewireError)) defect = thrown;
  }
  const internal = new SecurityError('SECURITY_INTERNAL', 'Decryption failed unexpectedly.', { cause: defect });
  throw refused(defect === undefined ? undecipherable() : internal, keyring.unreachable !== undefined);
}

function settle<Plan>(plan: () => Plan): Plan {
  try {
    return plan();
  } catch (cause) {
    throw refused(asSecurityError(cause), false);
  }
}

/** The one place where decryption fails. */
function refused(cause: SecurityError, transient: boolean): DecryptionError {
  publish(() => ({ event: 'decryption.refused', code: cause.code, reason: cause.what }));
  return new DecryptionError({ cause, transient });
}
