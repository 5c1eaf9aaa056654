/**
 * The one public failure (WSS 1.1 section 12). Whatever went wrong, the other end reads the same octets: no header of the
 * refused message is echoed and no detail is given (attacks E6, K18, D18). Only a wrong user name or password has a code
 * of its own, because its owner has to correct it; which of the two was wrong is not said. A mandatory header block that an
 * intermediary added is no failure of security at all.
 */
import { SurewireError } from '../base/errors.ts';
import type { Fault } from '../soap/errors.ts';
import { faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { SecurityError, type SecurityErrorCode } from './errors.ts';
import { wsse } from './names.ts';

const invalidSecurity: Fault = Object.freeze({
  code: 'sender',
  subcode: Object.freeze({ namespace: wsse, local: 'InvalidSecurity' }),
  reason: 'An error was discovered processing the wsse:Security header.',
});

const failedAuthentication: Fault = Object.freeze({
  code: 'sender',
  subcode: Object.freeze({ namespace: wsse, local: 'FailedAuthentication' }),
  reason: 'The security token could not be authenticated or authorized.',
});

/** SOAP 1.2 part 1 section 2.6: what nobody here understands was put there on the way; the signature has nothing to do with it. */
const notUnderstood: Fault = Object.freeze({
  code: 'mustUnderstand',
  reason: 'A mandatory header block was not understood.',
});

const special: ReadonlyMap<SecurityErrorCode, Fault> = new Map([
  ['SECURITY_CREDENTIALS', failedAuthentication],
  ['SECURITY_NOT_UNDERSTOOD', notUnderstood],
]);

/** The unsecured reply to a message that was refused for `reason`. */
export function publicFault(refused: Message, reason: SecurityError): Message {
  return faultReply(undefined, special.get(reason.code) ?? invalidSecurity, { version: refused.version });
}

/** Whatever was thrown while a message was examined, as an error of this room. */
export function asSecurityError(thrown: unknown): SecurityError {
  if (thrown instanceof SecurityError) return thrown;
  if (thrown instanceof SurewireError) {
    const code = thrown.code === 'XML_DUPLICATE_ID' ? 'SECURITY_DUPLICATE_ID' : 'SECURITY_MALFORMED';
    return new SecurityError(code, thrown.message, { cause: thrown });
  }
  return new SecurityError('SECURITY_INTERNAL', 'Examining a message failed unexpectedly.', { cause: thrown });
}
