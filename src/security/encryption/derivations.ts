/**
 * xenc:AgreementMethod and xenc11:KeyDerivationMethod as they are written (XML Encryption 1.1 sections 5.4.1 and 5.6; RFC 9231 for
 * HKDFParams). Every parameter is bounded, and a length that the message names has to be the one that is needed anyway.
 */
import { base64 } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import type { XmlElement } from '../../xml/document.ts';
import { child, onlyChild, requiredChild } from '../../xml/find.ts';
import type { XmlWriter } from '../../xml/write.ts';
import { SecurityError } from '../errors.ts';
import { ds, xenc } from '../names.ts';
import { octetsOf, plainText, requiredAttribute } from '../values.ts';
import type { Derivation } from './agreement.ts';
import { type AcceptedEncryption, type HashRow, type KeyAgreement, type KeyDerivation, rowOf } from './algorithms.ts';
import { dsigMore, xenc11 } from './names.ts';

export interface AgreementMethod {
  readonly row: KeyAgreement;
  readonly derivation: Derivation;
  readonly originator: XmlElement;
  readonly recipient: XmlElement | undefined;
}

/** Octets of each parameter of a derivation. */
const largest = 512;

/**
 * @param length octets of the key that is to be derived
 * @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_ALGORITHM`, `SECURITY_LIMIT`; XmlError `XML_UNEXPECTED`
 */
export function readAgreement(of: XmlElement, accepted: AcceptedEncryption, length: number): AgreementMethod {
  const row = rowOf(requiredAttribute(of, 'Algorithm'), accepted.agreements);
  const method = requiredChild(of, xenc11, 'KeyDerivationMethod');
  const { method: kind } = rowOf(requiredAttribute(method, 'Algorithm'), accepted.derivations);
  const parameters = onlyChild(method);
  return {
    row,
    derivation: kind === 'concat' ? readConcat(parameters, accepted) : readHkdf(parameters, accepted, length),
    originator: requiredChild(of, xenc, 'OriginatorKeyInfo'),
    recipient: child(of, xenc, 'RecipientKeyInfo'),
  };
}

const infoNames = ['AlgorithmID', 'PartyUInfo', 'PartyVInfo', 'SuppPubInfo', 'SuppPrivInfo'] as const;

function readConcat(of: XmlElement, accepted: AcceptedEncryption): Derivation {
  if (!of.is(xenc11, 'ConcatKDFParams')) throw malformed('ConcatKDF lacks its parameters.');
  const method = requiredChild(of, ds, 'DigestMethod');
  return {
    method: 'concat',
    hash: rowOf(requiredAttribute(method, 'Algorithm'), accepted.derivationDigests),
    info: joinBitStrings(infoNames.map((name) => of.attribute(name) ?? '')),
  };
}

/**
 * Bit strings joined bit by bit (section 5.4.1): each in hexadecimal, its first octet telling how many bits at its end are padding.
 *
 * @throws SecurityError `SECURITY_MALFORMED`, also when the whole is not a number of octets; `SECURITY_LIMIT`
 */
export function joinBitStrings(texts: readonly string[]): Uint8Array {
  let value = 1n;
  let bits = 0;
  for (const text of texts) {
    if (text === '') continue;
    const padding = Number.parseInt(text.slice(0, 2), 16);
    const octets = text.length / 2 - 1;
    if (!/^(?:[0-9A-Fa-f]{2})+$/.test(text) || padding > 7 || (octets === 0 && padding > 0)) {
      throw malformed('A bit string of ConcatKDF is malformed.');
    }
    if (octets > largest) throw new SecurityError('SECURITY_LIMIT', 'A parameter of ConcatKDF is too large.');
    if (octets === 0) continue;
    value = (value << BigInt(octets * 8 - padding)) | (BigInt(`0x${text.slice(2)}`) >> BigInt(padding));
    bits += octets * 8 - padding;
  }
  if (bits % 8 !== 0) throw malformed('The bit strings of ConcatKDF do not fill octets.');
  // The leading 1 keeps zeros that follow it; it is the only digit in front of the octets.
  return Buffer.from(value.toString(16).slice(1), 'hex');
}

function readHkdf(of: XmlElement, accepted: AcceptedEncryption, length: number): Derivation {
  if (!of.is(dsigMore, 'HKDFParams')) throw malformed('HKDF lacks its parameters.');
  const named = child(of, dsigMore, 'KeyLength');
  if (named !== undefined && plainText(named) !== `${length}`) {
    throw malformed('HKDF is to make a key of another length than the one that is needed.');
  }
  return {
    method: 'hkdf',
    hash: rowOf(requiredAttribute(requiredChild(of, dsigMore, 'PRF'), 'Algorithm'), accepted.pseudoRandom),
    salt: bounded(child(of, dsigMore, 'Salt')),
    info: bounded(child(of, dsigMore, 'Info')),
  };
}

function bounded(of: XmlElement | undefined): Uint8Array {
  if (of === undefined || plainText(of) === '') return new Uint8Array();
  const octets = octetsOf(of);
  if (octets.length > largest) throw new SecurityError('SECURITY_LIMIT', 'A parameter of HKDF is too large.');
  return octets;
}

/** What a sender derives with: a method and the hash for it. */
export interface ChosenDerivation {
  readonly row: KeyDerivation;
  readonly hash: HashRow;
}

/** Writes xenc11:KeyDerivationMethod with fresh parameters and returns what they mean. */
export function writeDerivation(
  writer: XmlWriter,
  { row, hash }: ChosenDerivation,
  length: number,
  random: Random,
): Derivation {
  const none = new Uint8Array();
  writer.start(xenc11, 'KeyDerivationMethod', 'xenc11').attribute('', 'Algorithm', row.uri);
  switch (row.method) {
    case 'concat':
      writer.start(xenc11, 'ConcatKDFParams', 'xenc11');
      for (const name of infoNames.slice(0, 3)) writer.attribute('', name, '');
      writer.start(ds, 'DigestMethod', 'ds').attribute('', 'Algorithm', hash.uri).end().end().end();
      return { method: 'concat', hash, info: none };
    case 'hkdf': {
      const salt = random.bytes(32);
      writer.start(dsigMore, 'HKDFParams', 'dsig21');
      writer.start(dsigMore, 'PRF', 'dsig21').attribute('', 'Algorithm', hash.uri).end();
      writer.element(dsigMore, 'Salt', base64(salt), 'dsig21');
      writer.element(dsigMore, 'KeyLength', `${length}`, 'dsig21').end().end();
      return { method: 'hkdf', hash, salt, info: none };
    }
    default:
      return row.method satisfies never;
  }
}

function malformed(what: string): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', what);
}
