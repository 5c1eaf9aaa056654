/** Who talks in the security scenarios: one authority, and a key and certificate of each kind, made once by the openssl command. */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildFolder, run } from './tools.ts';

/** Kinds of keys; the first is the sender of what is signed with RSA, the second who reads what is encrypted. */
const kinds = {
  client: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  service: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  issuer: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  ed25519: ['-algorithm', 'ED25519'],
} as const;

export type PartyName = keyof typeof kinds;

export interface Party {
  readonly name: PartyName;
  /** PEM, PKCS#8. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  /** Files of the same, for programs. */
  readonly keyFile: string;
  readonly certificateFile: string;
}

export interface Parties {
  /** PEM. */
  readonly authority: string;
  readonly authorityFile: string;
  readonly of: Readonly<Record<PartyName, Party>>;
}

const names = Object.keys(kinds) as readonly PartyName[];
const DAYS = '3650';

export async function parties(): Promise<Parties> {
  const folder = join(buildFolder, 'parties');
  if (!existsSync(folder)) await make(folder);
  const party = async (name: PartyName): Promise<Party> => {
    const keyFile = join(folder, `${name}.key`);
    const certificateFile = join(folder, `${name}.pem`);
    const [key, certificate] = await Promise.all([readFile(keyFile, 'utf8'), readFile(certificateFile, 'utf8')]);
    return { name, key, certificate, keyFile, certificateFile };
  };
  const all = await Promise.all(names.map(async (name) => [name, await party(name)] as const));
  const authorityFile = join(folder, 'authority.pem');
  return {
    authority: await readFile(authorityFile, 'utf8'),
    authorityFile,
    of: Object.fromEntries(all) as Record<PartyName, Party>,
  };
}

/** DER of a certificate or a PKCS#8 key, in base64. */
export function bare(pem: string): string {
  return pem.includes('CERTIFICATE')
    ? new X509Certificate(pem).raw.toString('base64')
    : pem.replace(/-----[^-]+-----|\s/g, '');
}

async function make(folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const openssl = (...args: string[]): Promise<string> => run('openssl', args, unfinished);
  await openssl('genpkey', ...kinds.issuer, '-out', 'authority.key');
  await openssl(
    ...['req', '-new', '-x509', '-sha256', '-days', DAYS, '-key', 'authority.key', '-out', 'authority.pem'],
    ...['-subj', '/C=CH/O=surewire/CN=DEV ONLY interop CA', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  );
  for (const name of names) {
    await openssl('genpkey', ...kinds[name], '-out', `${name}.key`);
    await openssl('req', '-new', '-key', `${name}.key`, '-subj', `/C=CH/O=surewire/CN=${name}`, '-out', `${name}.csr`);
    const usage = name === 'ed25519' ? '' : name.startsWith('p') ? ',keyAgreement' : ',keyEncipherment';
    await writeFile(
      join(unfinished, `${name}.ext`),
      `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature${usage}\nsubjectKeyIdentifier=hash\n`,
    );
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial'],
      ...['-days', DAYS, '-sha256', '-extfile', `${name}.ext`, '-out', `${name}.pem`],
    );
  }
  await rename(unfinished, folder);
}
