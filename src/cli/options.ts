/** Options that several commands share, and the words they are read with. */
import { type Command, InvalidArgumentError } from 'commander';
import { CliError } from './errors.ts';

/** What every command has. */
export interface CommonOptions {
  readonly json?: true;
  readonly verbose?: true;
}

/** Who we are and whom we trust. */
export interface IdentityOptions {
  readonly cert?: string;
  readonly key?: string;
  readonly pfx?: string;
  readonly passphraseFile?: string;
  readonly signCert?: string;
  readonly signKey?: string;
  readonly ca?: string;
  readonly crl?: string;
  readonly certs: string;
}

/** Where `surewire certs` puts what it makes, and where the other commands look for it. */
export const certificatesFolder = 'certs-dev/generated';

export function withCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print results as JSON, one value a line, for programs')
    .option('--verbose', 'print the stack and the causes of an error (also: SUREWIRE_DEBUG=1)');
}

export function withIdentityOptions(command: Command): Command {
  return command
    .optionsGroup('Certificates (default: the development ones that `surewire certs` makes):')
    .option('--cert <file>', 'our certificate and its intermediates, PEM, for TLS and signatures')
    .option('--key <file>', 'the private key of --cert, PEM')
    .option('--pfx <file>', 'both of them as PKCS#12, for TLS; signatures then need --sign-cert and --sign-key')
    .option('--passphrase-file <file>', 'file whose first line opens --key, --pfx, and --sign-key')
    .option('--sign-cert <file>', 'another certificate for signatures than for TLS')
    .option('--sign-key <file>', 'the private key of --sign-cert')
    .option('--ca <file>', 'the authorities to trust, PEM, for TLS and signatures')
    .option('--crl <file>', 'their revocation lists, PEM')
    .option('--certs <folder>', 'where the development certificates are', certificatesFolder);
}

/** The lines under "Examples:" at the end of a help text. */
export function withExamples(command: Command, examples: readonly (readonly [line: string, what: string])[]): Command {
  const text = examples.map(([line, what]) => `  # ${what}\n  $ ${line}`).join('\n\n');
  return command.addHelpText('after', `\nExamples:\n${text}`);
}

/** Reads a whole number from `least` to `most`. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Reads a likelihood from 0 to `most`. */
export function likelihood(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= 0 && value <= most)) {
      throw new InvalidArgumentError(`It must be a number from 0 to ${most}, e.g. 0.3 for 30 %.`);
    }
    return value;
  };
}

/**
 * Reads an address of an endpoint.
 *
 * @throws CliError `CLI_USAGE` when it is no URL, or not one of http and https
 */
export function endpointUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    const why = url === null ? 'is no URL' : `has a scheme that is not spoken here (${url.protocol})`;
    throw new CliError('CLI_USAGE', `"${text}" ${why}. Write it like https://127.0.0.1:8443/drop.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new CliError('CLI_USAGE', 'A URL must not hold a user name or password. Name a certificate instead.');
  }
  return url;
}

/** The host of an address as certificates name it: that of IPv6 without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
