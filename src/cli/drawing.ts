/** What was recorded, verified where that is wanted, and drawn as one page: what `surewire report` does, and `demo` at its end. */
import { writeFile } from 'node:fs/promises';
import { sourcesAt } from '../audit/import/source.ts';
import type { ReportModel } from '../audit/report/model.ts';
import { pageOf } from '../audit/report/page.ts';
import { reportOf } from '../audit/report/report.ts';
import { type Verification, verify } from '../audit/verify/verify.ts';
import { asError } from '../base/errors.ts';
import { CliError } from './errors.ts';
import type { Output } from './output.ts';
import { evidenceKeys, evidenceTrust, type VerifierOptions } from './verifier.ts';

export interface Drawing {
  /** Files or folders. */
  readonly paths: readonly string[];
  readonly output: string;
  readonly title: string;
  readonly verifier: VerifierOptions;
  /** `drawn`: nothing is verified. `both`: xml-crypto is asked too. */
  readonly engines: 'drawn' | 'own' | 'both';
}

/**
 * Writes the page; it holds the messages themselves, so only its owner may read it.
 *
 * @throws CliError `CLI_FOLDER` when it cannot be written, and what `verify` throws
 */
export async function draw(drawing: Drawing, said: Output, signal: AbortSignal): Promise<ReportModel> {
  const { paths, output, title, verifier, engines } = drawing;
  const progress = said.counting('messages');
  const onProgress = (messages: number): void => {
    signal.throwIfAborted();
    progress.to(messages);
  };
  try {
    const { keys, transcriptKeys } = await evidenceKeys(verifier);
    let judged: Verification | undefined;
    if (engines !== 'drawn') {
      const { trust, known } = await evidenceTrust(verifier, said);
      const secondEngine = engines === 'both';
      const sources = await sourcesIn(paths, 'kept');
      judged = await verify(sources, { trust, known, keys, transcriptKeys, secondEngine, onProgress });
    }
    const sources = await sourcesIn(paths, 'struck');
    const model = await reportOf(sources, { title, now: Date.now(), judged, transcriptKeys, onProgress });
    await write(output, pageOf(model));
    return model;
  } finally {
    progress.end();
  }
}

/** What is shown has its secrets struck out, what is only verified in memory has them. */
async function sourcesIn(paths: readonly string[], secrets: 'kept' | 'struck'): ReturnType<typeof sourcesAt> {
  return (await Promise.all(paths.map((path) => sourcesAt(path, { secrets })))).flat();
}

async function write(file: string, page: string): Promise<void> {
  try {
    await writeFile(file, page, { mode: 0o600 });
  } catch (thrown) {
    const cause = asError(thrown);
    throw new CliError('CLI_FOLDER', `${file} cannot be written (${cause.message}). Name another file.`, { cause });
  }
}
