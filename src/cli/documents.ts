/**
 * The files that `surewire send` sends: each read and checked before anything is sent, so that a bad one is named and
 * nothing is half done, and read again when its turn comes, so that a thousand of them need not fit into memory.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { asError } from '../base/errors.ts';
import { elementsById } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { scan } from '../xml/scan.ts';
import { CliError } from './errors.ts';

/** One document to send. */
export interface Document {
  readonly name: string;
  /** SHA-256 in hex of what is sent: the canonical octets of the root element. */
  readonly sha256: string;
  /** @throws CliError `CLI_FILE`, `CLI_DOCUMENT` when it is no longer what it was */
  load(): Promise<XmlFragment>;
}

/** Largest file, in octets: with its envelope it has to stay below what a listener accepts (10 MiB). */
const LARGEST = 9.5 * 2 ** 20;

/**
 * Reads and checks files.
 *
 * @throws CliError `CLI_FILE`, `CLI_DOCUMENT`
 */
export async function documentsOf(files: readonly string[]): Promise<readonly Document[]> {
  const documents: Document[] = [];
  for (const file of files) {
    const sha256 = digestOf(await read(file));
    documents.push({
      name: basename(file),
      sha256,
      async load() {
        const fragment = await read(file);
        if (digestOf(fragment) === sha256) return fragment;
        throw new CliError('CLI_DOCUMENT', `${file} was changed while files were being sent. Send it again by itself.`);
      },
    });
  }
  return documents;
}

/** A document that is made here, anew each time it is needed. */
export function documentOf(name: string, make: () => string): Document {
  return { name, sha256: digestOf(XmlFragment.parse(make())), load: async () => XmlFragment.parse(make()) };
}

/** What makes two lists of documents the same transfer: the same contents in the same order. */
export function manifestOf(documents: readonly Document[]): string {
  const hash = createHash('sha256');
  for (const { sha256 } of documents) hash.update(`${sha256}\n`);
  return hash.digest('hex');
}

function digestOf(fragment: XmlFragment): string {
  return createHash('sha256').update(fragment.bytes).digest('hex');
}

async function read(file: string): Promise<XmlFragment> {
  let octets: Buffer;
  try {
    octets = await readFile(file);
  } catch (thrown) {
    const cause = asError(thrown);
    throw new CliError('CLI_FILE', `${file} cannot be read (${cause.message}). Nothing was sent; check the name.`, {
      cause,
    });
  }
  if (octets.length > LARGEST) {
    throw new CliError(
      'CLI_DOCUMENT',
      `${file} has ${octets.length} octets; a message may carry ${LARGEST}. Nothing was sent; split the document.`,
    );
  }
  try {
    return checked(XmlFragment.parse(octets));
  } catch (thrown) {
    const cause = asError(thrown);
    throw new CliError('CLI_DOCUMENT', `${file} cannot be sent: ${cause.message} Nothing was sent; mend the file.`, {
      cause,
    });
  }
}

/** What stands in a SOAP body has rules of its own. */
function checked(fragment: XmlFragment): XmlFragment {
  const document = scan(fragment.bytes);
  elementsById(document);
  if (document.hasInstructions) throw new Error('SOAP allows no processing instructions inside a message.');
  return fragment;
}
