/** The certificates of the development PKI as rows: what each is for and what makes it so. */
import { type Instant, later } from '../base/clock.ts';
import { type Host, parseHost } from './hosts.ts';
import { EVERY_HOST, type PkiAlgorithm, type PkiSettings } from './settings.ts';
import type { KeyUsage } from './x509.ts';

export type PkiRole = 'root' | 'intermediate' | 'server' | 'client' | 'signing' | 'expired' | 'revoked';

/** One certificate, the same in the RSA and in the EC chain. */
export interface PlannedCertificate {
  readonly name: string;
  readonly role: PkiRole;
  readonly commonName: string;
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly string[];
  readonly hosts: readonly Host[];
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** For a CA: how many CAs may stand below it. */
  readonly pathLength?: number;
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

const DAY = 24 * 60 * 60 * 1000;
/** Room for the clocks of machines that are not quite in step. */
export const SKEW: number = 60 * 60 * 1000;
/** The expired certificate was valid for 30 days, inside the lives of its issuers. */
const EXPIRED_FROM = 31 * DAY;
const EXPIRED_UNTIL = 1 * DAY;

/** Every certificate of one chain, issuers before what they issue. */
export function plan(settings: PkiSettings, algorithm: PkiAlgorithm, now: Instant): readonly PlannedCertificate[] {
  const hosts = [...EVERY_HOST, ...settings.hosts].map(parseHost);
  const chain = algorithm.toUpperCase();
  const notAfter = later(now, settings.days * DAY);
  const ca = {
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
    hosts: [],
    notBefore: later(now, -EXPIRED_FROM),
    notAfter,
  } as const;
  // RSA keys receive encrypted keys, EC keys agree on them (XML Encryption 1.1).
  const leaf = {
    keyUsage: ['digitalSignature', algorithm === 'rsa' ? 'keyEncipherment' : 'keyAgreement'],
    hosts: [],
    notBefore: later(now, -SKEW),
    notAfter,
  } as const;
  const signing = {
    ...leaf,
    role: 'signing',
    keyUsage: [...leaf.keyUsage, 'nonRepudiation'],
    // No purpose is named: RFC 5280 has none for signing messages.
    extendedKeyUsage: [],
  } as const;
  const anyPeer = { ...leaf, hosts, extendedKeyUsage: [SERVER_AUTH, CLIENT_AUTH] } as const;
  return [
    { ...ca, name: 'root', role: 'root', commonName: `DEV ONLY root CA ${chain}`, pathLength: 1 },
    {
      ...ca,
      name: 'intermediate',
      role: 'intermediate',
      commonName: `DEV ONLY intermediate CA ${chain}`,
      pathLength: 0,
    },
    { ...leaf, name: 'server', role: 'server', commonName: 'localhost', extendedKeyUsage: [SERVER_AUTH], hosts },
    ...settings.clients.map(
      (name) => ({ ...leaf, name, role: 'client', commonName: name, extendedKeyUsage: [CLIENT_AUTH] }) as const,
    ),
    // WCF compares the host it calls with the names in the certificate that signed the answer.
    { ...signing, name: 'service-signing', commonName: 'service signing', hosts },
    { ...signing, name: 'client-signing', commonName: 'client signing' },
    {
      ...anyPeer,
      name: 'expired',
      role: 'expired',
      commonName: 'expired',
      notBefore: later(now, -EXPIRED_FROM),
      notAfter: later(now, -EXPIRED_UNTIL),
    },
    { ...anyPeer, name: 'revoked', role: 'revoked', commonName: 'revoked' },
  ];
}
