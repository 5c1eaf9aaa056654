/**
 * Every attack starts from a valid signed message, changes it, and shows three things: the application hears nothing, the
 * wire says the one public fault and not an octet more, and at home the reason is the expected one.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { beforeAll, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { base64Digest } from '../../src/security/crypto.ts';
import type { SecurityErrorCode } from '../../src/security/errors.ts';
import { insideHeader } from '../../src/security/header.ts';
import type { SigningKey } from '../../src/security/keys.ts';
import { signedInfoOctets, writeSignature } from '../../src/security/signature.ts';
import { type SignatureAlgorithm, sha256 } from '../../src/security/suites.ts';
import { writeTimestamp } from '../../src/security/timestamp.ts';
import { writeBinaryToken, writeTokenReference } from '../../src/security/tokens/x509.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { type Acceptor, acceptor, type Pki, pki, policyOf, secured, start } from '../security/rig.ts';

export const fault: string =
  '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body xmlns:s="http://www.w3.org/2003/05/soap-envelope">' +
  '<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:c="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">' +
  'c:InvalidSecurity</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">An error was discovered processing the ' +
  'wsse:Security header.</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>';

export interface Stage {
  readonly pki: Pki;
  /** A valid message of the client to the service. */
  readonly valid: string;
}

export type Tamper = (valid: string, stage: Stage) => string | Promise<string>;

/** One test for each attack: name, the code it is refused with at home, the change. */
export function attacks(
  cases: readonly (readonly [name: string, code: SecurityErrorCode | readonly SecurityErrorCode[], tamper: Tamper])[],
): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await prepare();
  });
  test('the message that is attacked is accepted as it is', async () => {
    const end = service(stage);
    expect(await end.receive(stage.valid)).toBeUndefined();
    expect(end.heard).toHaveLength(1);
  });
  for (const [name, code, tamper] of cases) {
    test(name, async () => {
      const attacked = await tamper(stage.valid, stage);
      expect(attacked).not.toBe(stage.valid);
      const end = service(stage);
      const { answer, codes } = await receive(end, attacked);
      expect(end.heard).toHaveLength(0);
      expect(answer).toBe(fault);
      expect(codes).toHaveLength(1);
      expect([code].flat()).toContain(codes[0]);
    });
  }
}

export async function prepare(): Promise<Stage> {
  const all = await pki();
  const valid = new TextDecoder().decode(await secured(policyOf(all.client, all.root)));
  return { pki: all, valid };
}

export function service({ pki: all }: Stage): Acceptor {
  return acceptor(policyOf(all.service, all.root));
}

/** Hands octets to an acceptor and collects the codes of refusals. */
export async function receive(
  end: Acceptor,
  octets: string | Uint8Array,
): Promise<{ readonly answer: string | undefined; readonly codes: readonly string[] }> {
  const codes: string[] = [];
  const listen = (event: unknown) => {
    const { event: name, code } = event as { event: string; code?: string };
    if (name === 'message.refused' && code !== undefined) codes.push(code);
  };
  subscribe('surewire:security', listen);
  try {
    return { answer: await end.receive(octets), codes };
  } finally {
    unsubscribe('surewire:security', listen);
  }
}

/** The markup of the first element with this qualified name, as our writer writes it. */
export function cut(from: string, name: string): string {
  const begin = from.search(new RegExp(`<${name}[ >]`));
  const end = from.indexOf(`</${name}>`, begin);
  if (begin === -1 || end === -1) throw new Error(`There is no ${name}`);
  return from.slice(begin, end + name.length + 3);
}

/** `text` with exactly one place changed. */
export function swap(text: string, what: string, by: string): string {
  const at = text.indexOf(what);
  if (at === -1) throw new Error(`There is no ${what.slice(0, 60)}`);
  return text.slice(0, at) + by + text.slice(at + what.length);
}

/** The same element under another id, and with other content. */
export function evil(element: string, from: string, to: string): string {
  return swap(element.replace(/wsu:Id="[^"]*"/, 'wsu:Id="evil"'), from, to);
}

/** Which header blocks a craft has, by qualified name with its namespace. */
export interface CraftOptions {
  readonly key: SigningKey;
  readonly algorithm?: SignatureAlgorithm;
  /** Header blocks, each with or without wsu:Id; those with one are signed unless `skip` names their id. */
  readonly blocks?: readonly string[];
  readonly body?: string;
  readonly skip?: readonly string[];
  readonly timestamp?: string | undefined;
  /** Changes the content of SignedInfo before it is signed. */
  readonly signedInfo?: (content: string) => string;
  /** Changes KeyInfo's content. */
  readonly keyReference?: string;
  /** Replaces the BinarySecurityToken. */
  readonly token?: string;
  /** More markup in the Security header, before the signature. */
  readonly extra?: string;
  readonly value?: (value: Uint8Array) => Uint8Array;
}

const wsuName = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const soap = 'http://www.w3.org/2003/05/soap-envelope';
export const action: string = `<a:Action xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:wsu="${wsuName}" wsu:Id="action">urn:orders/place</a:Action>`;
export const body: string = `<s:Body xmlns:s="${soap}" xmlns:wsu="${wsuName}" wsu:Id="body"><o:Order xmlns:o="urn:orders"></o:Order></s:Body>`;

/** A message signed by hand, for what our own writer would never write. */
export async function craft(options: CraftOptions): Promise<string> {
  const { key, blocks = [action], skip = [] } = options;
  const algorithm = options.algorithm ?? key.algorithm;
  const timestamp =
    'timestamp' in options ? (options.timestamp ?? '') : writeTimestamp('time', instant(start), 300_000);
  const parts = [options.body ?? body, timestamp, ...blocks, options.extra ?? ''].filter((part) => part !== '');
  const references = parts.flatMap((part) => {
    const id = /wsu:Id="([^"]*)"/.exec(part)?.[1];
    if (id === undefined || skip.includes(id)) return [];
    const { bytes } = XmlFragment.parse(part);
    return [
      `<ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform>` +
        `</ds:Transforms><ds:DigestMethod Algorithm="${sha256.uri}"></ds:DigestMethod>` +
        `<ds:DigestValue>${base64Digest(sha256, bytes)}</ds:DigestValue></ds:Reference>`,
    ];
  });
  const plain =
    '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>' +
    `<ds:SignatureMethod Algorithm="${algorithm.uri}"></ds:SignatureMethod>${references.join('')}`;
  const content = options.signedInfo?.(plain) ?? plain;
  const value = await key.sign(algorithm, signedInfoOctets(content));
  const reference = options.keyReference ?? insideHeader(writeTokenReference('direct', key.certificate, 'token'));
  const token = options.token ?? insideHeader(writeBinaryToken('token', key.certificate));
  const signature = writeSignature(content, options.value?.(value) ?? value, reference);
  return (
    `<s:Envelope xmlns:s="${soap}"><s:Header>${blocks.join('')}` +
    `<wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" s:mustUnderstand="1">` +
    `${timestamp}${token}${options.extra ?? ''}${signature}</wsse:Security></s:Header>${options.body ?? body}</s:Envelope>`
  );
}
