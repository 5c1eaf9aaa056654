/**
 * Documents and what they refer to, read only where that is allowed (attacks A11, P1): what a document names is a wish of whoever
 * wrote it. A file may lead to files beside it, an address to addresses of the same origin; nothing leads from the web to a file.
 */
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { asError, SurewireError } from '../base/errors.ts';
import { fetchDocument } from '../transport/http/document.ts';
import type { HttpClientOptions } from '../transport/http/settings.ts';
import type { TlsOptions } from '../transport/tls.ts';
import type { XmlElement } from '../xml/document.ts';
import { scan } from '../xml/scan.ts';
import { MetadataError } from './errors.ts';
import { named } from './place.ts';

/** Accepts metadata that came over plain HTTP from another machine: anybody on the way can replace it by a weaker one. */
export const unsafeMetadataOverHttp: unique symbol = Symbol('unsafeMetadataOverHttp');

/** Counts, and octets. */
export const documentLimits: Readonly<Record<'documents' | 'document' | 'depth', number>> = Object.freeze({
  documents: 32,
  document: 4 * 1024 * 1024,
  depth: 8,
});

export interface DocumentOptions {
  /** Who we are and whom we trust in TLS, for https. */
  readonly tls?: TlsOptions;
  readonly client?: HttpClientOptions;
  /** Origins (`https://schemas.example`) that documents may lead to besides their own. */
  readonly origins?: readonly string[];
  readonly overHttp?: typeof unsafeMetadataOverHttp;
}

export interface Loaded {
  readonly url: URL;
  readonly root: XmlElement;
}

/** Reads a document and, one by one, those that it leads to; each once, however often it is named. */
export class Documents {
  readonly #options: DocumentOptions;
  readonly #loaded = new Map<string, Loaded>();

  constructor(options: DocumentOptions) {
    this.#options = options;
  }

  /**
   * The document that somebody here asked for.
   *
   * @throws MetadataError `METADATA_DOCUMENT`, `METADATA_IMPORT` for plain HTTP; TransportError
   */
  async first(from: URL | string): Promise<Loaded> {
    const url = locate(from);
    if (url.protocol === 'http:' && !isHere(url) && this.#options.overHttp !== unsafeMetadataOverHttp) {
      throw new MetadataError(
        'METADATA_IMPORT',
        `Anybody on the way to ${url.origin} can replace what it says by something weaker. Use https or a file, or say overHttp: unsafeMetadataOverHttp.`,
      );
    }
    return this.#read(url);
  }

  /**
   * A document that another one names, or `undefined` when that was read before.
   *
   * @param depth how many documents led here
   * @throws MetadataError `METADATA_IMPORT`, `METADATA_DOCUMENT`; TransportError
   */
  async next(from: Loaded, element: XmlElement, location: string, depth: number): Promise<Loaded | undefined> {
    const url = URL.parse(location, from.url);
    if (url === null) throw refused(element, location, 'it is no address');
    url.hash = '';
    if (this.#loaded.has(url.href)) return undefined;
    if (depth > documentLimits.depth)
      throw refused(element, location, `more than ${documentLimits.depth} documents lead to it`);
    if (this.#loaded.size >= documentLimits.documents) {
      throw refused(element, location, `it would be more than ${documentLimits.documents} documents`);
    }
    await this.#requireAllowed(from, element, url, location);
    return this.#read(url);
  }

  async #requireAllowed(from: Loaded, element: XmlElement, url: URL, location: string): Promise<void> {
    if (url.protocol === 'file:') {
      if (from.url.protocol !== 'file:') throw refused(element, location, 'the web does not lead to files');
      const folder = await realpath(dirname(fileURLToPath(from.url)));
      const target = await realpath(fileURLToPath(url)).catch(() => undefined);
      if (target === undefined) throw refused(element, location, 'there is no such file');
      if (!target.startsWith(`${folder}${sep}`))
        throw refused(element, location, 'a file leads to files beside and below it only');
      return;
    }
    const own = from.url.protocol === 'file:' ? [] : [from.url.origin];
    if ([...own, ...(this.#options.origins ?? [])].includes(url.origin)) return;
    throw refused(element, location, `name its origin in \`origins: ['${url.origin}']\` if you trust it`);
  }

  async #read(url: URL): Promise<Loaded> {
    const place = url.protocol === 'file:' ? fileURLToPath(url) : `${url.origin}${url.pathname}`;
    try {
      const bytes = await this.#bytes(url);
      const { root } = scan(bytes, { bytes: documentLimits.document, text: documentLimits.document });
      const loaded = { url, root };
      this.#loaded.set(url.href, loaded);
      return loaded;
    } catch (thrown) {
      const cause = asError(thrown);
      if (cause instanceof SurewireError && cause.code.startsWith('TRANSPORT_')) throw cause;
      throw new MetadataError('METADATA_DOCUMENT', `${place} cannot be read as a document: ${cause.message}.`, {
        cause,
      });
    }
  }

  async #bytes(url: URL): Promise<Uint8Array> {
    if (url.protocol !== 'file:') {
      const { tls, client } = this.#options;
      return fetchDocument(url, {
        maxReceivedMessageSize: documentLimits.document,
        ...(tls === undefined ? {} : { tls }),
        client: { sendTimeout: 30_000, ...client },
      });
    }
    const path = fileURLToPath(url);
    const { size } = await stat(path);
    if (size > documentLimits.document) throw new Error(`it has more than ${documentLimits.document} octets`);
    return readFile(path);
  }
}

function locate(from: URL | string): URL {
  if (typeof from !== 'string') return from;
  return /^(https?|file):/i.test(from) ? new URL(from) : pathToFileURL(from);
}

function isHere({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

function refused(element: XmlElement, location: string, why: string): MetadataError {
  return new MetadataError(
    'METADATA_IMPORT',
    `${named(element)} leads to ${location.slice(0, 200)}, which is not read: ${why}.`,
  );
}
