/** The command line's face: help with examples, and for each bad input a code, a sentence and an exit code. */

import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { ran } from './running.ts';

let folder: string;
let certs: string;
let good: string;
const file = (name: string): string => join(folder, name);
const pem = (name: string): string => join(certs, 'ec', name);
/** The options that make one of the development certificates ours, for TLS and signatures. */
const as = (name: string): string[] => ['--cert', pem(`${name}.chain.pem`), '--key', pem(`${name}.key.pem`)];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-cli-'));
  certs = file('certs');
  good = file('good.xml');
  await developmentPki({ folder: certs, algorithms: ['ec'] });
  await writeFile(good, '<order xmlns="urn:example:orders">1</order>');
});

afterAll(() => rm(folder, { recursive: true }));

/** Runs `serve` beside `work`, which is given its address; the value is what it printed. */
async function serving(
  args: readonly string[],
  work: (url: string) => Promise<void>,
  scheme = 'https',
): Promise<string> {
  const end = new AbortController();
  const port = await freePort();
  const url = `${scheme}://127.0.0.1:${port}/drop`;
  const serving = ran(['serve', '--url', url, '--certs', certs, ...args], end.signal);
  await reachable(port);
  try {
    await work(url);
  } finally {
    end.abort();
  }
  const { exitCode, out, err } = await serving;
  expect(exitCode, err).toBe(0);
  return out;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function reachable(port: number): Promise<void> {
  const { connect } = await import('node:net');
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp) return;
  }
}

/** Fails with exactly this: one sentence with the code for people, one JSON value for programs. */
async function refused(args: readonly string[], code: string, exitCode: number, says: RegExp): Promise<void> {
  await refusedToPeople(args, code, exitCode, says);
  const programs = await ran([...args, '--json']);
  const last = programs.out.trim().split('\n').at(-1) ?? '';
  expect(JSON.parse(last)).toEqual({ error: { code, message: expect.stringMatching(says) } });
  expect(programs.exitCode).toBe(exitCode);
}

/** The half of it, for refusals that take their time. */
async function refusedToPeople(args: readonly string[], code: string, exitCode: number, says: RegExp): Promise<void> {
  const people = await ran(args);
  expect(people.err).toContain(`code ${code}`);
  expect(people.err).toMatch(says);
  expect(people.err).not.toMatch(/\n {4}at /);
  expect(people.exitCode).toBe(exitCode);
}

describe('help', () => {
  test.each(['', 'certs', 'serve', 'send', 'verify', 'report', 'doctor', 'demo'])(
    'surewire %s --help has examples',
    async (command) => {
      const { exitCode, out } = await ran(`${command} --help`.trim().split(' '));
      expect(exitCode).toBe(0);
      expect(out).toMatch(/Examples:\n {2}# \S.*\n {2}\$ surewire /);
      expect(out.split('\n').filter((line) => line.length > 125)).toEqual([]);
      if (command !== '') expect(out).toContain('--json');
    },
  );

  test('every exit code is explained', async () => {
    const { out } = await ran(['--help']);
    for (const exit of [0, 1, 2, 3, 4, 5, 130]) expect(out).toMatch(new RegExp(`^ +${exit} `, 'm'));
  });
});

describe('command lines that make no sense are CLI_USAGE, exit 2', () => {
  test('an option spelled wrong gets a suggestion', () =>
    refused(['demo', '--los', '0.1'], 'CLI_USAGE', 2, /Did you mean --loss\?.*surewire demo --help/));
  test('a command spelled wrong gets a suggestion', () => refused(['serv'], 'CLI_USAGE', 2, /Did you mean serve\?/));
  test('a likelihood beyond 0.9', () => refused(['demo', '--loss', '1.5'], 'CLI_USAGE', 2, /from 0 to 0\.9/));
  test('a number that is none', () => refused(['demo', '--messages', 'ten'], 'CLI_USAGE', 2, /whole number from 1/));
  test('no file to send', () => refused(['send', 'https://127.0.0.1/'], 'CLI_USAGE', 2, /missing required argument/i));
  test('an unknown version of WS-RM', () =>
    refused(['send', 'https://127.0.0.1/', 'x', '--rm', '2.0'], 'CLI_USAGE', 2, /1\.0, 1\.1/));
  test('an unknown URL scheme', () => refused(['send', 'ftp://127.0.0.1/', good], 'CLI_USAGE', 2, /ftp:/));
  test('no URL at all', () => refused(['send', 'localhost', good], 'CLI_USAGE', 2, /Write it like https:/));
  test('a password in the URL is not repeated', async () => {
    const { err } = await ran(['send', 'https://me:secret@127.0.0.1/', good]);
    expect(err).toContain('CLI_USAGE');
    expect(err).not.toContain('secret');
  });
  test('a certificate without its key', () =>
    refused(['serve', '--cert', good, '--certs', certs], 'CLI_USAGE', 2, /--cert and --key/));
  test('--client-ca without --mutual-tls', () =>
    refused(['serve', '--client-ca', good, '--certs', certs], 'CLI_USAGE', 2, /--mutual-tls/));
});

describe('files to send are checked before anything is sent, exit 2', () => {
  const nowhere = 'https://127.0.0.1:9/drop';
  const bad = async (content: string | Uint8Array, says: RegExp): Promise<void> => {
    await writeFile(file('bad.xml'), content);
    await refused(['send', nowhere, good, file('bad.xml')], 'CLI_DOCUMENT', 2, says);
  };
  test('not well-formed', () => bad('<a><b></a>', /bad\.xml cannot be sent: .*Nothing was sent/));
  test('a DTD', () => bad('<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', /bad\.xml/));
  test('a processing instruction', () => bad('<a><?print now?></a>', /processing instruction/));
  test('an id twice', () => bad('<a><b xml:id="x"/><c xml:id="x"/></a>', /bad\.xml/));
  test('not XML at all', () => bad(Buffer.from([0, 1, 2, 255]), /bad\.xml/));
  test('empty', () => bad('', /bad\.xml/));
  test('larger than a message may be', () => bad(`<a>${'x'.repeat(10_000_000)}</a>`, /octets.*split/));
  test('a file that is not there', () =>
    refused(['send', nowhere, file('missing.xml')], 'CLI_FILE', 2, /missing\.xml cannot be read/));
});

describe('certificates and keys, exit 3', () => {
  const serve = ['serve', '--port', '0'];
  test('none named and none made', () =>
    refused([...serve, '--certs', file('none')], 'CLI_NO_CERTIFICATE', 3, /surewire certs/));
  test('an unreadable key', async () => {
    await writeFile(file('bad.key'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
    const args = ['--cert', pem('server.chain.pem'), '--key', file('bad.key'), '--certs', certs];
    await refused([...serve, ...args], 'SECURITY_KEY', 3, /private key/);
  });
  test('a key that is not the certificate’s', () =>
    refused(
      [...serve, '--cert', pem('server.chain.pem'), '--key', pem('alice.key.pem'), '--certs', certs],
      'SECURITY_KEY',
      3,
      /does not belong/,
    ));
  test('a validity of 0 days', () => refused(['certs', '--days', '0'], 'CLI_USAGE', 2, /1 to 3650/));
  test('a host that is none', () =>
    refused(['certs', '--host', 'a b', '--out', file('x')], 'CERTIFICATES_HOST_INVALID', 2, /DNS name/));

  const sending = (url: string, ...more: string[]): string[] => [
    'send',
    url,
    good,
    '--certs',
    certs,
    '--timeout',
    '1',
    ...more,
  ];
  test('the server shows a certificate for another host', () =>
    serving(['--cert', pem('client-signing.chain.pem'), '--key', pem('client-signing.key.pem')], (url) =>
      refused(sending(url), 'TRANSPORT_TLS_HOST', 3, /127\.0\.0\.1/),
    ));
  test('the server shows an expired certificate', () =>
    serving(as('expired'), (url) => refused(sending(url), 'TRANSPORT_TLS_EXPIRED', 3, /expired/)));
  test('the server shows a revoked certificate', () =>
    serving(as('revoked'), (url) => refused(sending(url), 'TRANSPORT_TLS_REVOKED', 3, /revo/)));
  test('nobody we trust stands behind the server', async () => {
    await developmentPki({ folder: file('others'), algorithms: ['ec'] });
    await serving([], (url) =>
      refused(sending(url, '--ca', file('others/trust.pem')), 'TRANSPORT_TLS_UNTRUSTED', 3, /--ca FILE/),
    );
  });
  test('the answers are signed by somebody else than expected', () =>
    serving([], (url) =>
      refusedToPeople(sending(url, '--peer', 'CN=somebody'), 'SECURITY_CERTIFICATE_NAME', 3, /CN=somebody/),
    ));
  test('a signer with a revoked certificate is not let in', () =>
    serving([], (url) =>
      refusedToPeople(
        sending(url, '--sign-cert', pem('revoked.chain.pem'), '--sign-key', pem('revoked.key.pem')),
        'SECURITY_UNSECURED_FAULT',
        3,
        /InvalidSecurity/,
      ),
    ));
  test('a message that nobody signed is not let in', () =>
    serving([], (url) => refused(sending(url, '--unsafe-no-signature'), 'SOAP_FAULT', 1, /wsse:Security/)));
  test('mutual TLS: a client of an authority that is not named is not let in', async () => {
    const strangers = file('strangers');
    await developmentPki({ folder: strangers, algorithms: ['ec'] });
    const stranger = ['--cert', join(strangers, 'ec/alice.chain.pem'), '--key', join(strangers, 'ec/alice.key.pem')];
    const signing = ['--sign-cert', pem('client-signing.chain.pem'), '--sign-key', pem('client-signing.key.pem')];
    await serving(['--mutual-tls', '--client-ca', file('certs/trust.pem')], async (url) => {
      // Which of the two it is depends on whether the refusal or the end of the connection is seen first.
      const { exitCode, err } = await ran(sending(url, ...stranger, ...signing));
      expect(err).toMatch(/code TRANSPORT_(TLS_CLIENT_CERTIFICATE|BROKEN)/);
      expect([3, 4]).toContain(exitCode);
      expect((await ran(sending(url))).exitCode).toBe(0);
    });
  });
});

describe('serve and send', () => {
  const lines = (out: string): unknown[] =>
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  test.each([
    ['1.1', '1.2'],
    ['1.1', '1.1'],
    ['1.0', '1.2'],
    ['1.0', '1.1'],
  ])('WS-RM %s over SOAP %s: what is sent is told, with who signed it', async (rm, soap) => {
    const out = await serving([], async (url) => {
      const { exitCode, out } = await ran([
        'send',
        url,
        good,
        good,
        '--certs',
        certs,
        '--rm',
        rm,
        '--soap',
        soap,
        '--json',
      ]);
      expect(exitCode).toBe(0);
      expect(lines(out)).toMatchObject([{ documents: 2, sent: 2, acknowledged: 2, retransmissions: 0 }]);
    });
    const delivered = {
      action: 'urn:surewire:drop/Document',
      from: expect.stringMatching(/^x509:[0-9a-f]{64}$/),
      signedBy: expect.stringContaining('CN=client signing'),
      document: '<order xmlns="urn:example:orders">1</order>',
    };
    expect(lines(out)).toMatchObject([
      { listening: expect.stringMatching(/^https:/) },
      { ...delivered, number: 1 },
      { ...delivered, number: 2 },
    ]);
  });

  test('signed over plain HTTP, into a folder, for people', async () => {
    const inbox = file('inbox');
    const work = async (url: string): Promise<void> => {
      const { exitCode, out } = await ran(['send', url, good, '--certs', certs]);
      expect(exitCode).toBe(0);
      expect(out).toMatch(/acknowledged +1\n/);
    };
    const out = await serving(['--to', inbox], work, 'http');
    expect(out).toMatch(/^listening at http:.*\n.*-00000001\.xml {2}43 octets, .*CN=client signing/);
    expect(await readdir(inbox)).toHaveLength(1);
  });

  test('a PKCS#12 file for TLS and PEM files for signatures', async () => {
    await writeFile(file('passphrase'), 'surewire-dev\n');
    const own = ['--pfx', pem('server.pfx'), '--passphrase-file', file('passphrase')];
    const signing = ['--sign-cert', pem('service-signing.chain.pem'), '--sign-key', pem('service-signing.key.pem')];
    await serving([...own, ...signing], async (url) => {
      expect((await ran(['send', url, good, '--certs', certs])).exitCode).toBe(0);
    });
    await refused(['serve', '--port', '0', '--certs', certs, ...own], 'CLI_NO_CERTIFICATE', 3, /--sign-cert/);
  });

  test('what weakens is said when it starts, on both sides', async () => {
    const end = new AbortController();
    const port = await freePort();
    const weak = ['--certs', certs, '--unsafe-no-signature'];
    const serving = ran(['serve', '--port', String(port), ...weak], end.signal);
    await reachable(port);
    const sent = await ran(['send', `https://127.0.0.1:${port}/drop`, good, ...weak]);
    end.abort();
    expect(sent.exitCode).toBe(0);
    expect(sent.err).toContain('unsafe: messages are not signed');
    const served = await serving;
    expect(served.err).toContain('unsafe: messages are not signed');
    expect(served.out).toContain('"from":"anonymous","signedBy":null');
  });
});

describe('network, exit 4', () => {
  test('nobody listens there', async () => {
    const url = `https://127.0.0.1:${await freePort()}/drop`;
    const args = ['send', url, good, '--certs', certs, '--timeout', '1'];
    await refusedToPeople(args, 'TRANSPORT_UNREACHABLE', 4, /Is `surewire serve` running there\?/);
  });

  test('the port is busy', async () => {
    const server: Server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await refused(['serve', '--port', String(port), '--certs', certs], 'TRANSPORT_PORT_BUSY', 4, /--port 0/);
    server.close();
  });
});

describe('stores and folders, exit 5', () => {
  test('a store in a folder that is not there', () =>
    refused(
      ['serve', '--port', '0', '--certs', certs, '--store', file('none/serve.db')],
      'STORE_UNWRITABLE',
      5,
      /none\/serve\.db/,
    ));
  test('a store that is no database', async () => {
    await writeFile(file('text.db'), 'hello, this is not a database at all, only some text that is long enough');
    await refused(
      ['serve', '--port', '0', '--certs', certs, '--store', file('text.db')],
      'STORE_CORRUPT',
      5,
      /text\.db/,
    );
  });
  test('a folder that is a file', () =>
    refused(['serve', '--port', '0', '--certs', certs, '--to', good], 'CLI_FOLDER', 5, /good\.xml/));
  test.skipIf(process.getuid?.() === 0)('a folder that may not be written (skipped for root, who may)', async () => {
    await mkdir(file('locked'));
    await chmod(file('locked'), 0o500);
    await refused(['serve', '--port', '0', '--certs', certs, '--to', file('locked')], 'CLI_FOLDER', 5, /locked/);
  });
});

describe('surewire certs', () => {
  test('makes them once, says so the second time, and makes them again with --force', async () => {
    const out = file('pki');
    await writeFile(file('pki.config.json'), '{"algorithms":["ec"],"organization":"Example"}');
    const args = ['certs', '--out', out, '--config', file('pki.config.json')];
    const first = JSON.parse((await ran([...args, '--json'])).out);
    expect(first).toMatchObject({ folder: out, created: true, settings: { organization: 'Example' } });
    expect(await readdir(out)).toEqual(expect.arrayContaining(['ec', 'trust.pem']));
    const again = await ran(args);
    expect(again.out).toMatch(/^Nothing to do in /);
    expect(again.out).toContain('DEV ONLY');
    const forced = JSON.parse((await ran([...args, '--force', '--days', '7', '--json'])).out);
    expect(forced).toMatchObject({ created: true, settings: { days: 7 } });
  });
});
