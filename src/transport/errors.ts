/** Everything that can go wrong between two machines, each with a stable code and a sentence that says what to do. */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';

export type TransportErrorCode =
  | 'TRANSPORT_ADDRESS' // the URL cannot be connected to or listened at
  | 'TRANSPORT_BROKEN' // the connection ended in the middle of an exchange, or what came is not HTTP
  | 'TRANSPORT_CLOSED' // the channel, transport or listener was closed before
  | 'TRANSPORT_CONTENT_TYPE' // an answer that is not SOAP, or is compressed
  | 'TRANSPORT_KEY' // a certificate, key, PKCS#12 file or revocation list that cannot be used
  | 'TRANSPORT_NO_BACK_CHANNEL' // HTTP cannot send to a client that did not ask
  | 'TRANSPORT_OVERSIZE' // a message larger than maxReceivedMessageSize
  | 'TRANSPORT_PORT_BUSY' // somebody else listens there
  | 'TRANSPORT_PORT_DENIED' // the operating system does not let this process listen there
  | 'TRANSPORT_PROXY' // the proxy is unreachable or refused
  | 'TRANSPORT_STATUS' // an HTTP status that carries no SOAP message
  | 'TRANSPORT_TIMEOUT' // a time limit passed
  | 'TRANSPORT_TLS' // any other failure of the TLS handshake
  | 'TRANSPORT_TLS_CLIENT_CERTIFICATE' // the server demands a client certificate, or refused the one it was given
  | 'TRANSPORT_TLS_EXPIRED' // the server certificate is expired or not yet valid
  | 'TRANSPORT_TLS_HOST' // the server certificate is for another host
  | 'TRANSPORT_TLS_REVOKED' // the server certificate is on the revocation list
  | 'TRANSPORT_TLS_UNTRUSTED' // no trusted authority stands behind the server certificate, or it is not the pinned one
  | 'TRANSPORT_UNREACHABLE'; // nothing answers at that address

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
