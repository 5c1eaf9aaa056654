/**
 * What a newcomer does in the first hour, from the packed tarball in an empty folder: certificates, a service, a transfer, its
 * verification, its picture, and five set-ups that are broken. Every step succeeds, or explains itself.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'surewire-first-hour-'));
const started = performance.now();
const { PATH = '' } = process.env;
const env = { ...process.env, PATH: [dirname(process.execPath), PATH].join(delimiter) };

let passed = 0;

function step(sentence: string, holds: boolean, seen: string): void {
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${seconds.padStart(6)} s  ${sentence}`);
  if (holds) passed++;
  else throw new Error(`${sentence}\n${seen}`);
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly all: string;
}

const bin = join(folder, 'node_modules/.bin/surewire');

function surewire(...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(bin, args, { cwd: folder, env, encoding: 'utf8', timeout: 600_000 });
  return { code: status, out: stdout, all: stdout + stderr };
}

/** A broken set-up: the doctor says that it is, and what to do. */
function broken(sentence: string, advice: RegExp, ...args: readonly string[]): void {
  const { code, all } = surewire('doctor', ...args);
  step(`doctor: ${sentence}`, code === 1 && /FAIL/.test(all) && advice.test(all), all);
}

async function served(): Promise<{ readonly process: ChildProcess; readonly url: string }> {
  const service = spawn(bin, ['serve', '--to', 'inbox', '--port', '0', '--transcript', 'serve.jsonl', '--json'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: service.stdout })) {
    const url = /"(https:[^"]+)"/.exec(line)?.[1];
    if (url !== undefined) return { process: service, url };
  }
  throw new Error('The service ended before it said where it is.');
}

let service: ChildProcess | undefined;
try {
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('['))) as [{ filename: string }];
  writeFileSync(join(folder, 'package.json'), '{ "name": "first-hour", "private": true, "type": "module" }\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', `./${filename}`], { cwd: folder, env, stdio: 'ignore' });
  const help = surewire('--help');
  step(
    'installs from the tarball, and says what it can do',
    help.code === 0 && /surewire certs/.test(help.out),
    help.all,
  );

  const certs = surewire('certs');
  step(
    'certs: a development PKI in one command',
    certs.code === 0 && readdirSync(join(folder, 'certs-dev/generated')).length > 0,
    certs.all,
  );

  const running = await served();
  service = running.process;
  step('serve: a secure drop box, and where it is', running.url.startsWith('https://'), running.url);

  mkdirSync(join(folder, 'orders'));
  const names = ['a', 'b', 'c'].map((name) => `orders/${name}.xml`);
  for (const name of names)
    writeFileSync(join(folder, name), `<order xmlns="urn:example:first-hour"><name>${name}</name></order>`);
  const sent = surewire('send', running.url, ...names, '--transcript', 'send.jsonl');
  step('send: three documents, signed, exactly once', sent.code === 0, sent.all);
  const healthy = surewire('doctor', running.url, '--probe');
  step('doctor: a service that is well', healthy.code === 0, healthy.all);
  broken('an authority that is not trusted', /authority/, running.url, '--certs', 'nowhere');

  service.kill('SIGINT');
  const [code] = (await once(service, 'exit')) as [number | null];
  service = undefined;
  const inbox = readdirSync(join(folder, 'inbox')).filter((name) => name.endsWith('.xml'));
  step(
    'Ctrl-C ends the service in good order; three documents lie in the inbox',
    code === 0 && inbox.length === 3,
    `${code} ${inbox.join()}`,
  );

  const verified = surewire('verify', 'send.jsonl', 'serve.jsonl');
  step('verify: both ends recorded the same, and it is sound', verified.code === 0, verified.all);
  const drawn = surewire('report', 'send.jsonl', 'serve.jsonl', '-o', 'report.html');
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  step(
    'report: one page that needs nothing else',
    drawn.code === 0 && page.includes('urn:example:first-hour'),
    drawn.all,
  );
  const forged = readFileSync(join(folder, 'send.jsonl'), 'utf8').replace('orders/b.xml', 'orders/x.xml');
  writeFileSync(join(folder, 'forged.jsonl'), forged);
  const found = surewire('verify', 'forged.jsonl');
  step(
    'verify: one word changed in a transcript is found',
    found.code === 1 && /signature-digest-differs/.test(found.all),
    found.all,
  );

  broken('nobody answers', /Check the host name and port/, running.url);
  broken('an expired certificate', /Renew it/, 'certs-dev/generated/rsa/expired.cert.pem');
  broken(
    'a key of another certificate',
    /belongs to it/,
    'certs-dev/generated/rsa/alice.key.pem',
    'certs-dev/generated/rsa/bob.cert.pem',
  );
  writeFileSync(join(folder, 'wrong.txt'), 'not it\n');
  broken('a wrong passphrase', /passphrase/, 'certs-dev/generated/rsa/alice.pfx', '--passphrase-file', 'wrong.txt');

  const program =
    "import { seededRandom, reliableSession } from 'surewire'; if (!reliableSession().name || !seededRandom(1)) process.exit(1);";
  writeFileSync(join(folder, 'program.js'), program);
  const imported = spawnSync(process.execPath, ['program.js'], { cwd: folder, encoding: 'utf8' });
  step('import: the library in a program of its own', imported.status === 0, imported.stderr);
} finally {
  service?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, 0 failed`);
