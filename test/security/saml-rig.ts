/** An issuer of assertions, a service that requires them, and drafts of both versions. */
import { type Instant, instant, VirtualClock } from '../../src/base/clock.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { type SamlVersion, saml20 } from '../../src/security/tokens/saml.ts';
import { readAssertion } from '../../src/security/tokens/saml-assertion.ts';
import type { SamlRequirement } from '../../src/security/tokens/saml-conditions.ts';
import {
  admitAssertion,
  type Confirmation,
  type SamlToken,
  type SenderProof,
  validateAssertion,
} from '../../src/security/tokens/saml-validate.ts';
import { type AssertionDraft, type AssertionSigning, writeAssertion } from '../../src/security/tokens/saml-write.ts';
import { trustPeers } from '../../src/security/trust.ts';
import type { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { type Issued, issue } from './pki.ts';

export const samlStart: Instant = instant(Date.UTC(2026, 10, 22, 12));
export const audience = 'https://service.example/soap';
export const issuerName = 'https://sts.example/';

let shared: Promise<Readonly<Record<'issuer' | 'other' | 'holder', Issued>>> | undefined;
export function parties(): Promise<Readonly<Record<'issuer' | 'other' | 'holder', Issued>>> {
  shared ??= (async () => ({
    issuer: await issue({ name: 'sts', kind: 'rsa' }),
    other: await issue({ name: 'other sts' }),
    holder: await issue({ name: 'holder' }),
  }))();
  return shared;
}

export function draft(version: SamlVersion = saml20, more: Partial<AssertionDraft> = {}): AssertionDraft {
  return {
    version,
    id: '_4f5ddbe6a1b04a5c',
    issuer: issuerName,
    issued: samlStart,
    notOnOrAfter: instant(samlStart + 600_000),
    audiences: [audience],
    subject: { name: 'alice@example.org', format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress' },
    confirmation: { method: 'bearer' },
    attributes: new Map([['urn:claims/role', ['buyer', 'R&D']]]),
    ...more,
  };
}

export async function requirement(more: Partial<SamlRequirement> = {}): Promise<SamlRequirement> {
  const { issuer } = await parties();
  return {
    issuers: [{ name: issuerName, trust: trustPeers(issuer.certificate) }],
    audiences: [audience],
    confirmations: ['bearer', 'holder-of-key', 'sender-vouches'],
    ...more,
  };
}

export async function written(of: AssertionDraft = draft(), more: Partial<AssertionSigning> = {}): Promise<string> {
  const { issuer } = await parties();
  return (await writeAssertion(of, { key: issuer.key(), ...more })).toString();
}

/** The assertion that is the root of a text, or its first descendant that `pick` names. */
export async function validated(
  text: string | XmlFragment,
  required?: SamlRequirement,
  at: Instant = samlStart,
): Promise<SamlToken> {
  const { root } = scan(Buffer.from(text.toString()));
  return validateAssertion(readAssertion(root), required ?? (await requirement()), at);
}

const noProof: SenderProof = { keys: new Set(), secrets: [], attested: false, confidential: false };

export function admitted(
  token: SamlToken,
  proof: Partial<SenderProof>,
  replay: MemoryReplayCache = new MemoryReplayCache(),
): Promise<Confirmation> {
  return admitAssertion(token, { ...noProof, ...proof }, replay, new VirtualClock(samlStart).now());
}
