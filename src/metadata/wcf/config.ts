/** The bindings and endpoints of a WCF `app.config` or `web.config`, found by name; a name has one answer or none. */
import { utf8 } from '../../base/bytes.ts';
import { asError } from '../../base/errors.ts';
import { assemble, type SystemBinding } from '../../binding/assemble.ts';
import type { Credentials, LocalReliableOptions, Surroundings } from '../../binding/credentials.ts';
import type { BindingDescription } from '../../binding/description.ts';
import { bindingRows, foreignBindings } from '../../binding/rows.ts';
import type { XmlElement } from '../../xml/document.ts';
import { scan } from '../../xml/scan.ts';
import { documentLimits } from '../documents.ts';
import { MetadataError } from '../errors.ts';
import { lineOf, named } from '../place.ts';
import { readCustomBinding } from './custom.ts';
import { type Note, Reader } from './reader.ts';
import { readSystemBinding } from './system.ts';

/** What a configuration says under one name. */
export interface ConfiguredBinding {
  readonly description: BindingDescription;
  /** Where the client endpoint of that name connects to. */
  readonly address: URL | undefined;
  readonly contract: string | undefined;
  /** What was read and has no effect here. */
  readonly notes: readonly Note[];
}

/** What a configuration holds, before any of it is read. */
export interface ConfigEntry {
  /** `binding`: a named configuration of a binding. `client` and `service`: an endpoint. */
  readonly of: 'binding' | 'client' | 'service';
  readonly kind: string;
  readonly name: string;
  readonly line: number;
}

export interface ImportOptions extends Credentials, Surroundings {
  /** Settings of the reliable session that nobody on the wire sees: `store`, `label`, `onSession` … */
  readonly reliableSession?: LocalReliableOptions;
}

export interface ImportedBinding extends SystemBinding {
  /** Where the document says that the service is. */
  readonly address: URL | undefined;
  /** What was read and has no effect here. */
  readonly notes: readonly Note[];
}

/**
 * A binding as a WCF configuration says it.
 *
 * @param xml an `app.config` or `web.config`, or its `<system.serviceModel>` or `<bindings>`
 * @param name of a `<binding>`, or of an endpoint; absent where there is only one
 * @param options the credentials, which no configuration holds
 * @throws MetadataError `METADATA_DOCUMENT`, `METADATA_CHOICE` (no such name, or two that differ), `METADATA_UNSUPPORTED` (with the
 *   line); BindingError `BINDING_RULE`, `BINDING_UNSUPPORTED`, `BINDING_CREDENTIALS`, and what the elements throw
 *
 * @example
 * const via = bindingFromWcfConfig(readFileSync('App.config'), 'WS2007HttpBinding_IOrders', { username });
 * const calls = client(orders, connect(via, via.address ?? new URL('https://orders.example/soap')));
 */
export function bindingFromWcfConfig(
  xml: string | Uint8Array,
  name: string | undefined,
  options: ImportOptions = {},
): ImportedBinding {
  const { description, address, notes } = describeWcfConfig(xml, name);
  return Object.freeze({ ...assemble(description, options, options, options.reliableSession), address, notes });
}

/**
 * What a configuration says under a name, without the credentials to make a binding of it.
 *
 * @throws MetadataError `METADATA_DOCUMENT`, `METADATA_CHOICE`, `METADATA_UNSUPPORTED`; BindingError `BINDING_RULE`
 */
export function describeWcfConfig(xml: string | Uint8Array, name?: string): ConfiguredBinding {
  const all = entries(xml);
  const wanted = all.filter((one) => (name === undefined ? one.of !== 'service' : one.name === name));
  const bindings = new Map<string, Found>();
  for (const one of wanted) {
    const found = one.of === 'binding' ? one : configurationOf(one, all);
    bindings.set(`${found.kind} ${found.element?.index ?? 'default'}`, found);
  }
  const [only, second] = bindings.values();
  if (only === undefined) {
    const names = all.map((one) => `"${one.name}"`).join(', ');
    throw new MetadataError(
      'METADATA_CHOICE',
      name === undefined
        ? 'The configuration has no binding and no endpoint.'
        : `The configuration has no binding and no endpoint "${name}". It has ${names === '' ? 'none' : names}.`,
    );
  }
  if (second !== undefined) {
    const places = [...bindings.values()].map((one) => `${one.kind} (line ${one.line})`).join(' and ');
    throw new MetadataError(
      'METADATA_CHOICE',
      `${name === undefined ? 'Without a name there is' : `"${name}" has`} more than one answer: ${places}. ` +
        (name === undefined ? 'Give the name of one.' : 'Rename one in a copy.'),
    );
  }
  const notes: Note[] = [];
  const endpoints = wanted.filter((one) => one.of === 'client');
  const addresses = new Set(
    endpoints.map(({ element }) => element?.attribute('address') ?? '').filter((one) => one !== ''),
  );
  const [address, other] = addresses;
  if (other !== undefined) {
    throw new MetadataError(
      'METADATA_CHOICE',
      `Endpoints "${name ?? ''}" connect to ${[...addresses].join(' and ')}. Rename one in a copy.`,
    );
  }
  for (const { element } of endpoints) if (element !== undefined) readEndpoint(new Reader(element, notes));
  return {
    description: read(only, notes),
    address: address === undefined ? undefined : addressOf(address, endpoints[0]?.element),
    contract: endpoints[0]?.element?.attribute('contract'),
    notes,
  };
}

/** What else an endpoint says. @throws MetadataError `METADATA_UNSUPPORTED` */
function readEndpoint(of: Reader): void {
  for (const name of ['address', 'binding', 'bindingConfiguration', 'contract', 'name']) of.take(name, () => undefined);
  of.note(['behaviorConfiguration'], 'credentials and certificates are given to bindingFromWcfConfig');
  of.note(['<identity>'], 'who the service is: give its certificate as `peer`, or check its name in TLS');
  of.finish();
}

/** Names of what a configuration holds. @throws MetadataError `METADATA_DOCUMENT` */
export function listWcfConfig(xml: string | Uint8Array): readonly ConfigEntry[] {
  return entries(xml).map(({ of, kind, name, line }) => ({ of, kind, name, line }));
}

interface Found extends ConfigEntry {
  /** Absent for the defaults of a binding, which no element says. */
  readonly element: XmlElement | undefined;
}

function read(found: Found, notes: Note[]): BindingDescription {
  if (found.kind === 'customBinding') {
    if (found.element === undefined)
      throw new MetadataError('METADATA_CHOICE', 'A customBinding has no defaults: name its bindingConfiguration.');
    return readCustomBinding(new Reader(found.element, notes));
  }
  const row = Object.values(bindingRows).find(({ kind }) => kind === found.kind);
  if (row === undefined) {
    const near =
      Object.entries(foreignBindings).find(([kind]) => kind === found.kind)?.[1] ?? 'It is no binding of WCF.';
    throw new MetadataError(
      'METADATA_UNSUPPORTED',
      `The binding ${found.kind} (line ${found.line}) is not spoken. ${near}`,
    );
  }
  const element = found.element ?? scan(utf8('<binding/>')).root;
  return readSystemBinding(row, new Reader(element, notes));
}

function entries(xml: string | Uint8Array): readonly Found[] {
  const root = rootOf(xml);
  const found: Found[] = [];
  const model = (at: XmlElement): void => {
    for (const part of at.children) {
      if (part.local === 'bindings') bindings(part);
      else if (part.local === 'client') endpoints(part, 'client');
      else if (part.local === 'services') for (const service of part.children) endpoints(service, 'service');
    }
  };
  const bindings = (at: XmlElement): void => {
    requireInline(at);
    for (const kind of at.children) {
      for (const one of kind.children) {
        if (one.local === 'binding') add('binding', kind.local, one);
      }
    }
  };
  const endpoints = (at: XmlElement, of: 'client' | 'service'): void => {
    requireInline(at);
    for (const one of at.children) if (one.local === 'endpoint') add(of, one.attribute('binding') ?? '', one);
  };
  const add = (of: Found['of'], kind: string, element: XmlElement): void => {
    found.push({ of, kind, name: element.attribute('name') ?? '', line: lineOf(element), element });
  };
  if (root.local === 'bindings') bindings(root);
  else for (const one of modelsIn(root)) model(one);
  return found;
}

/** `system.serviceModel`: the root itself, or in it, or in its `<location>`s. */
function modelsIn(root: XmlElement): readonly XmlElement[] {
  if (root.local === 'system.serviceModel') return [root];
  return root.children.flatMap((one) =>
    one.local === 'system.serviceModel' ? [one] : one.local === 'location' ? modelsIn(one) : [],
  );
}

/** What stands in another file is not looked for: that file can be given. */
function requireInline(element: XmlElement): void {
  const source = element.attribute('configSource');
  if (source === undefined) return;
  throw new MetadataError(
    'METADATA_IMPORT',
    `${named(element)} stands in another file, ${source.slice(0, 200)}. Give that file.`,
  );
}

/** The `<binding>` that an endpoint names; without a name, the unnamed one of its kind, or WCF's defaults. */
function configurationOf(endpoint: Found, all: readonly Found[]): Found {
  const name = endpoint.element?.attribute('bindingConfiguration') ?? '';
  const [only, second] = all.filter((one) => one.of === 'binding' && one.kind === endpoint.kind && one.name === name);
  if (second !== undefined) {
    throw new MetadataError(
      'METADATA_CHOICE',
      `The ${endpoint.kind} "${name}" stands there twice, in lines ${only?.line} and ${second.line}. Keep one.`,
    );
  }
  if (only !== undefined) return only;
  if (name === '') return { ...endpoint, of: 'binding', name: '', element: undefined };
  throw new MetadataError(
    'METADATA_CHOICE',
    `The endpoint in line ${endpoint.line} names the ${endpoint.kind} "${name}", which is not there.`,
  );
}

function rootOf(xml: string | Uint8Array): XmlElement {
  try {
    const { root } = scan(typeof xml === 'string' ? utf8(xml) : xml, { bytes: documentLimits.document });
    if (['configuration', 'system.serviceModel', 'bindings'].includes(root.local)) return root;
    throw new MetadataError(
      'METADATA_DOCUMENT',
      `${named(root)} is no configuration: <configuration>, <system.serviceModel> or <bindings> was expected.`,
    );
  } catch (thrown) {
    if (thrown instanceof MetadataError) throw thrown;
    const cause = asError(thrown);
    throw new MetadataError('METADATA_DOCUMENT', `The configuration cannot be read: ${cause.message}.`, { cause });
  }
}

function addressOf(text: string, element: XmlElement | undefined): URL {
  const url = URL.parse(text);
  if (url !== null) return url;
  throw new MetadataError(
    'METADATA_DOCUMENT',
    `The address "${text.slice(0, 200)}"${element === undefined ? '' : ` of ${named(element)}`} is no URL.`,
  );
}
