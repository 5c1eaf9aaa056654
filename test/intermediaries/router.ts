/**
 * A SOAP node between the ends (SOAP 1.2 part 1 section 2.6, SOAP 1.1 section 4.2.2), made with xmldom and node:http alone: it
 * reads each envelope, processes and removes the header blocks that are for it, adds blocks of its own in both
 * directions, and passes the rest on as its parser and serializer write it. What is above the Body's meaning is not its
 * business.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { DOMParser, type Document, type Element, XMLSerializer } from '@xmldom/xmldom';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { type SoapVersion, soapVersions } from '../../src/soap/version.ts';

const addressing = 'http://www.w3.org/2005/08/addressing';
export const routing = 'urn:example:routing';
/** The role that this router acts in, besides `next`. */
export const routerRole = 'urn:example:roles:router';

export interface RouterOptions {
  /** Where a message goes whose Route header block says so; the one with the key '' is for all others. */
  readonly byHeader?: ReadonlyMap<string, URL>;
  /** Where a message goes with this wsa:Action; asked where no Route header block is there. */
  readonly byAction?: ReadonlyMap<string, URL>;
  readonly otherwise: URL;
  /** How likely a request, and again a reply, is lost. */
  readonly loss?: number;
  readonly seed?: number;
  /** Changes what passes, for routers that are not to be trusted. */
  readonly meddle?: (envelope: Element, way: 'request' | 'reply') => void;
}

export interface Router extends AsyncDisposable {
  readonly url: URL;
  /** What it did: how many messages went to each back end, how many it lost. */
  readonly routed: ReadonlyMap<string, number>;
  lost(): number;
  /** Expanded names of the header blocks that it removed because they were for it. */
  readonly processed: readonly string[];
}

export async function soapRouter(options: RouterOptions): Promise<Router> {
  const random = seededRandom(options.seed ?? 1);
  const routed = new Map<string, number>();
  const processed: string[] = [];
  let lost = 0;
  const server = createServer((incoming, outgoing) => {
    forward(incoming, outgoing).catch(() => outgoing.destroy());
  });

  async function forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    if (loses(random, options.loss)) return drop(outgoing);
    const { envelope, version } = read(body);
    const [to, own, refused] = processing(envelope, version, options, processed);
    if (refused !== undefined) {
      outgoing.writeHead(500, { 'content-type': `${version.mediaType}; charset=utf-8` }).end(refused);
      return;
    }
    add(envelope, version, `<v:Via xmlns:v="${routing}">${own}</v:Via>`);
    add(
      envelope,
      version,
      `<a:To xmlns:a="${addressing}" xmlns:s="${version.namespace}" s:mustUnderstand="1" s:${version.roleAttribute}="urn:example:roles:auditor">urn:audit</a:To>`,
    );
    options.meddle?.(envelope, 'request');
    routed.set(to.href, (routed.get(to.href) ?? 0) + 1);
    const answer = await post(to, incoming.headers, written(envelope));
    if (loses(random, options.loss)) return drop(outgoing);
    const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...headers } = answer.headers;
    if (answer.body.length === 0) {
      outgoing.writeHead(answer.status, headers).end();
      return;
    }
    const reply = read(answer.body);
    add(reply.envelope, reply.version, `<v:Via xmlns:v="${routing}">${own}</v:Via>`);
    options.meddle?.(reply.envelope, 'reply');
    outgoing.writeHead(answer.status, headers).end(written(reply.envelope));
  }

  function drop(outgoing: ServerResponse): void {
    lost += 1;
    outgoing.destroy();
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/router`),
    routed,
    processed,
    lost: () => lost,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function loses(random: Random, loss = 0): boolean {
  return loss > 0 && random.fraction() < loss;
}

function read(octets: Uint8Array): { readonly envelope: Element; readonly version: SoapVersion } {
  const document: Document = new DOMParser().parseFromString(Buffer.from(octets).toString('utf8'), 'text/xml');
  const envelope = document.documentElement;
  const version = soapVersions.find(({ namespace }) => namespace === envelope?.namespaceURI);
  if (envelope === null || version === undefined) throw new Error('not an envelope');
  return { envelope, version };
}

function written(envelope: Element): Buffer {
  return Buffer.from(new XMLSerializer().serializeToString(envelope), 'utf8');
}

function headerOf(envelope: Element, version: SoapVersion): Element {
  const found = envelope.getElementsByTagNameNS(version.namespace, 'Header').item(0);
  if (found !== null) return found;
  const made = envelope.ownerDocument?.createElementNS(version.namespace, 's:Header');
  if (made === undefined) throw new Error('an element belongs to a document');
  envelope.insertBefore(made, envelope.firstChild);
  return made;
}

function add(envelope: Element, version: SoapVersion, xml: string): void {
  const block = new DOMParser().parseFromString(xml, 'text/xml').documentElement;
  const head = headerOf(envelope, version);
  const imported = block === null ? null : envelope.ownerDocument?.importNode(block, true);
  if (imported != null) head.insertBefore(imported, head.firstChild);
}

/** SOAP 1.2 part 1 section 2.6 and 2.7: the blocks for this node are understood or refused, and removed; where it goes. */
function processing(
  envelope: Element,
  version: SoapVersion,
  { byHeader, byAction, otherwise }: RouterOptions,
  processed: string[],
): readonly [to: URL, own: string, refused: string | undefined] {
  const head = headerOf(envelope, version);
  const [next = ''] = version.ownRoles;
  let to: URL | undefined;
  let action = '';
  for (const block of [...head.childNodes].filter((node): node is Element => node.nodeType === 1)) {
    const { namespaceURI, localName } = block;
    const role = block.getAttributeNS(version.namespace, version.roleAttribute);
    if (localName === 'Action' && role === null) action = block.textContent?.trim() ?? '';
    if (role !== routerRole && role !== next) continue;
    if (namespaceURI === routing && localName === 'Route') {
      to = byHeader?.get(block.textContent?.trim() ?? '');
    } else if (/^(1|true)$/.test(block.getAttributeNS(version.namespace, 'mustUnderstand') ?? '')) {
      return [otherwise, '', mustUnderstand(version)];
    } else if (/^(1|true)$/.test(block.getAttributeNS(version.namespace, 'relay') ?? '')) {
      // Section 2.7.2: what says so and was not processed goes on.
      continue;
    }
    processed.push(`{${namespaceURI}}${localName}`);
    head.removeChild(block);
  }
  const found = to ?? byAction?.get(action) ?? otherwise;
  return [found, found.pathname, undefined];
}

function mustUnderstand({ name, namespace }: SoapVersion): string {
  const code =
    name === '1.1'
      ? '<faultcode>s:MustUnderstand</faultcode><faultstring>not understood here</faultstring>'
      : '<s:Code><s:Value>s:MustUnderstand</s:Value></s:Code><s:Reason><s:Text xml:lang="en">not understood here</s:Text></s:Reason>';
  return `<s:Envelope xmlns:s="${namespace}"><s:Body><s:Fault>${code}</s:Fault></s:Body></s:Envelope>`;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function post(to: URL, headers: IncomingMessage['headers'], body: Buffer): Promise<Answer> {
  const { host: _, 'content-length': __, 'transfer-encoding': ___, connection: ____, ...kept } = headers;
  return new Promise((resolve, reject) => {
    const onward = request(to, { method: 'POST', headers: { ...kept, 'content-length': body.length } }, (answer) => {
      buffer(answer).then(
        (octets) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: octets }),
        reject,
      );
    });
    onward.on('error', reject);
    onward.end(body);
  });
}
