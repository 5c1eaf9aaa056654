/** The faults of WS-Trust (1.3 section 11), as a token service answers with them: which rule was broken stays at home. */
import type { Fault } from '../soap/errors.ts';
import type { TrustVersion } from './versions/version.ts';

export type TrustFaultName =
  | 'InvalidRequest'
  | 'FailedAuthentication'
  | 'RequestFailed'
  | 'InvalidSecurityToken'
  | 'InvalidScope'
  | 'UnableToRenew';

const reasons: Readonly<Record<TrustFaultName, string>> = Object.freeze({
  InvalidRequest: 'The request was invalid or malformed.',
  FailedAuthentication: 'Authentication failed.',
  RequestFailed: 'The specified request failed.',
  InvalidSecurityToken: 'Security token has been revoked.',
  InvalidScope: 'The request scope is invalid.',
  UnableToRenew: 'The requested renewal failed.',
});

export function trustFault({ namespace }: TrustVersion, name: TrustFaultName): Fault {
  return Object.freeze({ code: 'sender', subcode: Object.freeze({ namespace, local: name }), reason: reasons[name] });
}

/** A refusal on its way to the wire; `message` says at home what it was. */
export class Refusal extends Error {
  readonly fault: TrustFaultName;

  constructor(fault: TrustFaultName, why: string, cause?: unknown) {
    super(why, { cause });
    this.fault = fault;
  }
}
