/** `surewire inspect config`: the bindings and endpoints of a WCF configuration. */
import type { Command } from 'commander';
import { asError, SurewireError } from '../../../base/errors.ts';
import { type ConfigEntry, describeWcfConfig, listWcfConfig } from '../../../metadata/wcf/config.ts';
import { CliError } from '../../errors.ts';
import type { Ground } from '../../ground.ts';
import { contents } from '../../identity.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../../options.ts';
import { recordOf, tell } from './described.ts';

const examples = [
  ['surewire inspect config App.config', 'Every binding and client endpoint, and what of it is spoken here'],
  ['surewire inspect config Web.config WS2007HttpBinding_IOrders', 'One of them'],
  ['surewire inspect config App.config --json | jq .obstacles', 'For programs'],
] as const;

export function inspectConfigCommand(inspect: Command, ground: Ground): void {
  const command = inspect
    .command('config')
    .summary('a WCF app.config or web.config')
    .description('Says what the bindings and client endpoints of a WCF configuration put on the wire.')
    .argument('<file>', 'app.config or web.config')
    .argument('[name]', 'name of a binding or an endpoint (default: all)')
    .action((file: string, name: string | undefined, options: CommonOptions) =>
      inspectConfig(file, name, options, ground),
    );
  withExamples(withCommonOptions(command), examples);
}

async function inspectConfig(
  file: string,
  name: string | undefined,
  options: CommonOptions,
  ground: Ground,
): Promise<void> {
  const said = ground.output(options);
  const xml = await contents(file);
  const names = name === undefined ? namesOf(listWcfConfig(xml)) : [name];
  if (names.length === 0)
    throw new CliError('CLI_DOCUMENT', `${file} has no binding and no client endpoint with a name.`);
  let failed: Error | undefined;
  for (const one of names) {
    try {
      const { description, address, contract, notes } = describeWcfConfig(xml, one);
      said.record({ name: one, address: address?.href, contract, ...recordOf(description), notes });
      said.line(`"${one}"${address === undefined ? '' : ` at ${address.href}`}`);
      tell(said, description);
      for (const { line, text } of notes) said.line(`  (line ${line}) without effect here: ${text}`);
    } catch (thrown) {
      // One that is not understood does not hide the others; the command fails all the same.
      if (!(thrown instanceof SurewireError)) throw thrown;
      failed ??= asError(thrown);
      said.record({ name: one, error: { code: thrown.code, message: thrown.message } });
      said.line(`"${one}"\n  cannot be used: ${thrown.message}`);
    }
    said.line();
  }
  if (failed !== undefined) throw failed;
}

/** Endpoints of services are the other end's: their bindings are listed by their own names. */
function namesOf(entries: readonly ConfigEntry[]): readonly string[] {
  return [...new Set(entries.filter(({ of, name }) => of !== 'service' && name !== '').map(({ name }) => name))];
}
