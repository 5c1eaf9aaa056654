/** What can be configured of the development PKI, the defaults, and the check that a file and a caller share. */
import { readFile } from 'node:fs/promises';
import { asError } from '../base/errors.ts';
import { CertificatesError, type CertificatesErrorCode } from './errors.ts';
import { parseHost } from './hosts.ts';

export type PkiAlgorithm = 'rsa' | 'ec';

export interface PkiSettings {
  /** The O of every subject; OU is always `DEV ONLY`. */
  readonly organization: string;
  /** Validity in days, 1 to 3650. */
  readonly days: number;
  /** Hosts of the server certificates besides localhost, 127.0.0.1 and ::1. */
  readonly hosts: readonly string[];
  /** Names of the client certificates: lower-case letters, digits and hyphens. */
  readonly clients: readonly string[];
  /** One complete chain is made for each. `ec` is ECDSA on P-256. */
  readonly algorithms: readonly PkiAlgorithm[];
  /** Length of the RSA keys: 2048, 3072 or 4096 bits. */
  readonly rsaBits: number;
  /** Password of the PKCS#12 files, printable ASCII. It protects nothing: the keys lie beside them in the clear. */
  readonly password: string;
}

export const DEFAULT_SETTINGS: PkiSettings = {
  organization: 'surewire',
  days: 365,
  hosts: [],
  clients: ['alice', 'bob'],
  algorithms: ['rsa', 'ec'],
  rsaBits: 2048,
  password: 'surewire-dev',
};

/** Hosts that every server certificate is for. */
export const EVERY_HOST: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/** Names that the PKI uses for itself. */
const RESERVED: ReadonlySet<string> = new Set([
  'root',
  'intermediate',
  'server',
  'service-signing',
  'client-signing',
  'expired',
  'revoked',
]);

type Checks = { readonly [Name in keyof PkiSettings]: (value: unknown) => PkiSettings[Name] };

const CHECKS: Checks = {
  organization: (value) => text('organization', value, /^[^\p{C}]{1,64}$/u, '1 to 64 characters'),
  days(value) {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 3650) return value;
    throw wrong('days', value, 'a whole number from 1 to 3650', 'CERTIFICATES_DAYS_INVALID');
  },
  hosts(value) {
    const hosts = list('hosts', value, (host) => parseHost(text('hosts', host, /./, 'host names')).text);
    return hosts.filter((host) => !EVERY_HOST.includes(host));
  },
  clients: (value) =>
    list('clients', value, (name) => {
      const client = text('clients', name, /^[a-z][a-z0-9-]{0,30}$/, 'names of lower-case letters, digits and hyphens');
      if (RESERVED.has(client)) throw wrong('clients', client, 'names other than those of the other certificates');
      return client;
    }),
  algorithms(value) {
    const algorithms = list('algorithms', value, (name) => {
      if (name === 'rsa' || name === 'ec') return name;
      throw wrong('algorithms', name, '"rsa", "ec" or both');
    });
    if (algorithms.length === 0) throw wrong('algorithms', value, '"rsa", "ec" or both');
    return algorithms;
  },
  rsaBits(value) {
    if (value === 2048 || value === 3072 || value === 4096) return value;
    throw wrong('rsaBits', value, '2048, 3072 or 4096');
  },
  password: (value) => text('password', value, /^[\x20-\x7e]{4,64}$/, '4 to 64 printable ASCII characters'),
};

/**
 * Reads the settings in a configuration file, e.g. `certs-dev/pki.config.json`; settings that it does not name are absent.
 *
 * @throws CertificatesError `CERTIFICATES_CONFIGURATION_UNREADABLE`, and what `checkSettings` throws
 */
export async function readPkiSettings(path: string): Promise<Partial<PkiSettings>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (thrown) {
    const cause = asError(thrown);
    throw new CertificatesError(
      'CERTIFICATES_CONFIGURATION_UNREADABLE',
      `The PKI configuration ${path} cannot be read (${cause.message}). Name a readable JSON file, or none for the defaults.`,
      { cause },
    );
  }
  return checkSettings(parsed);
}

/**
 * Checks settings from anywhere. `undefined` counts as absent.
 *
 * @returns the settings that were given
 * @throws CertificatesError `CERTIFICATES_DAYS_INVALID`, `CERTIFICATES_HOST_INVALID`, `CERTIFICATES_SETTING_INVALID`
 */
export function checkSettings(given: unknown): Partial<PkiSettings> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw wrong('configuration', given, 'a JSON object');
  }
  const checked: [string, unknown][] = [];
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof PkiSettings] : undefined;
    if (check === undefined) {
      throw new CertificatesError(
        'CERTIFICATES_SETTING_INVALID',
        `There is no PKI setting ${JSON.stringify(name)}. The settings are ${Object.keys(CHECKS).join(', ')}.`,
      );
    }
    if (value !== undefined) checked.push([name, check(value)]);
  }
  return Object.fromEntries(checked);
}

function text(name: string, value: unknown, pattern: RegExp, wanted: string): string {
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw wrong(name, value, wanted);
}

function list<Item>(name: string, value: unknown, check: (item: unknown) => Item): readonly Item[] {
  if (!Array.isArray(value)) throw wrong(name, value, 'an array');
  return [...new Set(value.map(check))];
}

function wrong(
  name: string,
  value: unknown,
  wanted: string,
  code: CertificatesErrorCode = 'CERTIFICATES_SETTING_INVALID',
): CertificatesError {
  return new CertificatesError(code, `The PKI setting ${name} cannot be ${JSON.stringify(value)}: give ${wanted}.`);
}
