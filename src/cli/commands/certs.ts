/** `surewire certs`: the development PKI, made once and kept. */
import { relative } from 'node:path';
import type { Command } from 'commander';
import { developmentPki, type PkiResult } from '../../certificates/development-pki.ts';
import { readPkiSettings } from '../../certificates/settings.ts';
import type { Ground } from '../ground.ts';
import { type CommonOptions, certificatesFolder, whole, withCommonOptions, withExamples } from '../options.ts';
import { table } from '../output.ts';

interface CertsOptions extends CommonOptions {
  readonly out: string;
  readonly days?: number;
  readonly host?: readonly string[];
  readonly config?: string;
  readonly force?: true;
}

const examples = [
  ['surewire certs', 'Make what is missing; running it again changes nothing'],
  ['surewire certs --host orders.test --host 192.0.2.7', 'Server certificates for other names too'],
  ['surewire certs --force --days 7', 'Make everything again, good for a week'],
  ['surewire certs --out ./pki --json', 'Elsewhere, and what was made as JSON'],
] as const;

export function certsCommand(program: Command, ground: Ground): void {
  const command = program
    .command('certs')
    .summary('make certificates for development')
    .description(
      'Makes a development PKI: root and intermediate CA, a server certificate, client certificates, signing certificates, ' +
        'and an expired and a revoked one to be refused; RSA and ECDSA, as PEM and PKCS#12. For your machine only.',
    )
    .option('--out <folder>', 'where the files go', certificatesFolder)
    .option('--days <n>', 'validity in days', whole(1, 3650))
    .option('--host <name...>', 'a DNS name or IP address of the server besides localhost, 127.0.0.1 and ::1')
    .option('--config <file>', 'further settings, JSON (see certs-dev/README.md)')
    .option('--force', 'make everything again')
    .action((options: CertsOptions) => certs(options, ground));
  withExamples(withCommonOptions(command), examples);
}

async function certs(options: CertsOptions, ground: Ground): Promise<void> {
  const said = ground.output(options);
  const settings = options.config === undefined ? {} : await readPkiSettings(options.config);
  const made = await developmentPki({
    ...settings,
    folder: options.out,
    force: options.force ?? false,
    ...(options.days === undefined ? {} : { days: options.days }),
    ...(options.host === undefined ? {} : { hosts: options.host }),
    onStep: (step) => said.remark(`  ${step}`),
  });
  said.record(made);
  said.line(
    made.created ? `Made in ${made.folder}. ${made.reason}` : `Nothing to do in ${made.folder}. ${made.reason}`,
  );
  said.line();
  said.line(table(rows(made)));
  said.line();
  said.line('DEV ONLY: the keys are not protected. Never trust these authorities on a machine that matters.');
}

function rows({ folder, entries }: PkiResult): readonly (readonly [string, string])[] {
  return entries.map(({ chain, subject, notAfter }) => [
    relative(folder, chain),
    `${subject}, until ${notAfter.slice(0, 10)}`,
  ]);
}
