/** How a session with gSOAP is protected: what its programs are told for each mode, and what our end does. */
import { later, systemClock } from '../../src/base/clock.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { type AlgorithmSuite, algorithmSuite, unsafeSuiteRsa15 } from '../../src/security/algorithm-suites.ts';
import { security } from '../../src/security/element.ts';
import type { SigningKey } from '../../src/security/keys.ts';
import { type SecurityPolicy, usernameOverTransport } from '../../src/security/policy.ts';
import { issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import type { IssuedToken } from '../../src/security/protection.ts';
import { type ConfirmationMethod, type SamlVersion, saml11, saml20 } from '../../src/security/tokens/saml.ts';
import type { SamlIssuer, SamlRequirement } from '../../src/security/tokens/saml-conditions.ts';
import { writeAssertion } from '../../src/security/tokens/saml-write.ts';
import { trustPeers } from '../../src/security/trust.ts';
import type { Parties } from './parties.ts';
import { keyOf, signing } from './surewire-party.ts';

export type GsoapMode =
  | 'username'
  | 'digest'
  | 'sign'
  | 'sign-user'
  | 'sign-encrypt'
  | 'sign-encrypt-oaep'
  | 'sign-encrypt-gcm'
  | 'saml11'
  | 'saml20'
  | 'vouched';

interface Mode {
  readonly name: string;
  /** Options of gsoap/protection.h besides those of keys. */
  readonly options: readonly string[];
  readonly signs?: boolean;
  readonly encrypts?: boolean;
  readonly asserts?: boolean;
  readonly policy: (own: Own, messages: Parties) => SecurityPolicy;
}

type Own = 'client' | 'service';

/** RSA-1.5 and CBC, which is what wsseapi encrypts with. */
const rsa15 = algorithmSuite('Basic256Sha256Rsa15', { unsafe: [unsafeSuiteRsa15], reading: 'wcf' });
/** OAEP with SHA-1, as the URI says that wsseapi writes. */
const oaep = algorithmSuite('Basic256Sha256', { reading: 'wcf' });

const username = (form: 'text' | 'digest') => ({ user: 'alice', password: 'secret', form }) as const;
const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };

const named =
  (form: 'text' | 'digest'): Mode['policy'] =>
  (own) =>
    usernameOverTransport(own === 'client' ? { username: username(form) } : { passwords });

const encrypted =
  (suite: AlgorithmSuite): Mode['policy'] =>
  (own, { of }) =>
    mutualCertificateWss10({ key: keyOf(of[own]), peer: of[other(own)].certificate, suite });

/** What gsoap/assertion.c says and asks. */
const issuer = 'urn:surewire:interop:issuer';
const audience = 'urn:surewire:interop:service';

const vouched =
  (version: SamlVersion): Mode['policy'] =>
  (own, messages) => {
    const common = { confirmation: 'bearer', suite: oaep } as const;
    if (own === 'service') {
      return issuedTokenOverTransport({
        ...common,
        saml: { issuers: issuers(messages), audiences: [audience] },
      });
    }
    return issuedTokenOverTransport({ ...common, token: () => assertionOf(version, keyOf(messages.of.issuer)) });
  };

/** Whose assertions are believed. */
function issuers({ of }: Parties): readonly SamlIssuer[] {
  return [{ name: issuer, trust: trustPeers(of.issuer.certificate) }];
}

/** What the sender of a message vouches for: no issuer has signed it. */
function attested(messages: Parties): SamlRequirement {
  return {
    issuers: issuers(messages),
    audiences: [audience],
    confirmations: ['sender-vouches'],
    unsigned: true,
  };
}

/** @param key of the issuer; absent where the sender vouches */
async function assertionOf(version: SamlVersion, key: SigningKey | undefined): Promise<IssuedToken> {
  const now = systemClock.now();
  const method: ConfirmationMethod = key === undefined ? 'sender-vouches' : 'bearer';
  const draft = {
    ...{ version, id: `_${crypto.randomUUID()}`, issuer, audiences: [audience], subject: { name: 'alice' } },
    ...{ issued: now, notBefore: now, notOnOrAfter: later(now, 300_000), confirmation: { method } },
  };
  const assertion = await writeAssertion(draft, key && { key });
  return { assertion, bearer: key !== undefined };
}

const modes: Readonly<Record<GsoapMode, Mode>> = {
  username: { name: 'user name and password', options: ['-U', 'text'], policy: named('text') },
  digest: { name: 'user name and digest of the password', options: ['-U', 'digest'], policy: named('digest') },
  sign: { name: 'signed with X.509', options: [], signs: true, policy: (own, all) => signing(all, own) },
  'sign-user': {
    name: 'signed with X.509, user name and digest of the password inside',
    options: ['-U', 'digest'],
    signs: true,
    policy: (own, all) => signing(all, own, own === 'client' ? { username: username('digest') } : { passwords }),
  },
  'sign-encrypt': {
    name: 'signed and encrypted (RSA-1.5, AES-256-CBC)',
    options: [],
    encrypts: true,
    policy: encrypted(rsa15),
  },
  'sign-encrypt-oaep': {
    name: 'signed and encrypted (RSA-OAEP, AES-256-CBC)',
    options: ['-X', 'oaep'],
    encrypts: true,
    policy: encrypted(oaep),
  },
  'sign-encrypt-gcm': {
    name: 'signed and encrypted (RSA-OAEP, AES-256-GCM)',
    options: ['-X', 'gcm'],
    encrypts: true,
    policy: encrypted(algorithmSuite('Aes256GcmSha256')),
  },
  saml11: { name: 'SAML 1.1 assertion of a bearer', options: ['-S', 'saml11'], asserts: true, policy: vouched(saml11) },
  saml20: { name: 'SAML 2.0 assertion of a bearer', options: ['-S', 'saml20'], asserts: true, policy: vouched(saml20) },
  vouched: {
    name: 'signed with X.509, vouching for a SAML 2.0 assertion',
    options: ['-S', 'saml20'],
    signs: true,
    policy: (own, all) =>
      signing(all, own, own === 'client' ? { token: () => assertionOf(saml20, undefined) } : { saml: attested(all) }),
  },
};

export function protectionName(mode: GsoapMode): string {
  return modes[mode].name;
}

/** Options of gSOAP's programs, as the party `own`. */
export function protectionArguments(
  mode: GsoapMode | undefined,
  own: Own,
  { of, authorityFile }: Parties,
): readonly string[] {
  if (mode === undefined) return [];
  const { options, signs = false, encrypts = false, asserts = false } = modes[mode];
  const issues = asserts && own === 'client';
  return [
    ...options,
    ...(signs || encrypts ? ['-K', of[own].keyFile, '-C', of[own].certificateFile, '-A', authorityFile] : []),
    ...(encrypts ? ['-E', of[other(own)].certificateFile] : []),
    ...(issues ? ['-I', of.issuer.keyFile, '-J', of.issuer.certificateFile] : []),
    ...(asserts && !issues ? ['-A', authorityFile] : []),
  ];
}

/** Message security of our end, as the party `own`. */
export function protectionOf(mode: GsoapMode, own: Own, messages: Parties): BindingElement {
  return security(modes[mode].policy(own, messages));
}

function other(own: Own): Own {
  return own === 'client' ? 'service' : 'client';
}
