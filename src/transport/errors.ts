/** Everything that can go wrong between two machines, each with a stable code and a sentence that says what to do. */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';

export type TransportErrorCode =
  /** The URL cannot be connected to or listened at. */
  | 'TRANSPORT_ADDRESS'
  /** An answer that says it is SOAP and cannot be read; see `cause`. */
  | 'TRANSPORT_ANSWER'
  /** The connection ended in the middle of an exchange, or what came is not HTTP. */
  | 'TRANSPORT_BROKEN'
  /** The channel, transport or listener was closed before. */
  | 'TRANSPORT_CLOSED'
  /** An answer that is not SOAP, or is compressed. */
  | 'TRANSPORT_CONTENT_TYPE'
  /** A certificate, key, PKCS#12 file or revocation list that cannot be used. */
  | 'TRANSPORT_KEY'
  /** HTTP cannot send to a client that did not ask. */
  | 'TRANSPORT_NO_BACK_CHANNEL'
  /** A message larger than maxReceivedMessageSize. */
  | 'TRANSPORT_OVERSIZE'
  /** Somebody else listens there. */
  | 'TRANSPORT_PORT_BUSY'
  /** The operating system does not let this process listen there. */
  | 'TRANSPORT_PORT_DENIED'
  /** The proxy is unreachable or refused. */
  | 'TRANSPORT_PROXY'
  /** An HTTP status that carries no SOAP message. */
  | 'TRANSPORT_STATUS'
  /** A time limit passed. */
  | 'TRANSPORT_TIMEOUT'
  /** Any other failure of the TLS handshake. */
  | 'TRANSPORT_TLS'
  /** The server demands a client certificate, or refused the one it was given. */
  | 'TRANSPORT_TLS_CLIENT_CERTIFICATE'
  /** The server certificate is expired or not yet valid. */
  | 'TRANSPORT_TLS_EXPIRED'
  /** The server certificate is for another host. */
  | 'TRANSPORT_TLS_HOST'
  /** The server certificate is on the revocation list. */
  | 'TRANSPORT_TLS_REVOKED'
  /** No trusted authority stands behind the server certificate, or it is not the pinned one. */
  | 'TRANSPORT_TLS_UNTRUSTED'
  /** Nothing answers at that address. */
  | 'TRANSPORT_UNREACHABLE';

export interface TransportErrorOptions extends SurewireErrorOptions {
  /** The HTTP status, where one was received. */
  readonly status?: number;
}

export class TransportError extends SurewireError<TransportErrorCode> {
  /** The HTTP status, where one was received. */
  readonly status: number | undefined;

  constructor(code: TransportErrorCode, message: string, options: TransportErrorOptions = {}) {
    super(code, message, options);
    this.status = options.status;
  }
}
