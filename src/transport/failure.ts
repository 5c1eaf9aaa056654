/** What Node, OpenSSL and undici say when a connection fails, turned into our codes. */
import { asError } from '../base/errors.ts';
import { TransportError, type TransportErrorCode } from './errors.ts';
import { printable } from './text.ts';

/** Where it failed, for the sentence. */
export interface Scene {
  /** The address, without secrets. */
  readonly place: string;
  /** True when the connection is TLS and no answer came over it yet: a server may be refusing our certificate. */
  readonly unproven?: boolean;
}

interface Row {
  readonly code: TransportErrorCode;
  readonly transient: boolean;
  readonly say: (scene: Scene, error: NodeJS.ErrnoException) => string;
}

const unreachable: Row = {
  code: 'TRANSPORT_UNREACHABLE',
  transient: true,
  say: ({ place }, { code }) =>
    `Nothing answers at ${place} (${code}). Check the host name and port, and that the service runs and no firewall stands between.`,
};

const broken: Row = {
  code: 'TRANSPORT_BROKEN',
  transient: true,
  say: ({ place, unproven }, error) =>
    `The connection to ${place} ended before the answer was complete (${error.code ?? printable(error.message)}).` +
    (unproven === true
      ? ' It was the first request on this TLS connection: the server may have refused the client certificate.'
      : ' Send again, or look at the log of the service.'),
};

const notHttp: Row = {
  code: 'TRANSPORT_BROKEN',
  transient: false,
  say: ({ place }) =>
    `What came from ${place} is not HTTP. Check that the port is that of the service and that the scheme (http or https) is right.`,
};

const timeout: Row = {
  code: 'TRANSPORT_TIMEOUT',
  transient: true,
  say: ({ place }, { code }) =>
    `${place} was silent for too long (${code}). Send again, or raise openTimeout, headersTimeout or bodyTimeout.`,
};

const headers: Row = {
  code: 'TRANSPORT_OVERSIZE',
  transient: false,
  say: ({ place }) => `The HTTP headers of the answer of ${place} are larger than 16 KiB.`,
};

const expired: Row = {
  code: 'TRANSPORT_TLS_EXPIRED',
  transient: false,
  say: ({ place }, { code }) =>
    `The certificate of ${place}, or one above it, is ${code === 'CERT_NOT_YET_VALID' ? 'not yet valid' : 'expired'}. Renew it, or correct the clock of this machine.`,
};

const revoked: Row = {
  code: 'TRANSPORT_TLS_REVOKED',
  transient: false,
  say: ({ place }) =>
    `The certificate of ${place}, or one above it, is revoked. Do not send; ask the operator for a new one.`,
};

const unlisted: Row = {
  code: 'TRANSPORT_TLS_UNTRUSTED',
  transient: false,
  say: ({ place }, { code }) =>
    `It cannot be told whether the certificate of ${place} is revoked (${code}). Give tls.crl a current list for every authority of the chain.`,
};

const untrusted: Row = {
  code: 'TRANSPORT_TLS_UNTRUSTED',
  transient: false,
  say: ({ place }, { code }) =>
    `No trusted authority stands behind the certificate of ${place} (${code}). Give tls.ca the certificate of the authority that issued it, and have the server send its intermediate certificates.`,
};

const anotherHost: Row = {
  code: 'TRANSPORT_TLS_HOST',
  transient: false,
  say: ({ place }, error) => {
    const names = (error as { cert?: { subjectaltname?: unknown } }).cert?.subjectaltname;
    const held = typeof names === 'string' && names !== '' ? `it names ${printable(names)}` : 'it names no host';
    return `The certificate of ${place} is for another host: ${held}. Use one of these names in the URL, or set tls.serverName when you know that this is the right server.`;
  },
};

const clientCertificate: Row = {
  code: 'TRANSPORT_TLS_CLIENT_CERTIFICATE',
  transient: false,
  say: ({ place }, { code }) =>
    `${place} demands a client certificate that it trusts (${code}). Give tls.cert and tls.key, or tls.pfx, of an identity that the server accepts.`,
};

const tls: Row = {
  code: 'TRANSPORT_TLS',
  transient: false,
  say: ({ place }, { code }) =>
    `No TLS connection to ${place} could be agreed on (${code}). Check that the port speaks TLS 1.2 or 1.3, that it shares a cipher with tls.ciphers, and whether it demands a client certificate.`,
};

const rows: ReadonlyMap<string, Row> = new Map(
  (
    [
      [
        unreachable,
        'ECONNREFUSED ENOTFOUND EAI_AGAIN EAI_FAIL EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN EADDRNOTAVAIL EACCES EPERM',
      ],
      [broken, 'ECONNRESET EPIPE ECONNABORTED UND_ERR_SOCKET UND_ERR_RES_CONTENT_LENGTH_MISMATCH UND_ERR_INFO'],
      [broken, 'HPE_INVALID_EOF_STATE HPE_CLOSED_CONNECTION UND_ERR_ABORTED UND_ERR_DESTROYED UND_ERR_CLOSED'],
      [timeout, 'ETIMEDOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT UND_ERR_CONNECT_TIMEOUT'],
      [headers, 'UND_ERR_HEADERS_OVERFLOW HPE_HEADER_OVERFLOW'],
      [expired, 'CERT_HAS_EXPIRED CERT_NOT_YET_VALID'],
      [revoked, 'CERT_REVOKED'],
      [anotherHost, 'ERR_TLS_CERT_ALTNAME_INVALID ERR_TLS_CERT_ALTNAME_FORMAT'],
      [
        untrusted,
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY SELF_SIGNED_CERT_IN_CHAIN',
      ],
      [
        untrusted,
        'DEPTH_ZERO_SELF_SIGNED_CERT CERT_UNTRUSTED CERT_REJECTED INVALID_CA INVALID_PURPOSE CERT_CHAIN_TOO_LONG',
      ],
      [untrusted, 'PATH_LENGTH_EXCEEDED CERT_SIGNATURE_FAILURE UNABLE_TO_DECRYPT_CERT_SIGNATURE HOSTNAME_MISMATCH'],
      [
        unlisted,
        'UNABLE_TO_GET_CRL CRL_HAS_EXPIRED CRL_NOT_YET_VALID CRL_SIGNATURE_FAILURE UNABLE_TO_DECRYPT_CRL_SIGNATURE',
      ],
    ] as const
  ).flatMap(([row, codes]) => codes.split(' ').map((code) => [code, row] as const)),
);

const CERTIFICATE_ALERT =
  /ALERT_(CERTIFICATE_REQUIRED|(BAD|NO|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_(EXPIRED|REVOKED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)$/;

function rowOf({ code, name }: NodeJS.ErrnoException): Row {
  const row = code === undefined ? undefined : rows.get(code);
  if (row !== undefined) return row;
  if (name === 'HTTPParserError') return notHttp;
  if (code === undefined) return broken;
  if (CERTIFICATE_ALERT.test(code)) return clientCertificate;
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') return tls;
  return broken;
}

/** The transport error for whatever a socket, the TLS layer or the HTTP parser threw; one of ours stays as it is. */
export function failureOf(thrown: unknown, scene: Scene): TransportError {
  if (thrown instanceof TransportError) return thrown;
  const error: NodeJS.ErrnoException = asError(thrown);
  const row = rowOf(error);
  return new TransportError(row.code, row.say(scene, error), { cause: error, transient: row.transient });
}
