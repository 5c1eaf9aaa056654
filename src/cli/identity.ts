/** Certificates, keys and authorities from the command line's files, ready for TLS and for signatures. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asError } from '../base/errors.ts';
import { type Certificate, certificates } from '../security/certificates.ts';
import { type SigningKey, signingKey } from '../security/keys.ts';
import { type SecurityPolicy, x509Signed } from '../security/policy.ts';
import { type ExpectedPeer, trustChain } from '../security/trust.ts';
import type { TlsOptions } from '../transport/tls.ts';
import { CliError } from './errors.ts';
import type { IdentityOptions } from './options.ts';

/** Which of the development certificates stand in for those that are not named. */
export interface StandIns {
  readonly tls: 'server' | 'alice';
  readonly signing: 'service-signing' | 'client-signing';
}

export const serviceStandIns: StandIns = { tls: 'server', signing: 'service-signing' };
export const clientStandIns: StandIns = { tls: 'alice', signing: 'client-signing' };

export interface Identity {
  readonly tls: TlsOptions;
  /** What the peer will know our signatures by (`identityOf`); absent when we cannot sign. */
  readonly signer: string | undefined;
  /** Signs what is sent and says who may sign what is received. */
  signed(peer?: ExpectedPeer): SecurityPolicy;
  /** What signs. */
  key(): SigningKey;
}

/**
 * Reads everything that is named, and what stands in for the rest.
 *
 * @throws CliError `CLI_NO_CERTIFICATE`, `CLI_FILE`, `CLI_USAGE`
 */
export async function identity(options: IdentityOptions, standIns: StandIns): Promise<Identity> {
  requirePairs(options);
  const chains = ['rsa', 'ec'].filter((chain) => existsSync(join(options.certs, chain, 'root.cert.pem')));
  const development = (name: string): string => {
    const path = join(options.certs, name);
    if (existsSync(path)) return path;
    throw new CliError(
      'CLI_NO_CERTIFICATE',
      `No certificate was named, and there is no development certificate ${path}. ` +
        'Run `surewire certs`, or name your own with --cert, --key and --ca.',
    );
  };
  const standsIn = (name: string): { cert: string; key: string } => ({
    cert: development(`${chains[0] ?? 'rsa'}/${name}.chain.pem`),
    key: development(`${chains[0] ?? 'rsa'}/${name}.key.pem`),
  });
  const own = options.cert === undefined ? undefined : { cert: options.cert, key: options.key ?? '' };
  const named = options.signCert === undefined ? own : { cert: options.signCert, key: options.signKey ?? '' };
  const between = chains.map((chain) => `${chain}/intermediate.cert.pem`);
  const trusted = options.ca === undefined ? ['trust.pem', ...between].map(development) : [options.ca];
  const ca = await Promise.all(trusted.map(contents));
  const lists = chains.flatMap((chain) => [`${chain}/root.crl.pem`, `${chain}/intermediate.crl.pem`]);
  const ofDevelopment = options.ca === undefined ? lists.map(development) : [];
  const crl = await Promise.all((options.crl === undefined ? ofDevelopment : [options.crl]).map(contents));
  const passphrase = await firstLine(options.passphraseFile);
  const pfx = options.pfx === undefined ? undefined : await contents(options.pfx);
  const shown = pfx === undefined ? await pair(own ?? standsIn(standIns.tls)) : { pfx };
  const signing = named ?? (pfx === undefined ? standsIn(standIns.signing) : undefined);
  const signer = signing === undefined ? undefined : await pair(signing);
  const authorities = authoritiesOf(ca, signer?.cert);
  const key = (): SigningKey => {
    if (signer !== undefined) {
      return signingKey({ privateKey: signer.key, certificate: signer.cert, ...passphrase });
    }
    throw new CliError(
      'CLI_NO_CERTIFICATE',
      'A PKCS#12 file is used for TLS only. Name the signing certificate with --sign-cert and --sign-key, both PEM.',
    );
  };
  return {
    signer: signer === undefined ? undefined : `x509:${certificates(signer.cert)[0]?.keyFingerprint}`,
    tls: { ...shown, ...passphrase, ca, ...(crl.length === 0 ? {} : { crl }) },
    key,
    signed(peer) {
      return x509Signed({
        key: key(),
        trust: trustChain({ ...authorities, revocation: crl, ...(peer === undefined ? {} : { peer }) }),
      });
    },
  };
}

/**
 * A message holds the certificate of its signer only, so what stands between it and a root has to be known here: whatever
 * is not its own issuer. A file without any root is taken at its word: everything in it is believed.
 */
export function authoritiesOf(
  ca: readonly Uint8Array[],
  own: Uint8Array | undefined,
): { anchors: readonly Certificate[]; intermediates: readonly Certificate[] } {
  const all = certificates(ca);
  const roots = all.filter((one) => one.subject === one.issuer);
  const issuers = own === undefined ? [] : certificates(own).slice(1);
  if (roots.length === 0) return { anchors: all, intermediates: issuers };
  return { anchors: roots, intermediates: [...all.filter((one) => !roots.includes(one)), ...issuers] };
}

function requirePairs({ cert, key, pfx, signCert, signKey }: IdentityOptions): void {
  if ((cert === undefined) !== (key === undefined)) {
    throw new CliError('CLI_USAGE', 'A certificate and its key belong together. Give --cert and --key, or neither.');
  }
  if ((signCert === undefined) !== (signKey === undefined)) {
    throw new CliError('CLI_USAGE', 'Give --sign-cert and --sign-key, or neither.');
  }
  if (pfx !== undefined && cert !== undefined) {
    throw new CliError('CLI_USAGE', 'Give --pfx, or --cert and --key, not all of them.');
  }
}

async function pair(files: { cert: string; key: string }): Promise<{ cert: Buffer; key: Buffer }> {
  return { cert: await contents(files.cert), key: await contents(files.key) };
}

/** The passphrase in the first line of a file, as the options that take one have it. */
export async function firstLine(file: string | undefined): Promise<{ passphrase?: string }> {
  if (file === undefined) return {};
  return { passphrase: (await contents(file)).toString('utf8').split(/\r?\n/, 1)[0] ?? '' };
}

/** @throws CliError `CLI_FILE` */
export async function contents(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (thrown) {
    const cause = asError(thrown);
    throw new CliError(
      'CLI_FILE',
      `The file ${file} cannot be read (${cause.message}). Check the name and who may read it.`,
      {
        cause,
      },
    );
  }
}
