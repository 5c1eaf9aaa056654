/**
 * Public keys inside key agreement: dsig11:ECKeyValue for the curves of NIST, dsig11:DEREncodedKeyValue for any (XML Signature
 * 1.1 sections 4.5.2.3 and 4.5.9). Named curves only, points uncompressed; the platform refuses a point that is not on its curve
 * (attack K8).
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { base64, concat, equalBytes } from '../../base/bytes.ts';
import type { XmlElement } from '../../xml/document.ts';
import { child, requiredChild } from '../../xml/find.ts';
import type { XmlWriter } from '../../xml/write.ts';
import { SecurityError, untrusted } from '../errors.ts';
import { ds } from '../names.ts';
import { octetsOf, requiredAttribute } from '../values.ts';
import { dsig11 } from './names.ts';

interface NamedCurve {
  readonly oid: string;
  /** The name in a JWK. */
  readonly jwk: string;
  /** Octets of a coordinate. */
  readonly size: number;
}

const curves: readonly NamedCurve[] = [
  { oid: 'urn:oid:1.2.840.10045.3.1.7', jwk: 'P-256', size: 32 },
  { oid: 'urn:oid:1.3.132.0.34', jwk: 'P-384', size: 48 },
  { oid: 'urn:oid:1.3.132.0.35', jwk: 'P-521', size: 66 },
];

/** Octets; a public key of any curve is far smaller. */
const largestDer = 1024;

/**
 * The public key that a key info holds by value.
 *
 * @returns `undefined` when it holds none
 * @throws SecurityError `SECURITY_KEY`, `SECURITY_MALFORMED`; XmlError `XML_UNEXPECTED`
 */
export function publicKeyIn(keyInfo: XmlElement): KeyObject | undefined {
  const der = child(keyInfo, dsig11, 'DEREncodedKeyValue');
  const keyValue = child(keyInfo, ds, 'KeyValue');
  const point = keyValue && child(keyValue, dsig11, 'ECKeyValue');
  if (der !== undefined) return fromDer(octetsOf(der));
  return point && fromPoint(requiredChild(point, dsig11, 'NamedCurve'), requiredChild(point, dsig11, 'PublicKey'));
}

/** The platform reads parameters that spell out a curve; only the one way of naming it is taken. */
function fromDer(octets: Uint8Array): KeyObject {
  if (octets.length > largestDer) throw notRead('it is too large');
  let named: KeyObject;
  try {
    const read = createPublicKey({ key: Buffer.from(octets), format: 'der', type: 'spki' });
    named = createPublicKey({ key: read.export({ format: 'jwk' }), format: 'jwk' });
  } catch (cause) {
    throw notRead('it is malformed', cause);
  }
  if (!equalBytes(named.export({ format: 'der', type: 'spki' }), octets)) {
    throw notRead('it does not name its curve, or its point is not uncompressed');
  }
  return named;
}

function fromPoint(namedCurve: XmlElement, value: XmlElement): KeyObject {
  const oid = requiredAttribute(namedCurve, 'URI');
  const curve = curves.find((one) => one.oid === oid);
  if (curve === undefined) throw notRead(`its curve is "${untrusted(oid)}"`);
  const point = octetsOf(value);
  const middle = 1 + curve.size;
  if (point[0] !== 4 || point.length !== middle + curve.size) throw notRead('its point is not uncompressed');
  const coordinate = (octets: Uint8Array) => Buffer.from(octets).toString('base64url');
  const key = {
    kty: 'EC',
    crv: curve.jwk,
    x: coordinate(point.subarray(1, middle)),
    y: coordinate(point.subarray(middle)),
  };
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch (cause) {
    throw notRead('its point is not on the curve', cause);
  }
}

/** Writes ds:KeyValue for a curve of NIST, dsig11:DEREncodedKeyValue for another. */
export function writePublicKey(writer: XmlWriter, key: KeyObject): void {
  const { crv, x = '', y = '' } = key.export({ format: 'jwk' });
  const curve = curves.find((one) => one.jwk === crv);
  if (curve === undefined) {
    writer.element(dsig11, 'DEREncodedKeyValue', base64(key.export({ format: 'der', type: 'spki' })), 'dsig11');
    return;
  }
  const point = concat([Uint8Array.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  writer.start(ds, 'KeyValue', 'ds').start(dsig11, 'ECKeyValue', 'dsig11');
  writer.start(dsig11, 'NamedCurve', 'dsig11').attribute('', 'URI', curve.oid).end();
  writer.element(dsig11, 'PublicKey', base64(point), 'dsig11').end().end();
}

function notRead(why: string, cause?: unknown): SecurityError {
  return new SecurityError('SECURITY_KEY', `A public key of a key agreement is not taken: ${why}.`, { cause });
}
