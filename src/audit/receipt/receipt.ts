/**
 * A delivery receipt: what the destination of a sequence signs over what it took. A JWS (RFC 7515, compact) whose payload names the
 * sequence, the numbers and the digest of each body, and whose header bears the certificate of the signer: whoever has it can show
 * it to somebody else, without asking the destination again.
 */
import { compactVerify } from 'jose';
import { base64, fromBase64, fromUtf8, utf8 } from '../../base/bytes.ts';
import { type Instant, instant } from '../../base/clock.ts';
import { asError } from '../../base/errors.ts';
import { type Certificate, certificate } from '../../security/certificates.ts';
import type { SigningKey } from '../../security/keys.ts';
import {
  ecdsaSha256,
  ecdsaSha384,
  ecdsaSha512,
  ed25519,
  rsaSha256,
  type SignatureAlgorithm,
} from '../../security/suites.ts';
import { AuditError } from '../errors.ts';

/** `typ` of the header. */
const receiptType = 'surewire-receipt+jws';
/** Numbers that one receipt may name. */
export const mostNumbers = 10_000;
/** Characters of a receipt that is read. */
export const longestReceipt: number = 2 ** 21;

/** What a receipt says. */
export interface ReceiptClaims {
  /** Identifier of the sequence. */
  readonly sequence: string;
  /** Who signed the messages, as evidence names it; absent where nobody did. */
  readonly source?: string | undefined;
  /** Lower and upper end of each range, both included. */
  readonly numbers: readonly (readonly [lower: number, upper: number])[];
  /** SHA-256 of each body, base64url, in the order of the numbers: of the exclusive canonical form of what is in it. */
  readonly bodies: readonly string[];
  /** True when nothing more will be taken: these and the receipts before are all. */
  readonly final: boolean;
  /** When it was issued. */
  readonly issued: Instant;
}

/** A receipt whose signature holds. Whether to believe its signer is another question. */
export interface ReadReceipt extends ReceiptClaims {
  readonly jws: string;
  readonly signer: Certificate;
  /** What came with the signer's certificate, candidates for its path. */
  readonly others: readonly Certificate[];
  /** What a time stamp is over: the octets of the signature. */
  readonly signature: Uint8Array;
}

/** JWS algorithms of our rows; the signatures are the same octets in both worlds. */
const algorithms: readonly (readonly [jws: string, row: SignatureAlgorithm, curve?: string])[] = [
  ['RS256', rsaSha256],
  ['ES256', ecdsaSha256, 'prime256v1'],
  ['ES384', ecdsaSha384, 'secp384r1'],
  ['ES512', ecdsaSha512, 'secp521r1'],
  ['EdDSA', ed25519],
];

/**
 * Signs a receipt.
 *
 * @throws AuditError `AUDIT_OPTIONS` for a key that no algorithm of JWS is for; what the key throws
 */
export async function writeReceipt(claims: ReceiptClaims, key: SigningKey): Promise<string> {
  const kind = key.certificate.key.asymmetricKeyType;
  const curve = key.certificate.key.asymmetricKeyDetails?.namedCurve;
  const chosen = algorithms.find(([, { family }, on]) =>
    family === 'ecdsa' ? kind === 'ec' && on === curve : family === kind,
  );
  if (chosen === undefined) {
    throw new AuditError(
      'AUDIT_OPTIONS',
      `Receipts cannot be signed with a key of the kind ${kind}. Use RSA, EC or Ed25519.`,
    );
  }
  const [alg, row] = chosen;
  const header = { alg, typ: receiptType, x5c: key.chain.map(({ der }) => base64(der)) };
  const payload = { format: 'surewire-receipt/1', ...claims, issued: new Date(claims.issued).toISOString() };
  const signed = `${part(header)}.${part(payload)}`;
  const value = await key.sign(row, utf8(signed));
  return `${signed}.${Buffer.from(value).toString('base64url')}`;
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/**
 * Reads a receipt and checks its signature with the key of the certificate in it.
 *
 * @throws AuditError `AUDIT_RECEIPT` when it is none, or is not what was signed
 */
export async function readReceipt(jws: string): Promise<ReadReceipt> {
  if (jws.length > longestReceipt) throw invalid(`it is longer than ${longestReceipt} characters`);
  try {
    const { x5c, typ } = headerOf(jws);
    if (typ !== receiptType || !Array.isArray(x5c) || x5c.length > 10)
      throw new Error('its header is not that of a receipt');
    const [signer, ...others] = x5c.map((one: unknown) => certificate(fromBase64(String(one)) ?? new Uint8Array()));
    if (signer === undefined) throw new Error('it bears no certificate');
    const { payload } = await compactVerify(jws, signer.key, { algorithms: algorithms.map(([alg]) => alg) });
    const signature = Buffer.from(jws.slice(jws.lastIndexOf('.') + 1), 'base64url');
    return { ...claimsOf(JSON.parse(fromUtf8(payload))), jws, signer, others, signature };
  } catch (thrown) {
    throw invalid(asError(thrown).message, asError(thrown));
  }
}

function headerOf(jws: string): Readonly<Record<'x5c' | 'typ', unknown>> {
  return JSON.parse(Buffer.from(jws.slice(0, jws.indexOf('.')), 'base64url').toString('utf8'));
}

/** Every member has to be what it is meant to be, and there is a body for each number. */
function claimsOf(value: Readonly<Record<string, unknown>>): ReceiptClaims {
  const { format, sequence, source, numbers, bodies, final, issued } = value;
  const time = Date.parse(String(issued));
  const known =
    format === 'surewire-receipt/1' &&
    typeof sequence === 'string' &&
    (source === undefined || typeof source === 'string') &&
    typeof final === 'boolean' &&
    !Number.isNaN(time);
  if (!known || !isRanges(numbers) || !isDigests(bodies)) throw new Error('it does not say what a receipt says');
  const count = numbers.reduce((sum, [lower, upper]) => sum + upper - lower + 1, 0);
  if (count !== bodies.length || count > mostNumbers) throw new Error('it does not have one digest for each number');
  return { sequence, source, numbers, bodies, final, issued: instant(time) };
}

function isRanges(value: unknown): value is ReceiptClaims['numbers'] {
  let before = 0;
  return (
    Array.isArray(value) &&
    value.every((range: unknown) => {
      const [lower, upper] = Array.isArray(range) ? range : [];
      const fits = Number.isSafeInteger(lower) && Number.isSafeInteger(upper) && lower > before && upper >= lower;
      before = upper;
      return fits;
    })
  );
}

function isDigests(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && /^[\w-]{43}$/.test(one));
}

function invalid(why: string, cause?: Error): AuditError {
  return new AuditError('AUDIT_RECEIPT', `This is no receipt that holds: ${why}. Ask for it again.`, { cause });
}
