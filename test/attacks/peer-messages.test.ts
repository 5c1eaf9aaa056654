/**
 * X1 to X18 on messages of Metro and WSS4J: of each, one element after the other is taken out, copied before and behind itself, copied
 * with other words, wrapped, moved into the Body and into the Security header, or has its text changed. Whatever comes out: refused, or
 * what is heard is what the peer signed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Instant, instant } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { certificates } from '../../src/security/certificates.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { signingKey } from '../../src/security/keys.ts';
import { type SecurityPolicy, x509Signed } from '../../src/security/policy.ts';
import {
  anonymousForCertificate,
  mutualCertificate,
  userNameForCertificate,
} from '../../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { readTime } from '../../src/security/timestamp.ts';
import { trustChain } from '../../src/security/trust.ts';
import { examine } from '../../src/security/verify.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { pki, read } from '../security/rig.ts';

const captures = join(import.meta.dirname, '../../../shared/captures');
const there = existsSync(captures);
if (!there) console.info(`messages of Metro are not attacked: ${captures} is absent`);
const wss4j = join(import.meta.dirname, '../fuzz/corpus/signed-by-wss4j');

interface Signed {
  readonly text: string;
  readonly policy: SecurityPolicy;
}

function recorded(run: string): string {
  const octets = readFileSync(join(captures, run, '001-request.http'));
  return octets.subarray(octets.indexOf('\r\n\r\n') + 4).toString('utf8');
}

function party(name: string) {
  const file = (kind: string) => readFileSync(join(captures, 'pki', `${name}.${kind}.pem`), 'utf8');
  return signingKey({ privateKey: file('key'), certificate: file('cert') });
}

const suite = algorithmSuite('Basic256', { unsafe: [unsafeSuiteSha1] });
const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };

const messages: readonly (readonly [name: string, isThere: boolean, make: () => Promise<Signed>])[] = [
  ...['rsa-sha256.xml', 'ecdsa-sha384.xml'].map(
    (file) =>
      [
        `WSS4J, ${file}`,
        true,
        async () => {
          const anchors = certificates(readFileSync(join(wss4j, 'authority.pem'), 'utf8'));
          const policy = x509Signed({ key: (await pki()).stranger.key(), trust: trustChain({ anchors }) });
          return { text: readFileSync(join(wss4j, file), 'utf8'), policy };
        },
      ] as const,
  ),
  [
    'Metro, mutual certificates of WSS 1.0',
    there,
    async () => ({
      text: recorded('metro-mutual10'),
      policy: mutualCertificateWss10({ key: party('bob'), peer: party('alice').certificate, suite }),
    }),
  ],
  [
    'Metro, mutual certificates of WSS 1.1',
    there,
    async () => ({
      text: recorded('metro-mutual11'),
      policy: mutualCertificate({
        key: party('bob'),
        peer: party('alice').certificate,
        suite,
        confirmSignatures: false,
      }),
    }),
  ],
  [
    'Metro, a user name for a certificate',
    there,
    async () => ({
      text: recorded('metro-user11'),
      policy: userNameForCertificate({ key: party('bob'), passwords, suite }),
    }),
  ],
  [
    'Metro, anonymous for a certificate',
    there,
    async () => ({
      text: recorded('metro-anon11'),
      policy: anonymousForCertificate({ key: party('bob'), suite, confirmSignatures: false }),
    }),
  ],
];

/** What an application would hear, in one text. */
async function heard({ policy }: Signed, text: string, now: Instant): Promise<string> {
  const around = { now, replay: { remember: () => true }, peer: undefined };
  const { message, evidence } = await examine(read(text), policy.inbound, around);
  const blocks = message.headers.map((block) => block.fragment.toString()).sort();
  const parts = [...evidence.signed, ...evidence.encrypted].sort();
  const who = [...evidence.signers, evidence.user].map((one) => one?.identity);
  return [message.action, ...blocks, message.body.toString(), ...who, ...parts].join('\n');
}

type Change = (
  text: string,
  one: XmlElement,
  around: { readonly body: XmlElement; readonly security: XmlElement },
) => string;

const put = (text: string, at: number, what: string): string => text.slice(0, at) + what + text.slice(at);
const of = (text: string, { start, end }: XmlElement): string => text.slice(start, end);
const without = (text: string, { start, end }: XmlElement): string => text.slice(0, start) + text.slice(end);
const other = (markup: string): string =>
  markup.replaceAll(/(\b(?:\w+:)?Id)="[^"]*"/g, '$1="evil"').replace(/>([^<\s][^<]*)</, '>evil<');
const inside = (text: string, into: XmlElement, what: string): string =>
  put(text, text.lastIndexOf('<', into.end - 1), what);

const changes: Readonly<Record<string, Change>> = {
  'taken out': (text, one) => without(text, one),
  'copied before itself': (text, one) => put(text, one.start, of(text, one)),
  'copied behind itself': (text, one) => put(text, one.end, of(text, one)),
  'copied before itself with other words': (text, one) => put(text, one.start, other(of(text, one))),
  'copied behind itself with other words': (text, one) => put(text, one.end, other(of(text, one))),
  'with other words': (text, one) =>
    text.slice(0, one.start) + of(text, one).replace(/>([^<\s][^<]*)</, '>evil<') + text.slice(one.end),
  wrapped: (text, one) =>
    `${text.slice(0, one.start)}<x:W xmlns:x="urn:x">${of(text, one)}</x:W>${text.slice(one.end)}`,
  'put behind the Body in a wrapper, other words in its place': (text, one) => {
    const moved = `<x:W xmlns:x="urn:x">${of(text, one)}</x:W>`;
    const replaced = text.slice(0, one.start) + other(of(text, one)) + text.slice(one.end);
    return put(replaced, replaced.lastIndexOf('</'), moved);
  },
  'put into the header in a wrapper, other words in its place': (text, one, { security }) => {
    if (one.contains(security)) return text;
    const moved = `<x:W xmlns:x="urn:x">${of(text, one)}</x:W>`;
    const replaced = text.slice(0, one.start) + other(of(text, one)) + text.slice(one.end);
    const at = security.start > one.end ? security.start - text.length + replaced.length : security.start;
    return security.contains(one) ? put(replaced, security.start, moved) : put(replaced, at, moved);
  },
  'copied into Security': (text, one, { security }) =>
    security.contains(one) || one.contains(security) ? text : inside(text, security, of(text, one)),
};

describe.each(messages.filter(([, isThere]) => isThere))('%s', (_, __, make) => {
  test('any one element of it changed is refused, or changes nothing', async () => {
    const signed = await make();
    const { text } = signed;
    const root = scan(Buffer.from(text)).root;
    // Offsets are of octets; these messages are ASCII.
    expect(Buffer.byteLength(text)).toBe(text.length);
    const arrived = read(text);
    const created = readSecurityHeader(arrived)?.timestamp?.children[0];
    const now = created === undefined ? instant(0) : readTime(created);
    const expected = await heard(signed, text, now);
    const all: XmlElement[] = [];
    const collect = (element: XmlElement): void => {
      all.push(element);
      element.children.forEach(collect);
    };
    root.children.forEach(collect);
    const find = (local: string) => all.find((one) => one.local === local);
    const [body, security] = [find('Body'), find('Security')];
    if (body === undefined || security === undefined) throw new Error('no Body, or no Security');
    const codes = new Map<string, number>();
    for (const [name, change] of Object.entries(changes)) {
      for (const one of all) {
        const changed = change(text, one, { body, security });
        if (changed === text) continue;
        let said: string;
        try {
          const found = await heard(signed, changed, now);
          expect(found, `${one.local} ${name}`).toBe(expected);
          said = 'unchanged';
        } catch (thrown) {
          if (!(thrown instanceof SurewireError)) throw thrown;
          said = thrown.code;
        }
        codes.set(said, (codes.get(said) ?? 0) + 1);
      }
    }
    // Most of it breaks something, and for many reasons.
    expect(codes.size).toBeGreaterThan(6);
    expect([...codes.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(200);
    expect((codes.get('unchanged') ?? 0) / all.length).toBeLessThan(2);
  });
});
