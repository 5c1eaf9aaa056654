/** Whom `surewire verify` and `report` believe, and what they can open. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { asError } from '../base/errors.ts';
import { type Certificate, certificates } from '../security/certificates.ts';
import { type DecryptionKey, signingKey } from '../security/keys.ts';
import { type Trust, trustChain } from '../security/trust.ts';
import { CliError } from './errors.ts';
import { authoritiesOf, contents, firstLine } from './identity.ts';
import { certificatesFolder } from './options.ts';
import type { Output } from './output.ts';

export interface VerifierOptions {
  readonly ca?: string;
  readonly crl?: string;
  readonly known?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphraseFile?: string;
  readonly certs: string;
}

/** The options of commands that verify. */
export function withVerifierOptions(command: Command): Command {
  return command
    .option('--ca <file>', 'the authorities to trust, PEM')
    .option('--crl <file>', 'their revocation lists, PEM')
    .option('--known <file>', 'certificates that messages refer to without including them, PEM')
    .option('--cert <file>', 'our certificate, PEM, for what was encrypted to it')
    .option('--key <file>', 'its private key, PEM')
    .option('--passphrase-file <file>', 'file whose first line opens --key')
    .option('--certs <folder>', 'where the development certificates are', certificatesFolder);
}

/**
 * Trust in the authorities that were named, or in the development ones where there are some.
 *
 * @throws CliError `CLI_FILE`; SecurityError for files that hold no certificates
 */
export async function evidenceTrust(
  options: VerifierOptions,
  said: Output,
): Promise<{ readonly trust: Trust | undefined; readonly known: readonly Certificate[] }> {
  const known = options.known === undefined ? [] : certificates(await contents(options.known));
  const chains = ['rsa', 'ec'].filter((chain) => existsSync(join(options.certs, chain, 'root.cert.pem')));
  if (options.ca === undefined && chains.length === 0) {
    said.warn('nobody said whom to believe (--ca): signatures are checked, and whose they are is not');
    return { trust: undefined, known };
  }
  const inFolder = (name: string) => join(options.certs, name);
  const trusted =
    options.ca === undefined
      ? ['trust.pem', ...chains.map((one) => `${one}/intermediate.cert.pem`)].map(inFolder)
      : [options.ca];
  const development = chains.flatMap((one) => [`${one}/root.crl.pem`, `${one}/intermediate.crl.pem`]).map(inFolder);
  const lists = options.crl === undefined ? (options.ca === undefined ? development : []) : [options.crl];
  const revocation = await Promise.all(lists.map(contents));
  const { anchors, intermediates } = authoritiesOf(await Promise.all(trusted.map(contents)), undefined);
  return { trust: trustChain({ anchors, intermediates, revocation }), known };
}

/** @throws CliError `CLI_FILE`, `CLI_USAGE`; SecurityError `SECURITY_KEY` */
export async function evidenceKeys(
  options: VerifierOptions,
): Promise<{ readonly keys: readonly DecryptionKey[]; readonly transcriptKeys: readonly KeyObject[] }> {
  if (options.key === undefined) {
    if (options.cert !== undefined) throw new CliError('CLI_USAGE', 'Give --key with --cert.');
    return { keys: [], transcriptKeys: [] };
  }
  const privateKey = await contents(options.key);
  const passphrase = await firstLine(options.passphraseFile);
  const transcriptKeys = [keyOf(privateKey, options.key, passphrase)];
  if (options.cert === undefined) return { keys: [], transcriptKeys };
  const key = signingKey({ privateKey, certificate: await contents(options.cert), ...passphrase });
  const keys = key.decrypter === undefined ? [] : [{ certificate: key.certificate, decrypter: key.decrypter }];
  return { keys, transcriptKeys };
}

function keyOf(pem: Buffer, file: string, passphrase: { readonly passphrase?: string }): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...passphrase });
  } catch (thrown) {
    throw new CliError('CLI_FILE', `${file} is no private key in PEM, or --passphrase-file is missing.`, {
      cause: asError(thrown),
    });
  }
}
