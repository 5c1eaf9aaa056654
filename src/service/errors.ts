/** What can go wrong between a contract and what travels. */
import { SurewireError } from '../base/errors.ts';

export type ServiceErrorCode =
  /** A contract that contradicts itself. */
  | 'SERVICE_CONTRACT'
  /** A value or a body that does not have the shape the contract states. */
  | 'SERVICE_SHAPE'
  /** The call took longer than its timeout. */
  | 'SERVICE_TIMEOUT'
  /** The service answered a request-reply operation with nothing. */
  | 'SERVICE_NO_REPLY'
  /** The service answered with another action or element than the contract states. */
  | 'SERVICE_REPLY'
  /** A fault that the contract declares. */
  | 'SERVICE_FAULT'
  /** An operation out of turn: one that may not begin a session came first, or one came after the session's end. */
  | 'SERVICE_SESSION'
  /** The binding has no sessions where the contract requires them, or has them where the contract does not allow them. */
  | 'SERVICE_BINDING'
  /** A limit of a service is out of its range. */
  | 'SERVICE_SETTING'
  /** More messages wait at a service than it allows; transient. */
  | 'SERVICE_BUSY';

export class ServiceError extends SurewireError<ServiceErrorCode> {}

/**
 * A fault that the contract declares, the same value at both ends: thrown by the implementation, it is what the caller
 * catches.
 */
export class OperationFault<Name extends string = string, Detail = unknown> extends ServiceError {
  /** The name the contract gives the fault. */
  readonly fault: Name;
  readonly detail: Detail;

  constructor(fault: Name, detail: Detail, reason: string = fault) {
    super('SERVICE_FAULT', reason);
    this.fault = fault;
    this.detail = detail;
  }
}
