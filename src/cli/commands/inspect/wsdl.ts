/** `surewire inspect wsdl`: the ports of a WSDL and what their policies demand. */
import type { Command } from 'commander';
import { asError, SurewireError } from '../../../base/errors.ts';
import { unsafeMetadataOverHttp } from '../../../metadata/documents.ts';
import { describeWsdlPorts, type WsdlOptions } from '../../../metadata/import.ts';
import { CliError } from '../../errors.ts';
import type { Ground } from '../../ground.ts';
import { contents } from '../../identity.ts';
import { type CommonOptions, whole, withCommonOptions, withExamples } from '../../options.ts';
import { recordOf, tell } from './described.ts';

interface InspectWsdlOptions extends CommonOptions {
  readonly ca?: string;
  readonly alternative?: number;
  readonly origin?: readonly string[];
  readonly unsafeHttp?: true;
}

const examples = [
  ['surewire inspect wsdl orders.wsdl', 'Every SOAP port of a file'],
  [
    'surewire inspect wsdl https://orders.example/soap?wsdl OrdersPort --ca ca.pem',
    'One port of a service, over HTTPS',
  ],
  ['surewire inspect wsdl orders.wsdl --json | jq .obstacles', 'For programs'],
] as const;

export function inspectWsdlCommand(inspect: Command, ground: Ground): void {
  const command = inspect
    .command('wsdl')
    .summary('a WSDL and its WS-Policy')
    .description(
      'Says what the ports of a WSDL demand: reliable sessions, security, who supplies what. Documents that it imports are read beside ' +
        'the file only, or from its own origin.',
    )
    .argument('<from>', 'file, or https address such as https://orders.example/soap?wsdl')
    .argument('[port]', 'name of a port (default: all)')
    .option('--ca <file>', 'the authorities to trust for https, PEM (default: those of Node)')
    .option('--origin <origin...>', 'another origin from which imported documents may be read')
    .option('--alternative <n>', 'of a policy with several alternatives, the one to show', whole(1, 1_024))
    .option('--unsafe-http', 'take what comes over plain HTTP from another machine: anybody on the way can change it')
    .action((from: string, port: string | undefined, options: InspectWsdlOptions) =>
      inspectWsdl(from, port, options, ground),
    );
  withExamples(withCommonOptions(command), examples);
}

async function inspectWsdl(
  from: string,
  wanted: string | undefined,
  options: InspectWsdlOptions,
  ground: Ground,
): Promise<void> {
  const said = ground.output(options);
  const settings: WsdlOptions = {
    ...(options.ca === undefined ? {} : { tls: { ca: await contents(options.ca) } }),
    ...(options.origin === undefined ? {} : { origins: options.origin }),
    ...(options.alternative === undefined ? {} : { alternative: options.alternative }),
    ...(options.unsafeHttp ? { overHttp: unsafeMetadataOverHttp } : {}),
  };
  if (!/^https?:/i.test(from)) await contents(from);
  const all = await describeWsdlPorts(from, settings);
  const ports = all.filter(({ port }) => wanted === undefined || port.name === wanted);
  if (ports.length === 0) {
    const names = all.map(({ port }) => port.name).join(', ');
    throw new CliError(
      'CLI_DOCUMENT',
      `There is no SOAP port${wanted === undefined ? '' : ` "${wanted}"`}. ${names === '' ? 'The WSDL has none.' : `The WSDL has ${names}.`}`,
    );
  }
  let failed: Error | undefined;
  for (const { port, describe } of ports) {
    const name = { service: port.service, port: port.name };
    try {
      const { description, address, notes } = describe();
      said.record({ ...name, address: address?.href, ...recordOf(description), notes });
      said.line(`"${port.name}" of ${port.service}${address === undefined ? '' : ` at ${address.href}`}`);
      tell(said, description);
      for (const { line, text } of notes) said.line(`  (line ${line}) without effect here: ${text}`);
    } catch (thrown) {
      // A port that is not understood does not hide the others; the command fails all the same.
      if (!(thrown instanceof SurewireError)) throw thrown;
      failed ??= asError(thrown);
      said.record({ ...name, error: { code: thrown.code, message: thrown.message } });
      said.line(`"${port.name}" of ${port.service}\n  cannot be used: ${thrown.message}`);
    }
    said.line();
  }
  if (failed !== undefined) throw failed;
}
