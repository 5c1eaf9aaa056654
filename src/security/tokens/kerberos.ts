/**
 * Kerberos (Kerberos Token Profile 1.1) as an interface: surewire carries the AP-REQ and takes the key that it stands for; a
 * provider of the application talks to the KDC. The first message holds the token, later ones name it by SHA-1 (BSP R6902 to
 * R6907).
 */
import type { KeyObject } from 'node:crypto';
import { base64 } from '../../base/bytes.ts';
import type { XmlElement } from '../../xml/document.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { XmlWriter } from '../../xml/write.ts';
import { SecurityError } from '../errors.ts';
import { base64Binary, wsse, wsu } from '../names.ts';
import { allowedAttribute, octetsOf } from '../values.ts';

const profile = 'http://docs.oasis-open.org/wss/oasis-wss-kerberos-token-profile-1.1';
/** GSS-wrapped and bare; what is written is the first (BSP R6902). */
const valueTypes: readonly string[] = Object.freeze([
  `${profile}#GSS_Kerberosv5_AP_REQ`,
  `${profile}#Kerberosv5_AP_REQ`,
]);
/** Octets of the largest AP-REQ: one with the groups of a large directory. */
const apReqLimit = 65_536;

/** What a ticket gave: who it is, and the key that signs and encrypts (the subkey where there is one). */
export interface KerberosSession {
  readonly principal: string;
  readonly key: KeyObject;
}

/** The application's Kerberos. */
export interface KerberosProvider {
  /** At the initiator: a ticket for a service. */
  request(service: string): Promise<KerberosSession & { readonly apReq: Uint8Array }>;
  /** At the acceptor: checks an AP-REQ, its time and that it was not used before; rejects what is not good. */
  accept(apReq: Uint8Array, wrapped: boolean): Promise<KerberosSession>;
}

/** Whether a BinarySecurityToken holds an AP-REQ. */
export function isKerberosToken(token: XmlElement): boolean {
  return token.is(wsse, 'BinarySecurityToken') && valueTypes.includes(token.attribute('ValueType') ?? '');
}

/**
 * Hands the AP-REQ of a token to the provider.
 *
 * @throws SecurityError `SECURITY_TOKEN_INVALID` when the provider refuses it, `SECURITY_LIMIT`, `SECURITY_MALFORMED`
 */
export async function acceptKerberos(token: XmlElement, provider: KerberosProvider): Promise<KerberosSession> {
  allowedAttribute(token, 'EncodingType', base64Binary);
  if (token.end - token.start > 2 * apReqLimit) throw tooLarge();
  const octets = octetsOf(token);
  if (octets.length > apReqLimit) throw tooLarge();
  try {
    return await provider.accept(octets, token.attribute('ValueType') === valueTypes[0]);
  } catch (cause) {
    throw new SecurityError('SECURITY_TOKEN_INVALID', 'The Kerberos ticket is refused.', { cause });
  }
}

/** The token of a GSS-wrapped AP-REQ. */
export function writeKerberosToken(id: string, apReq: Uint8Array): XmlFragment {
  return new XmlWriter()
    .start(wsse, 'BinarySecurityToken', 'wsse')
    .attribute(wsu, 'Id', id, 'wsu')
    .attribute('', 'EncodingType', base64Binary)
    .attribute('', 'ValueType', valueTypes[0] ?? '')
    .text(base64(apReq))
    .end()
    .finish();
}

function tooLarge(): SecurityError {
  return new SecurityError('SECURITY_LIMIT', `An AP-REQ is larger than ${apReqLimit} octets.`);
}
