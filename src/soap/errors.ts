/**
 * The errors of this room. A `SoapError` carries the fault that the peer is to be told, where it is the peer's doing;
 * without one the error concerns this side alone.
 */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';
import type { XmlFragment } from '../xml/fragment.ts';

export type SoapErrorCode =
  /** A fault that the peer sent, or that is to be sent to it. */
  | 'SOAP_FAULT'
  /** Not an Envelope with Header? and Body and nothing else. */
  | 'SOAP_ENVELOPE'
  /** An Envelope of another SOAP version, or two versions in one message. */
  | 'SOAP_VERSION'
  /** No content type, the wrong one, or a charset that is not the document's. */
  | 'SOAP_CONTENT_TYPE'
  /** A header block that may be there once is there twice. */
  | 'SOAP_DUPLICATE_HEADER'
  /** A mustUnderstand block that no layer understood. */
  | 'SOAP_NOT_UNDERSTOOD'
  /** WS-Addressing headers that are missing, repeated, mixed or malformed. */
  | 'SOAP_ADDRESSING'
  /** SOAPAction or the action parameter says something else than wsa:Action. */
  | 'SOAP_ACTION_MISMATCH';

/** An expanded name. */
export interface QualifiedName {
  readonly namespace: string;
  readonly local: string;
}

export type FaultCode = 'sender' | 'receiver' | 'mustUnderstand' | 'versionMismatch';

/** A SOAP fault, the same for SOAP 1.1 and 1.2. */
export interface Fault {
  readonly code: FaultCode;
  /** What a SOAP 1.2 message carries as Subcode, and a SOAP 1.1 message as faultcode. */
  readonly subcode?: QualifiedName | undefined;
  /** A Subcode within the Subcode, e.g. `netrm:ConnectionLimitReached`; SOAP 1.1 cannot carry it. */
  readonly subsubcode?: QualifiedName | undefined;
  /** For people, in English when written here. */
  readonly reason: string;
  readonly detail?: readonly XmlFragment[] | undefined;
  /** URI of the node that faulted; SOAP 1.2 only. */
  readonly node?: string | undefined;
  /** URI of the role in which the node acted: Role in SOAP 1.2, faultactor in SOAP 1.1. */
  readonly role?: string | undefined;
}

export interface SoapErrorOptions extends SurewireErrorOptions {
  readonly fault?: Fault | undefined;
}

export class SoapError extends SurewireError<SoapErrorCode> {
  /** What the peer is to be told; absent when the peer did nothing wrong. */
  readonly fault: Fault | undefined;

  constructor(code: SoapErrorCode, message: string, options: SoapErrorOptions = {}) {
    super(code, message, options);
    this.fault = options.fault;
  }
}

/**
 * What a password was refused in: words of which the way that they came proves whose they are (TLS, on the exchange that the
 * password went out on), or words that anybody may have said (attack M5).
 */
export type Denial = 'proven' | 'unproven';

export interface FaultErrorOptions extends SurewireErrorOptions {
  /** It answers a message with a password in it; `proven` where the way that it came proves whose words it is in. */
  readonly offered?: Denial | undefined;
}

/** A fault that the peer sent, or one to be sent to it; `code` is always `SOAP_FAULT`. */
export class FaultError extends SoapError {
  override readonly fault: Fault;
  /** It answers a message with a password in it: whether the way that it came proves whose words it is in. */
  readonly offered: Denial | undefined;

  constructor(fault: Fault, options: FaultErrorOptions = {}) {
    super('SOAP_FAULT', fault.reason, { ...options, fault });
    this.fault = fault;
    this.offered = options.offered;
  }
}
