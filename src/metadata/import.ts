/** A binding from a peer's WSDL: the port's policies read, the alternative chosen, the credentials put in. */
import { assemble } from '../binding/assemble.ts';
import type { BindingDescription } from '../binding/description.ts';
import { obstacles } from '../binding/obstacles.ts';
import type { DocumentOptions } from './documents.ts';
import { effectivePolicy } from './effective.ts';
import { MetadataError } from './errors.ts';
import { soap12Http, soapHttp, soapWebSocket } from './namespaces.ts';
import { named } from './place.ts';
import type { PolicyAlternative, PolicyAlternatives } from './policy.ts';
import { type Around, readAlternative } from './policy-reader.ts';
import type { ImportedBinding, ImportOptions } from './wcf/config.ts';
import type { Note } from './wcf/reader.ts';
import { type Port, readWsdl, type Wsdl } from './wsdl.ts';

export interface WsdlOptions extends DocumentOptions {
  /** Which alternative of the policy, from 1, where several are left to choose from. */
  readonly alternative?: number;
}

/** What a port of a WSDL says. */
export interface DescribedPort {
  readonly service: string;
  readonly port: string;
  readonly address: URL | undefined;
  readonly description: BindingDescription;
  readonly notes: readonly Note[];
}

/**
 * A binding as a WSDL says it, of Metro, CXF, WCF or `?wsdl` of a host. Whatever the policy demands and surewire does not speak is
 * named with its line.
 *
 * @param from a file, or an `https:` address; documents that it imports are read only beside it, or from its own origin
 * @param port name of a port; absent where there is only one
 * @param options the credentials, which no WSDL holds
 * @throws MetadataError `METADATA_DOCUMENT`, `METADATA_IMPORT`, `METADATA_CHOICE`, `METADATA_UNSUPPORTED`, `METADATA_CONTRADICTION`,
 *   `METADATA_POLICY_…`; TransportError; BindingError, and what the elements throw
 *
 * @example
 * const via = await bindingFromWsdl('https://orders.example/soap?wsdl', 'OrdersPort', { username, tls: { ca } });
 */
export async function bindingFromWsdl(
  from: URL | string,
  port: string | undefined,
  options: ImportOptions & WsdlOptions = {},
): Promise<ImportedBinding> {
  const { description, address, notes } = await describeWsdl(from, port, options);
  return Object.freeze({ ...assemble(description, options, options, options.reliableSession), address, notes });
}

/** What a port of a WSDL says, without the credentials to make a binding of it. Throws as `bindingFromWsdl`. */
export async function describeWsdl(
  from: URL | string,
  port?: string,
  options: WsdlOptions = {},
): Promise<DescribedPort> {
  const wsdl = await readWsdl(from, options);
  const found = wsdl.ports.filter((one) => port === undefined || one.name === port);
  const [only, second] = found;
  if (only === undefined || second !== undefined) {
    const names = wsdl.ports.map((one) => `"${one.name}" of ${one.service}`).join(', ');
    throw new MetadataError(
      'METADATA_CHOICE',
      `${only === undefined ? `The WSDL has no SOAP port${port === undefined ? '' : ` "${port}"`}` : 'The WSDL has several ports'}. ` +
        `${names === '' ? 'It has none at all' : `It has ${names}`}.`,
    );
  }
  return describePort(only, wsdl, options);
}

/** Every SOAP port of a WSDL, described or with the error that keeps it from being. */
export async function describeWsdlPorts(
  from: URL | string,
  options: WsdlOptions,
): Promise<readonly { readonly port: Port; describe(): DescribedPort }[]> {
  const wsdl = await readWsdl(from, options);
  return wsdl.ports.map((port) => ({ port, describe: () => describePort(port, wsdl, options) }));
}

function describePort(port: Port, wsdl: Wsdl, { alternative }: WsdlOptions): DescribedPort {
  const address = port.address === undefined ? null : URL.parse(port.address);
  const around: Around = {
    soap: port.soap,
    transport: transportOf(port),
    scheme: address?.protocol,
    messages: port.messages.map((subjects) => onlyOne(effectivePolicy(subjects, wsdl), port)),
  };
  const { description, notes } = choose(effectivePolicy(port.subjects, wsdl), around, port, alternative);
  return { service: port.service, port: port.name, address: address ?? undefined, description, notes };
}

interface Read {
  readonly description: BindingDescription;
  readonly notes: readonly Note[];
  readonly assertions: number;
}

/**
 * The one alternative to use. What is optional is taken where it is spoken; between alternatives that differ otherwise, the
 * application chooses: the order in a document that anybody may have written is no choice (attacks P1, P2).
 */
function choose(alternatives: PolicyAlternatives, around: Around, port: Port, wanted: number | undefined): Read {
  if (alternatives.length === 0) {
    throw new MetadataError(
      'METADATA_CONTRADICTION',
      `The policy of ${named(port.element)} has no alternative: nothing can satisfy it.`,
    );
  }
  if (wanted !== undefined) {
    const one = alternatives[wanted - 1];
    if (one !== undefined) return read(one, around);
    throw new MetadataError(
      'METADATA_CHOICE',
      `The policy has ${alternatives.length} alternatives, and not ${wanted}.`,
    );
  }
  const readable: Read[] = [];
  let failure: unknown;
  for (const one of alternatives) {
    try {
      const found = read(one, around);
      if (!readable.some((other) => same(other.description, found.description))) readable.push(found);
    } catch (thrown) {
      if (!(thrown instanceof MetadataError)) throw thrown;
      failure ??= thrown;
    }
  }
  if (readable.length === 0) throw failure;
  const spoken = readable.filter(({ description }) => obstacles(description).length === 0);
  const candidates = spoken.length === 0 ? readable : spoken;
  const [best, ...others] = [...candidates].sort((one, other) => rank(other) - rank(one));
  if (best !== undefined && others.every((one) => isWeaker(one.description, best.description))) return best;
  throw new MetadataError(
    'METADATA_CHOICE',
    `The policy of ${named(port.element)} has ${candidates.length} alternatives that differ. Choose one with \`alternative\`, from 1 to ${alternatives.length}.`,
  );
}

function read(alternative: PolicyAlternative, around: Around): Read {
  const notes: Note[] = [];
  return { description: readAlternative(alternative, around, notes), notes, assertions: alternative.length };
}

/** What demands more comes first; but whoever need not fetch its answers does not. */
function rank({ assertions, description }: Read): number {
  return description.transport.kind === 'fetched' ? assertions - 2 : assertions;
}

/** Whether `one` is `best` without something that was optional: security is never what may be left out. */
function isWeaker(one: BindingDescription, best: BindingDescription): boolean {
  const transport = { ...best.transport, kind: one.transport.kind };
  return same({ ...best, transport, reliableSession: one.reliableSession, encoding: one.encoding }, one);
}

function same(one: BindingDescription, other: BindingDescription): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function onlyOne(alternatives: PolicyAlternatives, port: Port): PolicyAlternative {
  const [only, second] = alternatives;
  if (only !== undefined && second === undefined) return only;
  throw new MetadataError(
    'METADATA_CHOICE',
    `A message of ${named(port.binding)} has ${alternatives.length} alternatives of what is signed and encrypted. State one.`,
  );
}

function transportOf({ transport, binding }: Port): Around['transport'] {
  if (transport === soapHttp || transport === soap12Http) return 'http';
  if (transport === soapWebSocket) return 'websocket';
  throw new MetadataError(
    'METADATA_UNSUPPORTED',
    `${named(binding)} is over ${transport.slice(0, 200)}; SOAP over HTTP is spoken, and over WebSocket.`,
  );
}
