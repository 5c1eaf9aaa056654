/**
 * OCSP (RFC 6960) against OpenSSL's responder: good, revoked, unknown, stale, signed by whom it may and may not be, nonces; and
 * WCF's modes of trust.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { type Instant, instant } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import type { OcspOptions } from '../../src/security/ocsp.ts';
import { type Trust, trustChain, trustPeers, trustPeersOrChain, unsafeTrustAnyone } from '../../src/security/trust.ts';
import { type Issued, issue } from './pki.ts';

const there = spawnSync('openssl', ['version']).status === 0;
if (!there) console.info('OCSP is not checked against OpenSSL: it is not installed');

let root: Issued;
let between: Issued;
let leaf: Issued;
let other: Issued;
let delegate: Issued;
let folder: string;
/** The oracle has a clock of its own, and this is it. */
const now: Instant = instant(Date.now());
const minute = 60_000;

beforeAll(async () => {
  root = await issue({ name: 'root', ca: true });
  between = await issue({ name: 'between', ca: true }, root);
  leaf = await issue({ name: 'leaf' }, root);
  other = await issue({ name: 'other' }, root);
  delegate = await issue({ name: 'responder', extendedUsages: ['1.3.6.1.5.5.7.3.9'] }, root);
  folder = mkdtempSync(join(tmpdir(), 'surewire-ocsp-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const pem = (one: Issued): string =>
  `-----BEGIN CERTIFICATE-----\n${base64(one.certificate.der).replace(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
const key = (one: Issued): string =>
  KeyObject.from(one.pair.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string;

interface Responder {
  readonly signer?: Issued;
  readonly revoked?: readonly Issued[];
  readonly known?: readonly Issued[];
  readonly more?: readonly string[];
}

/** What OpenSSL's responder says to a request. */
function respond(
  request: Uint8Array,
  { signer = root, revoked = [], known = [leaf, other], more = [] }: Responder = {},
): Uint8Array {
  const rows = known.map((one) => {
    const { serial } = one.certificate;
    return revoked.includes(one)
      ? `R\t400101000000Z\t260101000000Z\t${serial}\tunknown\t/CN=${serial}\n`
      : `V\t400101000000Z\t\t${serial}\tunknown\t/CN=${serial}\n`;
  });
  const output = join(folder, 'response.der');
  execFileSync(
    'openssl',
    [
      'ocsp',
      '-index',
      file('index.txt', rows.join('')),
      '-CA',
      file('ca.pem', pem(root)),
      '-rsigner',
      file('signer.pem', pem(signer)),
      '-rkey',
      file('signer.key', key(signer)),
      '-reqin',
      file('request.der', request),
      '-respout',
      output,
      '-ndays',
      '1',
      ...more,
    ],
    { stdio: 'pipe' },
  );
  return new Uint8Array(readFileSync(output));
}

const asking = (responder: Responder = {}, more: Partial<OcspOptions> = {}): OcspOptions => ({
  fetch: async (request) => respond(request, responder),
  ...more,
});
const trusting = (ocsp: OcspOptions, more: Partial<Parameters<typeof trustChain>[0]> = {}): Trust =>
  trustChain({ anchors: root.certificate, ocsp, revocationMode: 'required', ...more });
const accepts = async (trust: Trust, one: Issued = leaf, at: Instant = now): Promise<void> => {
  await trust.accept(one.certificate, at);
};
const code = (error: string) => expect.objectContaining({ code: error });

describe.skipIf(!there)('OCSP', () => {
  test('good, said by the issuer, and by a responder that it named', async () => {
    await accepts(trusting(asking()));
    await accepts(trusting(asking({ signer: delegate })));
    await accepts(trusting(asking({ signer: delegate }, { nonce: 'required' })));
  });
  test('revoked, and not known to the responder', async () => {
    await expect(accepts(trusting(asking({ revoked: [leaf] })))).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOKED'));
    await expect(accepts(trusting(asking({ known: [other] })))).rejects.toEqual(
      code('SECURITY_CERTIFICATE_REVOCATION'),
    );
  });
  test('signed by whom it must not be: a peer of the same issuer, a stranger of the same name', async () => {
    const stranger = await issue({ name: 'root', ca: true });
    for (const signer of [other, stranger])
      await expect(accepts(trusting(asking({ signer })))).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOCATION'));
  });
  test('signed over SHA-1', async () => {
    const weak = asking({ more: ['-rmd', 'sha1'] });
    await expect(accepts(trusting(weak))).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOCATION'));
  });
  test('an answer to another request; without a nonce where one is required', async () => {
    let earlier: Uint8Array | undefined;
    await accepts(trusting({ fetch: async (request) => (earlier = respond(request)) }));
    const replayed = trusting({ fetch: async () => earlier ?? new Uint8Array() });
    await expect(accepts(replayed)).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOCATION'));
    const silent = (nonce: OcspOptions['nonce']) => {
      // The request without its nonce is the one that OpenSSL makes itself.
      const bare = join(folder, 'bare.der');
      execFileSync(
        'openssl',
        [
          'ocsp',
          '-no_nonce',
          '-issuer',
          file('ca.pem', pem(root)),
          '-cert',
          file('leaf.pem', pem(leaf)),
          '-reqout',
          bare,
        ],
        { stdio: 'pipe' },
      );
      return trusting({ fetch: async () => respond(new Uint8Array(readFileSync(bare))), ...(nonce && { nonce }) });
    };
    await accepts(silent('if-present'));
    await expect(accepts(silent('required'))).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOCATION'));
  });
  test('given beforehand: counts while it is current, and only for its certificate', async () => {
    let given: Uint8Array = new Uint8Array();
    await accepts(trusting({ fetch: async (request) => (given = respond(request)) }));
    const stapled = trusting({ responses: [new Uint8Array([1, 2]), given] });
    await accepts(stapled);
    await expect(accepts(stapled, other)).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOCATION'));
    const tomorrow = instant(now + 25 * 60 * minute);
    await expect(accepts(stapled, leaf, tomorrow)).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOCATION'));
    const early = instant(now - 10 * minute);
    await expect(accepts(trusting({ responses: [given] }), leaf, early)).rejects.toEqual(
      code('SECURITY_CERTIFICATE_REVOCATION'),
    );
    // What is silent is no obstacle where nothing is required.
    await accepts(trusting({ responses: [given] }, { revocationMode: 'available' }), other);
  });
  test('one response revokes, whatever the next says', async () => {
    let revoked: Uint8Array = new Uint8Array();
    const fetch = async (request: Uint8Array) => (revoked = respond(request, { revoked: [leaf] }));
    await expect(accepts(trusting({ fetch }))).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOKED'));
    const available = trusting({ responses: [revoked] }, { revocationMode: 'available' });
    await expect(accepts(available)).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOKED'));
  });
  test('changed at random: an error of this library, or what was signed', async () => {
    let genuine: Uint8Array = new Uint8Array();
    await accepts(trusting({ fetch: async (request) => (genuine = respond(request, { signer: delegate })) }));
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(edits, async (by) => {
        const octets = Uint8Array.from(genuine);
        for (const [at, octet] of by) octets[at % octets.length] = octet;
        const fetch = async () => octets;
        // The nonce is that of another request, so that nothing may be taken at all.
        await expect(accepts(trusting({ fetch }))).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOCATION'));
        await accepts(trusting({ responses: [octets] })).catch((error: unknown) => {
          expect(error).toBeInstanceOf(SurewireError);
        });
      }),
      { numRuns: 150 },
    );
  });
  test('a responder that fails, is late, or answers with something else fails closed, for a while', async () => {
    const failing: readonly OcspOptions['fetch'][] = [
      () => Promise.reject(new Error('down')),
      () => new Promise(() => undefined),
      async () => new Uint8Array([0x30, 0x03, 0x0a, 0x01, 0x06]),
      async () => new Uint8Array(70_000),
      async () => new Uint8Array(),
    ];
    for (const fetch of failing) {
      if (fetch === undefined) continue;
      const trust = trusting({ fetch, timeout: 20 }, { revocationMode: 'available' });
      await expect(accepts(trust)).rejects.toEqual(code('SECURITY_CERTIFICATE_REVOCATION'));
    }
  });
});

describe("WCF's modes", () => {
  test('PeerOrChainTrust: a pinned peer that no authority knows, and whom the authority knows', async () => {
    const own = await issue({ name: 'self-made' });
    const trust = trustPeersOrChain(own.certificate, { anchors: root.certificate, known: leaf.certificate });
    await accepts(trust, own);
    await accepts(trust, leaf);
    expect(trust.known).toEqual([own.certificate, leaf.certificate]);
    const stranger = await issue({ name: 'self-made' });
    await expect(accepts(trust, stranger)).rejects.toEqual(code('SECURITY_CERTIFICATE_UNTRUSTED'));
    await expect(accepts(trustPeersOrChain([], { anchors: root.certificate }), own)).rejects.toBeDefined();
  });
  test('None, by its unsafe name: anybody, while the certificate is valid', async () => {
    const anyone = await issue({ name: 'anyone' });
    await accepts(unsafeTrustAnyone(), anyone);
    const over = await issue({ name: 'over', notAfter: new Date('2021-01-01') });
    await expect(async () => accepts(unsafeTrustAnyone(), over)).rejects.toEqual(code('SECURITY_CERTIFICATE_EXPIRED'));
    expect(unsafeTrustAnyone(anyone.certificate).known).toEqual([anyone.certificate]);
  });
  test('PeerTrust takes no chain', async () => {
    await expect(async () => accepts(trustPeers(root.certificate), leaf)).rejects.toEqual(
      code('SECURITY_CERTIFICATE_UNTRUSTED'),
    );
  });
  test('certificates that came with a message help to build its path, and do not poison it', async () => {
    const below = await issue({ name: 'below' }, between);
    const trust = trustChain({ anchors: root.certificate });
    await expect(accepts(trust, below)).rejects.toEqual(code('SECURITY_CERTIFICATE_UNTRUSTED'));
    // Refused without its path a moment ago, and taken with it now.
    await trust.accept(below.certificate, now, [between.certificate]);
    const stranger = await issue({ name: 'between', ca: true });
    const forged = await issue({ name: 'forged' }, stranger);
    await expect(trust.accept(forged.certificate, now, [stranger.certificate])).rejects.toEqual(
      code('SECURITY_CERTIFICATE_UNTRUSTED'),
    );
  });
});
