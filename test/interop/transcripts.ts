/** What went over the wire of a scenario, as files: a folder for each, `NNN-request.http` and `NNN-response.http` in it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Heard } from './relay.ts';
import { buildFolder } from './tools.ts';

/** Git-ignored: transcripts of the scenarios that failed last. */
const failures: string = join(buildFolder, 'transcripts');

/** Writes the transcript of a scenario that failed; the folder is told in the error. */
export function keepFailure(title: string, heard: readonly Heard[]): string {
  const folder = join(failures, title.replace(/[^A-Za-z0-9.]+/g, '-'));
  writeTranscript(folder, heard);
  return folder;
}

/** @param log what the peer said of it, as `peer.log` */
export function writeTranscript(folder: string, heard: readonly Heard[], log: string = ''): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [at, { request, answer, mishap }] of heard.entries()) {
    const number = String(at + 1).padStart(3, '0');
    const write = (kind: string, { head, body }: Heard['request']): void =>
      writeFileSync(join(folder, `${number}-${kind}.http`), Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]));
    write('request', request);
    if (answer !== undefined) write('response', answer);
    if (mishap !== undefined) writeFileSync(join(folder, `${number}-mishap.txt`), `${mishap}\n`);
  }
  // Folders of the machine are nobody's business.
  if (log !== '') writeFileSync(join(folder, 'peer.log'), `${log.replaceAll(buildFolder, '').trimEnd()}\n`);
}
