/** `surewire inspect cert` and `pfx`: what certificates say, and nothing of a private key. */
import type { Command } from 'commander';
import { usageOf } from '../../../certificates/usage.ts';
import { type Certificate, certificates } from '../../../security/certificates.ts';
import { readPkcs12 } from '../../../security/pkcs12.ts';
import type { Ground } from '../../ground.ts';
import { contents, firstLine } from '../../identity.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../../options.ts';
import { type Output, table } from '../../output.ts';

interface PfxOptions extends CommonOptions {
  readonly passphraseFile?: string;
}

export function inspectCertCommand(inspect: Command, ground: Ground): void {
  const command = inspect
    .command('cert')
    .summary('X.509 certificates')
    .description(
      'Says what X.509 certificates hold: names, validity, use, and the fingerprints that peers know them by.',
    )
    .argument('<file...>', 'PEM (any number of certificates) or DER')
    .action(async (files: readonly string[], options: CommonOptions) => {
      const said = ground.output(options);
      for (const file of files) for (const one of certificates(await contents(file))) tell(said, file, one);
    });
  withExamples(withCommonOptions(command), [
    ['surewire inspect cert server.pem', 'Every certificate of the file'],
    ['surewire inspect cert server.pem --json | jq -r .thumbprint', 'What Windows calls its thumbprint'],
  ]);
}

export function inspectPfxCommand(inspect: Command, ground: Ground): void {
  const command = inspect
    .command('pfx')
    .summary('a PKCS#12 file')
    .description('Says which certificates a PKCS#12 file holds and of what kind its key is. The key is never shown.')
    .argument('<file>', 'PKCS#12 (.pfx, .p12)')
    .option('--passphrase-file <file>', 'file whose first line opens it')
    .action(async (file: string, options: PfxOptions) => {
      const said = ground.output(options);
      const { passphrase = '' } = await firstLine(options.passphraseFile);
      const { privateKey, certificates: chain } = readPkcs12(await contents(file), passphrase);
      said.line(`${file} holds one private key (${privateKey.asymmetricKeyType}) and ${chain.length} certificates.`);
      said.line();
      for (const one of chain) tell(said, file, one);
    });
  withExamples(withCommonOptions(command), [
    ['surewire inspect pfx me.pfx --passphrase-file secret.txt', 'What is in it'],
  ]);
}

function tell(said: Output, file: string, one: Certificate): void {
  const usage = usageOf(one.der);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = one.key;
  const size = details?.modulusLength ?? details?.namedCurve;
  const seen = {
    file,
    subject: one.subject,
    issuer: one.issuer,
    serial: one.serial,
    notBefore: new Date(one.notBefore).toISOString(),
    notAfter: new Date(one.notAfter).toISOString(),
    key: `${type}${size === undefined ? '' : ` ${size}`}`,
    usage: usage?.names ?? null,
    authority: usage?.isAuthority ?? null,
    fingerprint: one.fingerprint,
    thumbprint: hex(one.thumbprint()),
    keyIdentifier: hex(one.keyIdentifier()),
    identity: `x509:${one.keyFingerprint}`,
  };
  said.record(seen);
  const { usage: uses, authority, ...rest } = seen;
  const shown = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
  said.line(table([...shown, ['usage', uses?.join(', ') || 'any'], ['authority', authority === true ? 'yes' : 'no']]));
  said.line();
}

function hex(octets: Uint8Array | undefined): string | undefined {
  return octets && Buffer.from(octets).toString('hex');
}
