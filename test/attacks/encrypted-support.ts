/** Two ends that sign and encrypt, and what is shown of every attack on them: nothing is heard, one fault, the expected reason. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect } from 'vitest';
import { type AlgorithmSuite, algorithmSuite } from '../../src/security/algorithm-suites.ts';
import type { SecurityErrorCode } from '../../src/security/errors.ts';
import type { SecurityPolicy } from '../../src/security/policy.ts';
import {
  anonymousForCertificate,
  type MutualCertificateOptions,
  mutualCertificate,
} from '../../src/security/presets/for-certificate.ts';
import {
  type MutualCertificateWss10Options,
  mutualCertificateWss10,
} from '../../src/security/presets/mutual-certificate-wss10.ts';
import { type Issued, issue } from '../security/pki.ts';
import { acceptor, pki, secured } from '../security/rig.ts';
import { fault, receive } from './support.ts';

export interface Ends {
  readonly client: SecurityPolicy;
  readonly service: SecurityPolicy;
}

export interface People {
  readonly root: Issued;
  readonly alice: Issued;
  readonly bob: Issued;
  readonly mallory: Issued;
}

let known: Promise<People> | undefined;

/** One authority for all three; the two ends believe each other's certificate only. */
export function people(): Promise<People> {
  known ??= (async () => {
    const { root, client } = await pki();
    return {
      root,
      alice: client,
      bob: await issue({ name: 'bob', kind: 'rsa' }, root),
      mallory: await issue({ name: 'mallory', kind: 'rsa' }, root),
    };
  })();
  return known;
}

/** CBC, where everything is at stake. */
export const cbc: AlgorithmSuite = algorithmSuite('Basic256Sha256');

export function asymmetricEnds(all: People, more: Partial<MutualCertificateWss10Options> = {}): Ends {
  return {
    client: mutualCertificateWss10({ key: all.alice.key(), peer: all.bob.certificate, ...more }),
    service: mutualCertificateWss10({ key: all.bob.key(), peer: all.alice.certificate, ...more }),
  };
}

export function symmetricEnds(all: People, more: Partial<MutualCertificateOptions> = {}): Ends {
  return {
    client: mutualCertificate({ key: all.alice.key(), peer: all.bob.certificate, ...more }),
    service: mutualCertificate({ key: all.bob.key(), peer: all.alice.certificate, ...more }),
  };
}

export function anonymousEnds(all: People, confirmSignatures = true): Ends {
  return {
    client: anonymousForCertificate({ peer: all.bob.certificate, confirmSignatures }),
    service: anonymousForCertificate({ key: all.bob.key(), confirmSignatures }),
  };
}

/** The octets of an order as the client sends it. */
export async function request({ client }: Ends, seed = 1): Promise<string> {
  return new TextDecoder().decode(await secured(client, undefined, undefined, seed));
}

/** The service refuses `octets`: nothing is heard, the wire says the one fault, at home the code is one of `codes`. */
export async function refused(
  { service }: Ends,
  octets: string,
  ...codes: readonly SecurityErrorCode[]
): Promise<void> {
  const end = acceptor(service);
  const found = await receive(end, octets);
  expect(end.heard).toHaveLength(0);
  expect(found.answer).toBe(fault);
  expect(found.codes).toHaveLength(1);
  expect(codes).toContain(found.codes[0]);
}

/** Codes of replies that an initiator refused while `work` ran. */
export async function refusals(work: () => Promise<unknown>): Promise<readonly string[]> {
  const codes: string[] = [];
  const listen = (event: unknown) => {
    const { event: name, code } = event as { event: string; code?: string };
    if (name === 'reply.refused' && code !== undefined) codes.push(code);
  };
  subscribe('surewire:security', listen);
  try {
    await work().catch(() => undefined);
    return codes;
  } finally {
    unsubscribe('surewire:security', listen);
  }
}

/** The markup of every element of this qualified name, as our writer writes it; none stands in another. */
export function every(text: string, name: string): readonly string[] {
  return text.match(new RegExp(`<${name}[ >].*?</${name}>`, 'gs')) ?? [];
}

/** The element with other octets in its last CipherValue. */
export function withCiphertext(element: string, change: (octets: Buffer) => Buffer): string {
  const at = element.lastIndexOf('<xenc:CipherValue>') + 18;
  const end = element.indexOf('<', at);
  const octets = change(Buffer.from(element.slice(at, end), 'base64'));
  return element.slice(0, at) + octets.toString('base64') + element.slice(end);
}
