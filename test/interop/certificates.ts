/** A certificate authority and a server certificate for localhost, made once by the openssl command for this suite only. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildFolder, run } from './tools.ts';

export interface Certificates {
  /** PEM of the authority that both ends trust. */
  readonly authority: string;
  /** PEM of the server's certificate, and of its key. */
  readonly certificate: string;
  readonly key: string;
  /** Files of the same, for programs: the authority, and key and certificate in one. */
  readonly authorityFile: string;
  readonly identityFile: string;
}

const DAYS = '3650';

export async function certificates(): Promise<Certificates> {
  const folder = join(buildFolder, 'certificates');
  if (!existsSync(folder)) await make(folder);
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  return {
    authority: await read('authority.pem'),
    certificate: await read('server.pem'),
    key: await read('server.key'),
    authorityFile: join(folder, 'authority.pem'),
    identityFile: join(folder, 'identity.pem'),
  };
}

async function make(folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const openssl = (...args: string[]): Promise<string> => run('openssl', args, unfinished);
  const request = ['req', '-newkey', 'rsa:2048', '-nodes', '-sha256'];
  await writeFile(
    join(unfinished, 'server.ext'),
    'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n' +
      'keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\n',
  );
  await openssl(
    ...[...request, '-x509', '-days', DAYS, '-subj', '/CN=DEV ONLY surewire interop CA'],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', 'authority.key', '-out', 'authority.pem'],
  );
  await openssl(...request, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
  await openssl(
    ...['x509', '-req', '-in', 'server.csr', '-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial'],
    ...['-days', DAYS, '-sha256', '-extfile', 'server.ext', '-out', 'server.pem'],
  );
  const parts = ['server.key', 'server.pem', 'authority.pem'].map((name) => readFile(join(unfinished, name), 'utf8'));
  await writeFile(join(unfinished, 'identity.pem'), (await Promise.all(parts)).join(''));
  await rename(unfinished, folder);
}
