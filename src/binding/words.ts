/** A description in plain words: what goes over the wire, and what either end has to supply. */
import type { BindingDescription, SecurityDescription } from './description.ts';
import { authenticationModes } from './modes.ts';
import type { AuthenticationModeName } from './names.ts';
import { obstacles } from './obstacles.ts';

export type Line = readonly [label: string, text: string];

/** Who is proven by what, in each mode. */
const modes: Readonly<Record<AuthenticationModeName, string>> = Object.freeze({
  UserNameOverTransport: 'TLS protects each message; a user name and password in it says who sent it',
  CertificateOverTransport: 'TLS protects each message; a certificate signs its timestamp and so says who sent it',
  IssuedTokenOverTransport: 'TLS protects each message; a token of a security token service says who sent it',
  KerberosOverTransport: 'TLS protects each message; a Kerberos ticket says who sent it',
  SspiNegotiatedOverTransport: 'TLS protects each message; a Windows negotiation says who sent it',
  MutualCertificate: 'both ends sign and encrypt with certificates',
  MutualCertificateDuplex: 'both ends sign and encrypt with certificates that stand in the messages',
  AnonymousForCertificate: "signed and encrypted for the service's certificate; the client stays unknown",
  UserNameForCertificate:
    "signed and encrypted for the service's certificate; a user name and password inside says who sent it",
  IssuedTokenForCertificate:
    "signed and encrypted for the service's certificate; a token of a security token service says who sent it",
  IssuedToken: 'signed and encrypted with the key of a token of a security token service',
  Kerberos: 'signed and encrypted with a Kerberos ticket',
  AnonymousForSslNegotiated: 'as AnonymousForCertificate, with the certificate asked for in SOAP (TLSNEGO)',
  MutualSslNegotiated: 'as MutualCertificate, with the certificates shown in SOAP (TLSNEGO)',
  UserNameForSslNegotiated: 'as UserNameForCertificate, with the certificate asked for in SOAP (TLSNEGO)',
  IssuedTokenForSslNegotiated: 'as IssuedTokenForCertificate, with the certificate asked for in SOAP (TLSNEGO)',
  SspiNegotiated: 'signed and encrypted with a key that Windows negotiates',
  SecureConversation: 'a security context token, asked for first, signs everything after it',
});

/** What the client supplies, and what the service. */
const supplies: Readonly<Record<string, readonly [client: string, service: string]>> = Object.freeze({
  username: ['username', 'passwords'],
  certificate: ['key, peer', 'key, trust'],
  'certificate over TLS': ['key', 'trust'],
  'issued-token': ['token', 'saml'],
  none: ['peer', 'key'],
});

/** @returns label and text of each line, the same for every source of a description */
export function plainly(description: BindingDescription): readonly Line[] {
  const { transport, encoding, reliableSession: reliable, security, limits } = description;
  const lines: Line[] = [
    ['binding', description.kind],
    ['transport', transportWords(description)],
    [
      'messages',
      `SOAP ${encoding.soap.name} as ${encoding.kind}, ${encoding.addressing === undefined ? 'no WS-Addressing' : `WS-Addressing ${encoding.addressing.name}`}, ` +
        `at most ${limits.maxReceivedMessageSize} octets`,
    ],
    [
      'session',
      reliable === undefined
        ? 'none: each message by itself'
        : `reliable, WS-ReliableMessaging ${reliable.version.name}, ${reliable.ordered ? 'in order' : 'in any order'}, ` +
          `given up after ${reliable.inactivityTimeout / 1_000} s of silence`,
    ],
    ...securityLines(security, transport.tls),
  ];
  const missing = obstacles(description);
  lines.push(['works here', missing.length === 0 ? 'yes' : `no: ${missing.join(' ')}`]);
  return Object.freeze(lines);
}

function transportWords({ transport }: BindingDescription): string {
  const name = {
    http: 'HTTP',
    websocket: 'WebSocket',
    dual: 'HTTP, one connection from each end',
    fetched: 'HTTP, answers wait until they are fetched (MakeConnection)',
  }[transport.kind];
  const tls = transport.tls ? `${name} over TLS` : `${name} without TLS`;
  return transport.clientCertificate ? `${tls}; the client shows a certificate` : tls;
}

function securityLines(security: SecurityDescription | undefined, tls: boolean): readonly Line[] {
  if (security === undefined) {
    return [
      ['security', tls ? 'TLS only: it ends where TLS ends' : 'none: anybody on the way reads and changes messages'],
    ];
  }
  const { mode, bootstrap, versions } = security;
  const level = security.protection === 'Sign' ? '; signed only, nothing is encrypted' : '';
  const lines: Line[] = [['security', `${mode}: ${modes[mode]}${level}`]];
  if (bootstrap !== undefined) lines.push(['first message', `${bootstrap.mode}: ${modes[bootstrap.mode]}`]);
  const isUsed = mode !== 'UserNameOverTransport';
  const sha1 = !isUsed
    ? '; nothing of it is used, because nothing is signed'
    : security.suite.includes('Sha')
      ? ''
      : '; it signs with SHA-1, take it by `unsafe: [unsafeSuiteSha1]`';
  lines.push(
    ['algorithms', `${security.suite}${sha1}`],
    [
      'versions',
      `WS-Security ${versions.wss}, WS-SecureConversation and WS-Trust ${versions.conversation.name}, WS-SecurityPolicy ${versions.policy}`,
    ],
  );
  const first = bootstrap ?? security;
  const { client, binding } = authenticationModes[first.mode];
  const over = binding === 'transport';
  const own = supplies[client === 'certificate' && over ? 'certificate over TLS' : client];
  if (own !== undefined) {
    const also = (name: string) => (over || client === 'none' || client === 'certificate' ? '' : `${name}, `);
    const digest = first.passwordDigest ? ", with form: 'digest'" : '';
    lines.push(['client gives', `${also('peer')}${own[0]}${digest}`], ['service gives', `${also('key')}${own[1]}`]);
  }
  return lines;
}
