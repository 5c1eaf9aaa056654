/**
 * Reading WSDL 1.1: the ports of its services, each with its binding and the policies in force (WS-PolicyAttachment 1.5
 * section 4: endpoint policies come from port and binding, message policies from the operations of the binding).
 */
import type { XmlElement } from '../xml/document.ts';
import { childrenOf, qname } from '../xml/find.ts';
import { type DocumentOptions, Documents, type Loaded } from './documents.ts';
import { MetadataError } from './errors.ts';
import { wsdl, wsdlSoap, wsu } from './namespaces.ts';
import { named } from './place.ts';
import { policyNamespaces } from './policy.ts';

/** One endpoint of a WSDL. */
export interface Port {
  readonly service: string;
  readonly name: string;
  readonly soap: '1.1' | '1.2';
  /** Where the WSDL says it is; absent where it says nothing. */
  readonly address: string | undefined;
  /** `wsdl:port`. */
  readonly element: XmlElement;
  /** `wsdl:binding`. */
  readonly binding: XmlElement;
  /** The transport URI of `soap:binding`. */
  readonly transport: string;
  /** Elements that hold policies about the endpoint. */
  readonly subjects: readonly XmlElement[];
  /** Elements that hold policies about its messages, a group for each message. */
  readonly messages: readonly (readonly XmlElement[])[];
}

export interface Wsdl {
  readonly ports: readonly Port[];
  /** Finds the policy that a reference names; references look into every document that was read. */
  policy(uri: string): XmlElement | undefined;
}

/**
 * Reads a WSDL and what it imports.
 *
 * @param from a file, `file:`, `https:` or (this machine only, or by an unsafe option) `http:`
 * @throws MetadataError `METADATA_DOCUMENT`, `METADATA_IMPORT`; TransportError; XmlError `XML_UNEXPECTED`
 */
export async function readWsdl(from: URL | string, options: DocumentOptions): Promise<Wsdl> {
  const documents = new Documents(options);
  const all = await withImports(documents, await documents.first(from), 0);
  const [main] = all;
  if (main !== undefined && !main.root.is(wsdl, 'definitions')) {
    throw new MetadataError(
      'METADATA_DOCUMENT',
      `${named(main.root)} is no WSDL 1.1: <wsdl:definitions> was expected. Give the address of the document, such as …?wsdl.`,
    );
  }
  const definitions = all.map(({ root }) => root).filter((root) => root.is(wsdl, 'definitions'));
  const components = new Components(definitions);
  const policies = policyIndex(all);
  return {
    ports: definitions.flatMap((root) =>
      childrenOf(root, wsdl, 'service').flatMap((service) =>
        childrenOf(service, wsdl, 'port').flatMap((port) => portOf(service, port, components)),
      ),
    ),
    policy: (uri) => policies.get(uri),
  };
}

async function withImports(documents: Documents, from: Loaded, depth: number): Promise<readonly Loaded[]> {
  const found: Loaded[] = [from];
  if (!from.root.is(wsdl, 'definitions')) return found;
  for (const one of childrenOf(from.root, wsdl, 'import')) {
    const location = one.attribute('location');
    if (location === undefined) continue;
    const loaded = await documents.next(from, one, location, depth + 1);
    if (loaded !== undefined) found.push(...(await withImports(documents, loaded, depth + 1)));
  }
  return found;
}

/** Policies by `#id` (wsu:Id, xml:id) and by Name. */
function policyIndex(all: readonly Loaded[]): ReadonlyMap<string, XmlElement> {
  const index = new Map<string, XmlElement>();
  const add = (uri: string | undefined, element: XmlElement): void => {
    if (uri === undefined) return;
    if (index.has(uri)) {
      throw new MetadataError(
        'METADATA_CONTRADICTION',
        `${named(element)}: there are two policies "${uri.slice(0, 200)}".`,
      );
    }
    index.set(uri, element);
  };
  const visit = (element: XmlElement): void => {
    if (element.local === 'Policy' && policyNamespaces.includes(element.namespace)) {
      const id = element.attribute('Id', wsu) ?? element.attribute('id', 'http://www.w3.org/XML/1998/namespace');
      add(id === undefined ? undefined : `#${id}`, element);
      add(element.attribute('Name'), element);
      return;
    }
    for (const one of element.children) visit(one);
  };
  for (const { root } of all) visit(root);
  return index;
}

/** The named parts of all documents together. */
class Components {
  readonly #byName = new Map<string, XmlElement>();

  constructor(definitions: readonly XmlElement[]) {
    for (const root of definitions) {
      const namespace = root.attribute('targetNamespace') ?? '';
      for (const one of root.children) {
        if (one.namespace === wsdl) this.#byName.set(`${one.local} ${namespace} ${one.attribute('name') ?? ''}`, one);
      }
    }
  }

  /** What an attribute of `from` names. */
  find(kind: 'binding' | 'portType' | 'message', from: XmlElement, attribute: string): XmlElement | undefined {
    const { namespace, local } = qname(from, from.attribute(attribute) ?? '');
    return this.#byName.get(`${kind} ${namespace} ${local}`);
  }
}

function portOf(service: XmlElement, port: XmlElement, all: Components): readonly Port[] {
  const binding = all.find('binding', port, 'binding');
  if (binding === undefined) {
    throw new MetadataError(
      'METADATA_DOCUMENT',
      `${named(port)} names the binding ${port.attribute('binding') ?? ''}, which is not there.`,
    );
  }
  const [soap] = Object.entries(wsdlSoap).filter(([, one]) => childrenOf(binding, one, 'binding').length > 0);
  // A port of HTTP GET or another protocol is none of SOAP.
  if (soap === undefined) return [];
  const [version, extension] = soap as ['1.1' | '1.2', string];
  const portType = all.find('portType', binding, 'type');
  return [
    {
      service: service.attribute('name') ?? '',
      name: port.attribute('name') ?? '',
      soap: version,
      address: childrenOf(port, extension, 'address')[0]?.attribute('location'),
      element: port,
      binding,
      transport: childrenOf(binding, extension, 'binding')[0]?.attribute('transport') ?? '',
      subjects: [service, port, binding, ...(portType === undefined ? [] : [portType])],
      messages: childrenOf(binding, wsdl, 'operation').flatMap((one) => messagesOf(one, portType, all)),
    },
  ];
}

/**
 * What may hold policies about each message of an operation: the operation and the message in the binding and in the port type, and
 * wsdl:message. A fault counts where its binding says something of it; else it is protected as the reply is.
 */
function messagesOf(
  operation: XmlElement,
  portType: XmlElement | undefined,
  all: Components,
): readonly (readonly XmlElement[])[] {
  const name = operation.attribute('name');
  const abstract = portType?.children.find((one) => one.is(wsdl, 'operation') && one.attribute('name') === name);
  const spoken = operation.children.filter(
    ({ namespace, local, children }) =>
      namespace === wsdl && (local === 'input' || local === 'output' || (local === 'fault' && children.some(isPolicy))),
  );
  return spoken.map((part) => {
    const same = abstract?.children.find(
      (one) => one.is(wsdl, part.local) && (part.local !== 'fault' || one.attribute('name') === part.attribute('name')),
    );
    const message = same === undefined ? undefined : all.find('message', same, 'message');
    return [operation, part, abstract, same, message].filter((one) => one !== undefined);
  });
}

function isPolicy({ namespace }: XmlElement): boolean {
  return policyNamespaces.includes(namespace);
}
