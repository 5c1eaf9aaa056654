/** `surewire doctor [URL|FILE…]`: what is wrong with a set-up, and what to do about it. */
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Command } from 'commander';
import { hasCode } from '../../base/errors.ts';
import { security } from '../../security/element.ts';
import type { TlsOptions } from '../../transport/tls.ts';
import { diagnoseAddress } from '../doctor/address.ts';
import { type Diagnosis, type Health, ill, unknown } from '../doctor/finding.ts';
import { diagnosePairs, diagnosePem, diagnosePkcs12, type Material } from '../doctor/material.ts';
import { diagnoseMessage } from '../doctor/message.ts';
import { CliError } from '../errors.ts';
import type { Ground } from '../ground.ts';
import { clientStandIns, contents, firstLine, type Identity, identity } from '../identity.ts';
import {
  type CommonOptions,
  endpointUrl,
  hostOf,
  type IdentityOptions,
  withCommonOptions,
  withExamples,
  withIdentityOptions,
} from '../options.ts';
import type { Output } from '../output.ts';

interface DoctorOptions extends CommonOptions, IdentityOptions {
  readonly probe?: true;
}

const examples = [
  ['surewire doctor', 'The development certificates, if there are some'],
  ['surewire doctor https://127.0.0.1:8443/drop', 'Reachable, trusted, in time? What does it speak?'],
  [
    'surewire doctor https://127.0.0.1:8443/drop --probe',
    'Also opens a reliable session of each version, and closes it again',
  ],
  [
    'surewire doctor me.pem me.key partner.pfx --passphrase-file secret.txt',
    'Certificates and keys: usable, and a pair?',
  ],
  ['surewire doctor fault.xml', 'A fault in plain words, and what to do next'],
] as const;

const signs: Readonly<Record<Health, string>> = { well: 'ok  ', warning: 'look', ill: 'FAIL', unknown: '?   ' };

export function doctorCommand(program: Command, ground: Ground): void {
  const command = program
    .command('doctor')
    .summary('find out what is wrong with a set-up')
    .description(
      'Looks at endpoints, certificates, keys, PKCS#12 files and SOAP messages, and says what is wrong and what to do. ' +
        'Exits with 0 when nothing is wrong, 1 when something is, 2 when something could not be looked at.',
    )
    .argument('[what...]', 'addresses and files (default: the development certificates)')
    .option('--probe', 'open a reliable session of each version at each address, and close it again')
    .action((what: readonly string[], options: DoctorOptions) => doctor(what, options, ground));
  withExamples(withIdentityOptions(withCommonOptions(command)), examples);
}

async function doctor(what: readonly string[], options: DoctorOptions, ground: Ground): Promise<void> {
  const said = ground.output(options);
  const material: Material = { certificates: [], keys: [] };
  const all: Diagnosis[] = [];
  const tell = (target: string, found: readonly Diagnosis[]): void => {
    all.push(...found);
    report(said, target, found);
  };
  for (const target of what.length > 0 ? what : developmentFiles(options.certs)) {
    ground.signal.throwIfAborted();
    tell(target, await diagnosed(target, options, material, ground));
  }
  const pairs = diagnosePairs(material);
  if (pairs.length > 0) tell('keys and certificates', pairs);
  const count = (health: Health): number => all.filter((one) => one.health === health).length;
  const summary = { ok: count('well'), warnings: count('warning'), problems: count('ill'), unknown: count('unknown') };
  said.record(summary);
  said.line(
    `${summary.ok} ok, ${summary.warnings} to look at, ${summary.problems} wrong, ${summary.unknown} not known`,
  );
  if (summary.problems > 0) throw new CliError('CLI_ILL', 'Something is wrong; see above what to do.');
  if (all.length === 0 || all.every(({ health }) => health === 'unknown')) {
    throw new CliError(
      'CLI_USAGE',
      'Nothing of it could be looked at. Name an address or a file; see `surewire doctor --help`.',
    );
  }
}

async function diagnosed(
  target: string,
  options: DoctorOptions,
  material: Material,
  ground: Ground,
): Promise<readonly Diagnosis[]> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) {
    const who = await ours(options);
    const url = endpointUrl(target);
    const signed = options.probe === true && who !== undefined ? signedBy(who, url) : undefined;
    const tls: TlsOptions = who?.tls ?? {};
    return diagnoseAddress({
      url,
      tls,
      security: signed,
      probe: options.probe === true,
      signal: ground.signal,
      now: Date.now,
    });
  }
  let octets: Buffer;
  try {
    octets = await contents(target);
  } catch (thrown) {
    if (!(thrown instanceof CliError)) throw thrown;
    return [ill('file', thrown.message, 'Check the name and who may read it.')];
  }
  const { passphrase } = await firstLine(options.passphraseFile);
  const text = octets.toString('utf8');
  if (text.includes('-----BEGIN ')) return diagnosePem(target, text, passphrase, Date.now(), material);
  if (['.pfx', '.p12'].includes(extname(target).toLowerCase())) {
    return diagnosePkcs12(target, octets, passphrase ?? '', Date.now(), material);
  }
  if (text.trimStart().startsWith('<')) return diagnoseMessage(octets);
  return [
    unknown(
      'file',
      'It is none of the kinds that are known: PEM, .pfx, .p12, a SOAP envelope.',
      'See also `surewire inspect --help`.',
    ),
  ];
}

/** Our certificates, as far as there are some: an address can be looked at without. */
async function ours(options: DoctorOptions): Promise<Identity | undefined> {
  try {
    return await identity(options, clientStandIns);
  } catch (thrown) {
    const isNamed = options.cert ?? options.ca ?? options.pfx;
    if (isNamed === undefined && hasCode(thrown, 'CLI_NO_CERTIFICATE')) return undefined;
    throw thrown;
  }
}

function signedBy(who: Identity, url: URL): ReturnType<typeof security> | undefined {
  return who.signer === undefined ? undefined : security(who.signed({ host: hostOf(url) }));
}

function developmentFiles(folder: string): readonly string[] {
  const names = ['rsa', 'ec'].flatMap((kind) =>
    ['server', 'alice', 'service-signing', 'client-signing'].flatMap((name) => [
      join(folder, kind, `${name}.chain.pem`),
      join(folder, kind, `${name}.key.pem`),
    ]),
  );
  const found = names.filter((name) => existsSync(name));
  if (found.length > 0) return found;
  throw new CliError(
    'CLI_NO_CERTIFICATE',
    `There is nothing in ${folder} to look at. Run \`surewire certs\`, or name files or an address.`,
  );
}

function report(said: Output, target: string, found: readonly Diagnosis[]): void {
  for (const one of found) said.record({ target, ...one });
  said.line(target);
  for (const { about, health, what, next } of found) {
    said.line(`  ${signs[health]} ${about.padEnd(14)} ${what}`);
    if (next !== undefined && health !== 'well') said.line(`       ${''.padEnd(14)} → ${next}`);
  }
  said.line();
}
