/** Finds out what a path holds, and reads it as records, whatever it is. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { asError } from '../../base/errors.ts';
import { AuditError } from '../errors.ts';
import { isTranscript, type ReadLine, readTranscript, transcriptFiles } from '../transcript/lines.ts';
import { harPieces } from './har.ts';
import { httpPieces } from './http.ts';
import { logPieces } from './log.ts';
import { type Piece, recordsOf, type SourceOptions } from './piece.ts';
import { svclogPieces } from './svclog.ts';

/** Something with records in it: a transcript, or what an importer makes of a foreign file. */
export interface Source {
  readonly name: string;
  /** `transcript`, or the foreign format. */
  readonly format: string;
  /** To be read once. */
  readonly lines: AsyncIterable<ReadLine>;
}

/** Largest foreign file, in octets: it is read as a whole. */
export const largestForeignFile: number = 512 * 2 ** 20;
/** Folders inside of folders that are looked into. */
const deepest = 8;

/**
 * What there is to read at a path: one source for a file, one for each folder with messages in it.
 *
 * @throws AuditError `AUDIT_FILE` when it cannot be read; `AUDIT_FOREIGN` when nothing in it is known
 */
export async function sourcesAt(path: string, options: SourceOptions = {}): Promise<readonly Source[]> {
  const info = await reading(path, () => stat(path));
  const found = info.isDirectory() ? await inFolder(path, options, deepest) : [await inFile(path, info.size, options)];
  if (found.length > 0) return found;
  throw new AuditError('AUDIT_FOREIGN', `There is nothing in ${path} that is read here. ${formats}`);
}

const formats =
  'Transcripts, WCF .svclog, logs of CXF and Metro, .har, raw HTTP (.http) and envelopes (.xml) are. Name the file itself if it has another name.';

async function inFolder(folder: string, options: SourceOptions, depth: number): Promise<readonly Source[]> {
  const entries = await reading(folder, () => readdir(folder, { withFileTypes: true }));
  const names = entries.filter((one) => one.isFile()).map(({ name }) => name);
  const below = entries.filter((one) => one.isDirectory()).map(({ name }) => name);
  const found: Source[] = [];
  const dumps = names.filter((name) => name.endsWith('.http'));
  const envelopes = names.filter((name) => /\.(xml|soap)$/i.test(name));
  if (dumps.length > 0) found.push(sourceOf(folder, 'raw HTTP', dumped(folder, dumps), options));
  else if (envelopes.length > 0) found.push(sourceOf(folder, 'envelopes', envelopesIn(folder, envelopes), options));
  for (const name of names.filter((one) => /\.(jsonl|svclog|har|log)$/i.test(one) && one !== index).sort()) {
    const path = join(folder, name);
    found.push(await inFile(path, (await stat(path)).size, options));
  }
  if (depth === 0) return found;
  for (const name of below.sort()) found.push(...(await inFolder(join(folder, name), options, depth - 1)));
  return found;
}

/** How a file shows what it is, by its first octets. */
const shapes: readonly (readonly [
  format: string,
  shape: RegExp,
  read: (file: string, octets: Buffer) => Iterable<Piece>,
])[] = [
  ['WCF message log', /^\uFEFF?\s*<E2ETraceEvent/, svclogPieces],
  [
    'HAR',
    /^\uFEFF?\s*\{\s*"log"\s*:/,
    (file, octets) => harPieces(file, octets.toString('utf8').replace(/^\uFEFF/, '')),
  ],
  ['raw HTTP', /^(POST \S+ HTTP\/1|HTTP\/1\.[01] \d{3})/, (file, octets) => httpPieces(file, octets)],
  ['log', /^/, (file, octets) => logPieces(file, octets.toString('utf8'))],
];

async function inFile(file: string, size: number, options: SourceOptions): Promise<Source> {
  if (await isTranscript(file)) {
    return { name: file, format: 'transcript', lines: readTranscript(await transcriptFiles(file)) };
  }
  if (size > largestForeignFile) {
    throw new AuditError(
      'AUDIT_FOREIGN',
      `${file} has ${size} octets; foreign files up to ${largestForeignFile} are read.`,
    );
  }
  const octets = await reading(file, () => readFile(file));
  const head = octets.subarray(0, 4_096).toString('utf8');
  const [format, , read] = shapes.find(([, shape]) => shape.test(head)) ?? raise(file);
  return sourceOf(
    file,
    format,
    guarded(file, () => read(file, octets)),
    options,
  );
}

function raise(file: string): never {
  throw new AuditError('AUDIT_FOREIGN', `${file} is nothing that is read here. ${formats}`);
}

function sourceOf(
  name: string,
  format: string,
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
  options: SourceOptions,
): Source {
  return { name, format, lines: recordsOf(format, pieces, options) };
}

/** A reader that gives up tells so, after what it has read. */
function* guarded(file: string, read: () => Iterable<Piece>): Generator<Piece, void, undefined> {
  try {
    yield* read();
  } catch (thrown) {
    yield { kind: 'broken', file, line: 1, reason: asError(thrown).message };
  }
}

/** The order of a raw dump, where it was written down. */
const index = 'index.jsonl';

async function* dumped(folder: string, names: readonly string[]): AsyncGenerator<Piece, void, undefined> {
  for (const name of await ordered(folder, names)) {
    const file = join(folder, name);
    const exchange = /^(\d+)-(?:request|response)\.http$/.exec(name)?.[1];
    yield* httpPieces(file, await reading(file, () => readFile(file)), exchange);
  }
}

async function ordered(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const sorted = names.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }));
  const text = await readFile(join(folder, index), 'utf8').catch(() => '');
  const listed = text.split('\n').flatMap((line) => {
    const match = /"n":\s*(\d+),\s*"dir":\s*"(request|response)"/.exec(line);
    return match === null ? [] : [`${match[1]?.padStart(3, '0')}-${match[2]}.http`];
  });
  const present = listed.filter((name) => names.includes(name));
  return [...present, ...sorted.filter((name) => !present.includes(name))];
}

async function* envelopesIn(folder: string, names: readonly string[]): AsyncGenerator<Piece, void, undefined> {
  for (const name of names.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))) {
    const file = join(folder, name);
    const octets = await reading(file, () => readFile(file));
    const leg = /request/i.test(basename(name))
      ? 'request'
      : /response|reply/i.test(basename(name))
        ? 'reply'
        : undefined;
    yield { kind: 'message', file, line: 1, octets, leg, transport: { name: 'file' } };
  }
}

async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const cause = asError(thrown);
    throw new AuditError(
      'AUDIT_FILE',
      `${path} cannot be read (${cause.message}). Check the name and who may read it.`,
      {
        cause,
      },
    );
  }
}
