/**
 * TLS at both ends: who we are, whom we trust, and what was proven of the other end. TLS 1.2 with forward secrecy and
 * authenticated ciphers at least (RFC 9325); chain, dates, host name (RFC 6125) and, where lists are given, revocation are
 * always checked: there is no option to switch a check off.
 */
import type { Server as HttpsServer } from 'node:https';
import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContextOptions,
  type TlsOptions as ServerOptions,
  TLSSocket,
} from 'node:tls';
import { asError } from '../base/errors.ts';
import type { Peer } from '../channel/transport.ts';
import { TransportError } from './errors.ts';
import { printable } from './text.ts';

/** PEM text, as a string or as the octets of a file. */
export type Pem = string | Uint8Array;

export interface TlsOptions {
  /** Our certificate, followed by its intermediate certificates. */
  readonly cert?: Pem;
  /** The private key of `cert`. */
  readonly key?: Pem;
  /** Our certificate, its chain and its key as PKCS#12 (`.pfx`, `.p12`), instead of `cert` and `key`. */
  readonly pfx?: Uint8Array;
  /** Opens `key` or `pfx`. */
  readonly passphrase?: string;
  /** The authorities to trust, instead of those that come with Node. A listener needs them to ask for client certificates. */
  readonly ca?: Pem | readonly Pem[];
  /** Revocation lists. When given, every authority of a chain must have a current one. Read once, when the transport is made. */
  readonly crl?: Pem | readonly Pem[];
  /** Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL cipher list; default: ECDHE with AES-GCM or ChaCha20-Poly1305, keys of 112 bits of security or more. */
  readonly ciphers?: string;
  /** Client: the name to ask for and to find in the certificate, when it is not that of the URL. */
  readonly serverName?: string;
  /** Client: replaces the host name check (RFC 6125) by another; returns what is wrong, or `undefined`. */
  readonly checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined;
  /** Client: SHA-256 fingerprints (hex, colons allowed), one of which the server certificate must have, besides all else. */
  readonly pinnedFingerprints?: readonly string[];
  /**
   * Listener: ask clients for a certificate of `ca`? Default `none`. `require` ends the handshake without one; with
   * `request`, a client without a valid one is let in and `peer.certificate` is absent.
   */
  readonly clientCertificate?: 'none' | 'request' | 'require';
}

const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  '@SECLEVEL=2',
].join(':');

/** What `tls.connect` needs besides the address. */
export type ClientTls = (host: string) => ConnectionOptions;

/**
 * The client's side; keys and lists are read once, here.
 *
 * @throws TransportError `TRANSPORT_KEY`
 */
export function clientTls(options: TlsOptions = {}): ClientTls {
  const secureContext = made(() => createSecureContext(contextOptions(options)));
  const check = identityCheck(options);
  return (host) => {
    const name = options.serverName ?? host;
    return {
      secureContext,
      servername: isIP(name) === 0 ? name : '',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      checkServerIdentity: (_, certificate) => check(name, certificate),
    };
  };
}

/**
 * The listener's side.
 *
 * @param handshakeTimeout milliseconds
 * @throws TransportError `TRANSPORT_KEY`
 */
export function serverTls(options: TlsOptions | undefined, handshakeTimeout: number): ServerOptions {
  if (
    options === undefined ||
    (options.pfx === undefined && (options.cert === undefined || options.key === undefined))
  ) {
    throw new TransportError(
      'TRANSPORT_KEY',
      'An https listener needs a certificate and its private key: give tls.cert and tls.key, or tls.pfx.',
    );
  }
  const asks = (options.clientCertificate ?? 'none') !== 'none';
  if (asks && options.ca === undefined) {
    throw new TransportError(
      'TRANSPORT_KEY',
      'To ask clients for certificates, give tls.ca the authorities that issue them; the public ones would let in anybody.',
    );
  }
  return {
    ...contextOptions(options),
    ALPNProtocols: ['http/1.1'],
    requestCert: asks,
    rejectUnauthorized: options.clientCertificate === 'require',
    handshakeTimeout,
  };
}

/** Runs what reads keys and certificates; what OpenSSL says about them becomes `TRANSPORT_KEY`. */
export function made<T>(make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof TransportError) throw thrown;
    const error: NodeJS.ErrnoException = asError(thrown);
    throw new TransportError(
      'TRANSPORT_KEY',
      `The TLS certificate, key, PKCS#12 file, cipher list or revocation list cannot be used (${printable(error.message)}). ` +
        'Certificates, keys and lists are PEM text; check the passphrase, and that key and certificate belong together.',
      { cause: error },
    );
  }
}

/** Publishes refused handshakes by `report`, instead of letting them pass unseen. */
export function onRefusedHandshake(
  server: HttpsServer,
  report: (error: Error, address: string | undefined) => void,
): void {
  server.on('tlsClientError', (error, socket) => report(error, socket.remoteAddress));
}

/** What the connection proves of the other end. Costs a few system calls: ask once a connection. */
export function peerOf(socket: Socket): Peer {
  const address = socket.remoteAddress;
  const where = address === undefined ? undefined : { address };
  if (!(socket instanceof TLSSocket)) return { secure: false, ...where };
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  const known = { secure: true, ...exporterOf(socket), ...where };
  if (certificate === undefined) return known;
  return { ...known, certificate: certificate.raw, fingerprint: plain(certificate.fingerprint256) };
}

/** Before TLS 1.3 two connections may be made to have one value (RFC 9266 section 4.2), and it proves nothing. */
function exporterOf(socket: TLSSocket): Pick<Peer, 'exporter'> {
  if (socket.getProtocol() !== 'TLSv1.3') return {};
  return { exporter: socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)).toString('hex') };
}

function contextOptions(options: TlsOptions): SecureContextOptions {
  const { cert, key, pfx, passphrase, ca, crl } = options;
  return {
    minVersion: options.minVersion ?? 'TLSv1.2',
    ciphers: options.ciphers ?? CIPHERS,
    ...(cert === undefined ? undefined : { cert: octets(cert) }),
    ...(key === undefined ? undefined : { key: octets(key) }),
    ...(pfx === undefined ? undefined : { pfx: Buffer.from(pfx) }),
    ...(passphrase === undefined ? undefined : { passphrase }),
    ...(ca === undefined ? undefined : { ca: list(ca).map((each) => labelled(each, 'CERTIFICATE', 'tls.ca')) }),
    ...(crl === undefined ? undefined : { crl: list(crl).map((each) => labelled(each, 'X509 CRL', 'tls.crl')) }),
  };
}

/** OpenSSL passes silently over an authority that it cannot read; then nothing is trusted and nobody knows why. */
function labelled(pem: Pem, label: string, option: string): Buffer {
  const found = octets(pem);
  if (!found.includes(`-----BEGIN ${label}-----`)) {
    throw new TransportError(
      'TRANSPORT_KEY',
      `${option} holds no PEM block "BEGIN ${label}". Convert DER with openssl first.`,
    );
  }
  return found;
}

function identityCheck(options: TlsOptions): (host: string, certificate: PeerCertificate) => Error | undefined {
  const pins = options.pinnedFingerprints?.map(plain);
  const own = options.checkServerIdentity;
  return (host, certificate) => {
    const wrong = own === undefined ? checkServerIdentity(host, certificate) : refused(own(host, certificate), host);
    if (wrong !== undefined || pins === undefined || pins.includes(plain(certificate.fingerprint256))) return wrong;
    return new TransportError(
      'TRANSPORT_TLS_UNTRUSTED',
      `The certificate of ${host} is not one of tls.pinnedFingerprints. If the server has a new one, pin its SHA-256 fingerprint.`,
    );
  };
}

function refused(wrong: Error | undefined, host: string): Error | undefined {
  if (wrong === undefined) return undefined;
  const reason = `tls.checkServerIdentity refused the certificate of ${host}: ${printable(wrong.message)}`;
  return new TransportError('TRANSPORT_TLS_HOST', reason, { cause: wrong });
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}

function octets(pem: Pem): Buffer {
  return typeof pem === 'string' ? Buffer.from(pem) : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength);
}

function list(pems: Pem | readonly Pem[]): readonly Pem[] {
  return typeof pems === 'string' || pems instanceof Uint8Array ? [pems] : pems;
}
