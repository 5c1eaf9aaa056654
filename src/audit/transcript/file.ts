/**
 * The files of a transcript: one that is appended to, and beside it the parts that are full. A file that is there already is
 * taken up again after its last whole line; what a crash left of another line stays where it is, as what it is.
 */
import { type FileHandle, open, rename } from 'node:fs/promises';
import { asError } from '../../base/errors.ts';
import { AuditError } from '../errors.ts';
import { chainStart, claimedChain } from './chain.ts';
import { longestLine, partsOf } from './parts.ts';

/** Where an earlier recorder stopped. */
export interface Tail {
  readonly n: number;
  readonly chain: string;
  readonly part: number;
  /** True when the last line has no end. */
  readonly torn: boolean;
}

const noTail: Tail = { n: 0, chain: chainStart, part: 1, torn: false };

/** One open part. */
export class TranscriptFile {
  readonly tail: Tail;
  readonly #name: string;
  #handle: FileHandle;
  #size: number;

  private constructor(name: string, handle: FileHandle, size: number, tail: Tail) {
    this.#name = name;
    this.#handle = handle;
    this.#size = size;
    this.tail = tail;
  }

  /** @throws AuditError `AUDIT_FILE`, `AUDIT_FOREIGN` */
  static async open(name: string): Promise<TranscriptFile> {
    const handle = await opened(name);
    try {
      const { size } = await handle.stat();
      const older = await partsOf(name);
      const from = size > 0 ? handle : undefined;
      const tail = from === undefined ? await tailOfOlder(older) : await tailOf(from, name);
      return new TranscriptFile(name, handle, size, { ...tail, part: older.length + 1 });
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** @throws AuditError `AUDIT_FILE`, `AUDIT_SHARED` */
  async append(text: string): Promise<void> {
    const octets = Buffer.from(text);
    const { size } = await failing(this.#name, () => this.#handle.stat());
    if (size !== this.#size) {
      throw new AuditError(
        'AUDIT_SHARED',
        `Somebody else writes to ${this.#name}, or has shortened it. Give each process a transcript of its own.`,
      );
    }
    await failing(this.#name, () => this.#handle.appendFile(octets));
    this.#size += octets.length;
  }

  /**
   * Puts the full part aside and begins the next.
   *
   * @throws AuditError `AUDIT_FILE`, `AUDIT_FULL`
   */
  async rotate(maxParts: number): Promise<void> {
    const older = await partsOf(this.#name);
    if (older.length >= maxParts) {
      throw new AuditError(
        'AUDIT_FULL',
        `There are ${older.length} parts of ${this.#name}. Move older ones to where they are archived.`,
      );
    }
    const last = Number(older.at(-1)?.slice(this.#name.length + 1) ?? 0);
    await this.close();
    await failing(this.#name, () => rename(this.#name, `${this.#name}.${String(last + 1).padStart(4, '0')}`));
    this.#handle = await opened(this.#name);
    this.#size = 0;
  }

  /** What was appended is on the disk when it settles. */
  async close(): Promise<void> {
    await failing(this.#name, () => this.#handle.sync());
    await this.#handle.close();
  }
}

async function opened(name: string): Promise<FileHandle> {
  // Only its owner reads it; appending, so that two writers never overwrite one another.
  return failing(name, () => open(name, 'a+', 0o600));
}

async function failing<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const cause = asError(thrown);
    throw new AuditError('AUDIT_FILE', `${name} cannot be written (${cause.message}). Check the folder and its disk.`, {
      cause,
    });
  }
}

async function tailOfOlder(older: readonly string[]): Promise<Tail> {
  const last = older.at(-1);
  if (last === undefined) return noTail;
  const handle = await open(last, 'r');
  try {
    return await tailOf(handle, last);
  } finally {
    await handle.close();
  }
}

const BLOCK = 65_536;

/** Reads backwards to the last whole line. */
async function tailOf(handle: FileHandle, name: string): Promise<Tail> {
  const { size } = await handle.stat();
  let text = Buffer.alloc(0);
  for (let from = size; from > 0 && text.length < 2 * longestLine; ) {
    const length = Math.min(BLOCK, from);
    from -= length;
    const block = Buffer.alloc(length);
    await handle.read(block, 0, length, from);
    text = Buffer.concat([block, text]);
    const end = text.lastIndexOf(LINE_FEED);
    const start = end <= 0 ? -1 : text.lastIndexOf(LINE_FEED, end - 1);
    if (end < 0 || (start < 0 && from > 0)) continue;
    const line = text.subarray(start + 1, end).toString('utf8');
    const chain = claimedChain(line);
    const n = numberOf(line);
    if (chain === undefined || n === undefined) break;
    return { n, chain, part: 1, torn: end < text.length - 1 };
  }
  throw new AuditError('AUDIT_FOREIGN', `${name} exists and is no transcript. Name another file.`);
}

const LINE_FEED = 0x0a;

function numberOf(line: string): number | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const n = typeof value === 'object' && value !== null && 'n' in value ? value.n : undefined;
    return typeof n === 'number' && Number.isSafeInteger(n) ? n : undefined;
  } catch {
    return undefined;
  }
}
