/** What others say of the certificates: OpenSSL, Java, pkijs and Node's TLS, none of which wrote them. */

import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createSecureContext, createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import * as pkijs from 'pkijs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { developmentPki, type PkiResult } from '../../src/certificates/development-pki.ts';
import type { PkiEntry } from '../../src/certificates/inspect.ts';
import { hasJdk, hasKeytool, hasOpenssl, hasOpensslLegacy, run } from './tools.ts';

const ALGORITHMS = ['rsa', 'ec'] as const;
const GOOD = ['server', 'alice', 'bob', 'service-signing', 'client-signing'];
const LEAVES = [...GOOD, 'expired', 'revoked'];

let folder: string;
let pki: PkiResult;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'surewire-pki-'));
  pki = await developmentPki({ folder, hosts: ['Orders.example', '192.0.2.7', '2001:DB8::7', '*.dev.example'] });
});
afterAll(() => rmSync(folder, { recursive: true }));

const entry = (algorithm: string, name: string): PkiEntry => {
  const found = pki.entries.find((one) => one.algorithm === algorithm && one.name === name);
  if (found === undefined) throw new Error(`no ${algorithm}/${name}`);
  return found;
};
const read = (path = ''): Buffer<ArrayBuffer> => Buffer.from(readFileSync(path));

describe.each(ALGORITHMS)('%s chain', (algorithm) => {
  describe.skipIf(!hasOpenssl)('OpenSSL (skipped where openssl is absent)', () => {
    const openssl = (name: string, ...more: string[]) =>
      run(
        'openssl',
        ...['verify', '-x509_strict', '-CAfile', pki.trust, '-untrusted', entry(algorithm, 'intermediate').certificate],
        ...more,
        entry(algorithm, name).certificate,
      );
    const lists = (): string => {
      const file = join(folder, `${algorithm}.lists.pem`);
      writeFileSync(
        file,
        pki.crl
          .filter((list) => list.algorithm === algorithm)
          .map((list) => read(list.file))
          .join(''),
      );
      return file;
    };

    test.each(['intermediate', ...GOOD])('verify accepts %s, with the revocation lists too', (name) => {
      expect(openssl(name)).toMatchObject({ status: 0 });
      expect(openssl(name, '-crl_check_all', '-CRLfile', lists())).toMatchObject({ status: 0 });
    });

    test('verify refuses the expired one, and accepted it while it was valid', () => {
      expect(openssl('expired').output).toContain('certificate has expired');
      const then = Math.floor(Date.parse(entry(algorithm, 'expired').notAfter) / 1000) - 60;
      expect(openssl('expired', '-attime', String(then))).toMatchObject({ status: 0 });
    });

    test('verify refuses the revoked one when it knows the lists, and only then', () => {
      expect(openssl('revoked')).toMatchObject({ status: 0 });
      expect(openssl('revoked', '-crl_check', '-CRLfile', lists()).output).toContain('certificate revoked');
    });

    test.each([
      ['server', 'sslserver', ['-verify_hostname', 'localhost']],
      ['server', 'sslserver', ['-verify_hostname', 'orders.example']],
      ['server', 'sslserver', ['-verify_hostname', 'any.dev.example']],
      ['server', 'sslserver', ['-verify_ip', '127.0.0.1']],
      ['server', 'sslserver', ['-verify_ip', '::1']],
      ['server', 'sslserver', ['-verify_ip', '192.0.2.7']],
      ['server', 'sslserver', ['-verify_ip', '2001:db8::7']],
      ['service-signing', 'any', ['-verify_hostname', 'localhost']],
      ['alice', 'sslclient', []],
    ])('%s serves as %s %j', (name, purpose, more) => {
      expect(openssl(name, '-purpose', purpose, ...more)).toMatchObject({ status: 0 });
    });

    test.each([
      ['server', 'sslserver', ['-verify_hostname', 'elsewhere.example']],
      ['server', 'sslserver', ['-verify_ip', '127.0.0.2']],
      ['alice', 'sslserver', []],
      ['server', 'sslclient', []],
    ])('%s does not serve as %s %j', (name, purpose, more) => {
      expect(openssl(name, '-purpose', purpose, ...more).status).not.toBe(0);
    });

    test.each(LEAVES)('pkcs12 reads %s and finds today’s algorithms', (name) => {
      const { pfx = '' } = entry(algorithm, name);
      const { status, output } = run(
        'openssl',
        'pkcs12',
        '-info',
        '-in',
        pfx,
        '-nodes',
        '-passin',
        `pass:${pki.settings.password}`,
      );
      expect(status, output).toBe(0);
      expect(output).toContain('MAC: sha256');
      expect(output.match(/PBES2, PBKDF2, AES-256-CBC, Iteration \d+, PRF hmacWithSHA256/g)).toHaveLength(2);
      expect(output).toContain(`friendlyName: dev-only-${name}`);
      expect(output.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
      expect(output.includes('Microsoft Enhanced RSA and AES Cryptographic Provider')).toBe(algorithm === 'rsa');
      const key = output.match(/-----BEGIN PRIVATE KEY-----[\s\S]*-----END PRIVATE KEY-----/)?.[0] ?? '';
      expect(createPrivateKey(key).equals(createPrivateKey(read(entry(algorithm, name).key)))).toBe(true);
    });

    test.skipIf(!hasOpensslLegacy)(
      'pkcs12 reads the legacy form with the legacy provider (skipped where that is absent)',
      () => {
        const { legacyPfx = '', key: keyFile } = entry(algorithm, 'alice');
        const args = ['pkcs12', '-info', '-in', legacyPfx, '-nodes', '-passin', `pass:${pki.settings.password}`];
        const { status, output } = run('openssl', ...args, '-legacy');
        expect(status, output).toBe(0);
        expect(output).toContain('MAC: sha1');
        expect(output.match(/pbeWithSHA1And3-KeyTripleDES-CBC/g)).toHaveLength(2);
        const key = output.match(/-----BEGIN PRIVATE KEY-----[\s\S]*-----END PRIVATE KEY-----/)?.[0] ?? '';
        expect(createPrivateKey(key).equals(createPrivateKey(read(keyFile)))).toBe(true);
      },
    );
  });

  test.skipIf(!hasKeytool)(
    'Java keytool lists key and chain of both PKCS#12 forms (skipped where keytool is absent)',
    () => {
      const { pfx = '', legacyPfx = '', fingerprint } = entry(algorithm, 'alice');
      for (const file of [pfx, legacyPfx]) {
        const { status, output } = run(
          'keytool',
          '-list',
          '-v',
          '-keystore',
          file,
          '-storepass',
          pki.settings.password,
        );
        expect(status, output).toBe(0);
        expect(output).toContain('dev-only-alice');
        expect(output).toContain('PrivateKeyEntry');
        expect(output).toContain('Certificate chain length: 2');
        expect(output.replaceAll(':', '').toLowerCase()).toContain(fingerprint);
      }
    },
  );

  test('pkijs validates the paths, and refuses the expired and the revoked one', async () => {
    const load = (name: string) => pkijs.Certificate.fromBER(der(entry(algorithm, name).certificate));
    const crls = pki.crl
      .filter((list) => list.algorithm === algorithm)
      .map((list) => pkijs.CertificateRevocationList.fromBER(read(list.der)));
    const verdicts = new Map<string, boolean>();
    for (const name of LEAVES) {
      const engine = new pkijs.CertificateChainValidationEngine({
        trustedCerts: [load('root')],
        certs: [load('intermediate'), load(name)],
        crls,
      });
      verdicts.set(name, (await engine.verify()).result);
    }
    expect([...verdicts]).toEqual(LEAVES.map((name) => [name, GOOD.includes(name)]));
  });

  test('a message signature of each key verifies with its certificate', () => {
    for (const name of GOOD) {
      const data = Buffer.from(name);
      const signature = sign('sha256', data, createPrivateKey(read(entry(algorithm, name).key)));
      expect(verify('sha256', data, createPublicKey(read(entry(algorithm, name).certificate)), signature)).toBe(true);
    }
  });

  test('TLS 1.3 with client certificates works by name and by address, and refuses the expired and the revoked client', async () => {
    const crl = pki.crl.filter((list) => list.algorithm === algorithm).map((list) => read(list.file));
    const server = createServer({
      ...identity(entry(algorithm, 'server')),
      ca: read(pki.trust),
      crl,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.on('secureConnection', (socket) =>
      socket.end(`${socket.authorized ? 'welcome' : socket.authorizationError}`),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const visit = async (client: string, host: { host: string } | { host: string; servername: string }) => {
      const secureContext = createSecureContext({ ...identity(entry(algorithm, client)), ca: read(pki.trust) });
      const socket = connect({ ...host, port, secureContext, minVersion: 'TLSv1.3' });
      const answer: Buffer[] = [];
      for await (const chunk of socket) answer.push(chunk as Buffer);
      return `${socket.authorized} ${Buffer.concat(answer)}`;
    };
    expect(await visit('alice', { host: '127.0.0.1', servername: 'localhost' })).toBe('true welcome');
    expect(await visit('bob', { host: '127.0.0.1' })).toBe('true welcome');
    expect(await visit('expired', { host: '127.0.0.1' })).toBe('true CERT_HAS_EXPIRED');
    expect(await visit('revoked', { host: '127.0.0.1' })).toBe('true CERT_REVOKED');
    await expect(visit('alice', { host: '127.0.0.1', servername: 'elsewhere.example' })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    server.close();
  });
});

test.skipIf(!hasJdk)(
  'Java PKIX accepts the good paths and knows why not the others (skipped where there is no JDK)',
  () => {
    const program = fileURLToPath(new URL('PathCheck.java', import.meta.url));
    const names = ALGORITHMS.flatMap((algorithm) => LEAVES.map((name) => `${algorithm}/${name}`));
    const { output } = run('java', program, folder, ...names);
    const verdict = (name: string) =>
      name.endsWith('expired') ? 'EXPIRED' : name.endsWith('revoked') ? 'REVOKED' : 'VALID';
    expect(output.trim().split('\n')).toEqual(names.map((name) => `${name} ${verdict(name)}`));
  },
);

test.skipIf(!hasOpenssl)(
  'a PKI made beyond 2049 writes its times as RFC 5280 says (skipped where openssl is absent)',
  async () => {
    const later = join(folder, 'later');
    const clock = { now: () => instant(Date.UTC(2049, 11, 20)), at: () => ({ cancel: () => undefined }) };
    const made = await developmentPki({ folder: later, clock, algorithms: ['ec'], clients: [] });
    const server = made.entries.find(({ name }) => name === 'server')?.certificate ?? '';
    const { output } = run('openssl', 'asn1parse', '-in', server);
    expect(output).toMatch(/UTCTIME +:491219230000Z/);
    expect(output).toMatch(/GENERALIZEDTIME +:20501220000000Z/);
  },
);

function identity({ chain, key }: PkiEntry): { cert: Buffer; key: Buffer } {
  return { cert: read(chain), key: read(key) };
}

function der(file: string): Buffer<ArrayBuffer> {
  return Buffer.from(
    read(file)
      .toString()
      .replace(/-----[^-]+-----/g, ''),
    'base64',
  );
}
