/**
 * The application behind `surewire serve`: what is delivered becomes a file or a line. A message that is delivered again
 * after a crash gets the same file name, so a folder holds every message exactly once.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { asError } from '../base/errors.ts';
import { wait } from '../base/signals.ts';
import { makeFolder } from '../certificates/folder.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { position } from '../reliable/position.ts';
import { evidence, identityOf } from '../security/evidence.ts';
import { payload } from '../soap/envelope.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { CliError } from './errors.ts';

/** One delivered message; the JSON line of `surewire serve --json`. */
export interface Dropped {
  /** Identifier of the sequence that brought it. */
  readonly sequence: string;
  /** Message number in that sequence, from 1. */
  readonly number: number;
  readonly action: string;
  /** Who sent it, comparable: the same sender always has the same text. */
  readonly from: string;
  /** Subject of the certificate that signed it; null when nothing did. */
  readonly signedBy: string | null;
  /** Octets of the document, and their SHA-256 in hex. */
  readonly bytes: number;
  readonly sha256: string;
  /** Where it was written; absent without a folder. */
  readonly file?: string;
  /** The document itself; only where there is no folder. */
  readonly document?: string;
}

export interface DropBoxOptions {
  /** Where delivered documents go, one file each; without it, the document is part of what is told. */
  readonly folder?: string | undefined;
  readonly tell: (dropped: Dropped) => void;
  /** Hears why a document could not be written; it is tried again until it can be. */
  readonly complain: (error: Error) => void;
  readonly clock?: Clock;
}

/** Milliseconds between two attempts to write a document. */
const RETRY = 1_000;

/** The up-arrow of the drop box. It answers nothing: whoever sends learns of the arrival by the acknowledgement. */
export function dropBox({ folder, tell, complain, clock = systemClock }: DropBoxOptions): Carry {
  return async (trip) => {
    const body = payload(trip.message);
    const octets = body === undefined ? new Uint8Array() : XmlFragment.of(body).bytes;
    const what = describe(trip, octets);
    if (folder === undefined) {
      tell({ ...what, document: Buffer.from(octets).toString('utf8') });
    } else {
      const file = join(folder, fileName(what.sequence, what.number));
      await untilWritten(() => writeDurably(folder, file, octets), trip.signal, complain, clock);
      tell({ ...what, file });
    }
    return undefined;
  };
}

function describe(trip: Delivery, octets: Uint8Array): Dropped {
  const at = trip.get(position);
  return {
    sequence: at?.sequence ?? '',
    number: at?.number ?? 0,
    action: trip.message.action,
    from: identityOf(trip),
    signedBy: trip.get(evidence)?.signer?.name ?? null,
    bytes: octets.length,
    sha256: createHash('sha256').update(octets).digest('hex'),
  };
}

/** The same sequence and number always have the same name, and a name never leaves the folder. */
function fileName(sequence: string, number: number): string {
  const uuid = /^urn:uuid:([0-9a-f-]{36})$/i.exec(sequence)?.[1];
  const stem = uuid ?? createHash('sha256').update(sequence).digest('hex').slice(0, 32);
  return `${stem.toLowerCase()}-${String(number).padStart(8, '0')}.xml`;
}

/**
 * A message that was acknowledged must not be lost because a disk is full: it stays the one being delivered, and so in the
 * session's store, until it is written or the service ends.
 */
async function untilWritten(
  write: () => Promise<void>,
  signal: AbortSignal,
  complain: (error: Error) => void,
  clock: Clock,
): Promise<void> {
  for (;;) {
    try {
      return await write();
    } catch (thrown) {
      complain(asError(thrown));
      await wait(clock, RETRY, signal);
    }
  }
}

/** All of it or nothing, and on the disk when this settles: a reader never sees half a document. */
async function writeDurably(folder: string, file: string, octets: Uint8Array): Promise<void> {
  const unfinished = `${file}.part`;
  const handle = await open(unfinished, 'w', 0o600);
  try {
    await handle.writeFile(octets);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
  await syncFolder(folder);
}

/** Makes the new name durable where the system lets a folder be opened (not on Windows, which does it by itself). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined);
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}

/**
 * Makes the folder where it is missing and finds out whether it can be written.
 *
 * @returns its absolute path
 * @throws CliError `CLI_FOLDER`
 */
export async function writableFolder(name: string): Promise<string> {
  const folder = resolve(name);
  try {
    await makeFolder(folder, 0o700);
    await access(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch (thrown) {
    const cause = asError(thrown);
    throw new CliError(
      'CLI_FOLDER',
      `The folder ${folder} cannot be written (${cause.message}). Name another, or let this user write there.`,
      { cause },
    );
  }
}
