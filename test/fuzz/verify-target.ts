/**
 * Signed messages, changed. Whatever is accepted delivers exactly what one of the signers signed, and the peers that share no code
 * with us call it valid too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, certificates } from '../../src/security/certificates.ts';
import { type SecurityPolicy, x509Signed } from '../../src/security/policy.ts';
import { type Trust, trustChain } from '../../src/security/trust.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { order, type Pki, pki, policyOf, secured, start } from '../security/rig.ts';
import { hand } from './hand.ts';
import { hasXmlsec, xmlCryptoVerifies, xmlsecSays } from './peers.ts';
import { Finding, type Target } from './target.ts';

/** Messages that xmlsec is asked about at once, and those of them that xml-crypto is, which takes a hundred times as long. */
const QUESTIONS = 200;
const FEW = 4;

const pem = ({ der }: Certificate): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

/** What the corpus holds was signed once and for all. */
const DAY = 86_400_000;
const MONTH = 30 * DAY;
const peers = join(import.meta.dirname, 'corpus/signed-by-wss4j');
const PEERS = 2;

function signedByPeers(): readonly string[] {
  return ['rsa-sha256.xml', 'ecdsa-sha384.xml'].map((file) => readFileSync(join(peers, file), 'utf8'));
}

function included(text: string): readonly Certificate[] {
  const token = /BinarySecurityToken[^>]*>([^<]*)</.exec(text)?.[1] ?? '';
  return certificates(new Uint8Array(Buffer.from(token, 'base64')));
}

interface Accepted {
  readonly text: string;
  readonly certificate: string;
}

export async function verifyTarget(): Promise<Target> {
  const all = await pki();
  const known = [all.client.certificate, all.service.certificate];
  const anchors = [...certificates(readFileSync(join(peers, 'authority.pem'), 'utf8')), all.root.certificate];
  const policy = receiving(all, trustChain({ anchors, known }));
  const seeds = [...(await signed(all)), ...signedByPeers()];
  const genuine = new Set<string>();
  for (const seed of seeds) {
    const { said, delivered } = await hand(policy, Buffer.from(seed), start + DAY);
    if (delivered === undefined) throw new Error(`a seed is not accepted: ${said}`);
    genuine.add(delivered);
  }
  const certified = new Map(known.map((one) => [one.keyFingerprint, pem(one)]));
  for (const one of seeds.slice(-PEERS).flatMap(included)) certified.set(one.keyFingerprint, pem(one));
  const asked: Accepted[] = [];
  const originals = new Set(seeds);
  return {
    name: 'verify',
    seeds,
    async handle(octets) {
      const { said, delivered, internal } = await hand(policy, octets, start + DAY);
      if (internal !== undefined) throw new Finding(`an internal error: ${internal}`, octets, internal);
      if (delivered === undefined) return said;
      if (!genuine.has(delivered)) throw new Finding(`accepted, and nobody signed it: ${delivered}`, octets);
      const text = textOf(octets);
      if (originals.has(text)) return 'unchanged';
      const certificate = certified.get(delivered.slice(0, delivered.indexOf('\n'))) ?? '';
      if (asked.length < QUESTIONS) asked.push({ text, certificate });
      return 'accepted';
    },
    ask: () => secondOpinion(asked.splice(0)),
  };
}

/** libxml2 reads it and warns of it: namespace names are compared, never resolved, and an xml:id is any name here. */
const warning = /is not a valid URI|is not an NCName/;

/** As peers get it: they are asked about characters, not about octets. */
function textOf(octets: Uint8Array): string {
  const encoding = octets[0] === 0xff ? 'utf-16le' : octets[0] === 0xfe ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(octets).replace(/^<\?xml[^>]*\?>/, '');
}

/** Accepted here and called invalid by either peer is a finding; where a peer cannot read the form, its reason is told. */
function secondOpinion(asked: readonly Accepted[]): readonly Finding[] {
  const opinions = hasXmlsec && asked.length > 0 ? xmlsecSays(asked) : asked.map(() => 'valid');
  return asked.flatMap(({ text, certificate }, at) => {
    const octets = Buffer.from(text);
    const findings: Finding[] = [];
    if (opinions[at] !== 'valid' && !warning.test(opinions[at] ?? ''))
      findings.push(new Finding(`xmlsec rejects it: ${opinions[at]}`, octets));
    // xml-crypto has no ECDSA.
    if (at < FEW && text.includes('#rsa-sha256') && !xmlCryptoVerifies(text, certificate))
      findings.push(new Finding('xml-crypto rejects it', octets));
    return findings;
  });
}

function receiving(all: Pki, trust: Trust): SecurityPolicy {
  return x509Signed({ key: all.stranger.key(), trust, freshness: { lifetime: MONTH, skew: MONTH } });
}

/** A signed message in each SOAP version, under RSA and ECDSA, by each reference, with a token that is signed. */
async function signed(all: Pki): Promise<readonly string[]> {
  const seeds: string[] = [];
  for (const own of [all.client, all.service]) {
    for (const version of [soap11, soap12]) {
      const made = await secured(policyOf(own, all.root), order(version), start, seeds.length);
      seeds.push(Buffer.from(made).toString());
    }
    for (const reference of ['thumbprint', 'issuer-serial'] as const) {
      const made = await secured(policyOf(own, all.root, { reference }), order(soap12, 'a:b c'), start, seeds.length);
      seeds.push(Buffer.from(made).toString());
    }
    const made = await secured(policyOf(own, all.root, { signToken: true }), order(), start, seeds.length);
    seeds.push(Buffer.from(made).toString());
  }
  return seeds;
}
