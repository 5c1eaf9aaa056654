/**
 * The one public failure (WSS 1.1 section 12). Whatever went wrong, the other end reads the same octets: no header of the
 * refused message is echoed and no detail is given (attacks E6, K18, D18). Only a wrong user name or password has a code
 * of its own, because its owner has to correct it; which of the two was wrong is not said.
 */
import { SurewireError } from '../base/errors.ts';
import type { Fault } from '../soap/errors.ts';
import { faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { SecurityError } from './errors.ts';
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

/** The unsecured reply to a message that was refused for `reason`. */
export function publicFault(refused: Message, reason: SecurityError): Message {
  const fault = reason.code === 'SECURITY_CREDENTIALS' ? failedAuthentication : invalidSecurity;
  return faultReply(undefined, fault, { version: refused.version });
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
