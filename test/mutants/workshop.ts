/** A copy of the project in which one mutant at a time is judged by the tests that concern its file, the nearest first. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';

export type Verdict =
  /** By the first test that failed, or by the time limit. */
  | { readonly kind: 'caught'; readonly by: string }
  | { readonly kind: 'survived' }
  /** The text to change is not in the file exactly once. */
  | { readonly kind: 'stale'; readonly times: number }
  /** The tests could not be run at all. */
  | { readonly kind: 'broken'; readonly why: string };

/** What vitest's JSON reporter tells. */
interface Report {
  readonly numTotalTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const parts = ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'certs-dev', 'docs'];

/** The tests that are about a file alone. */
const nearest: Readonly<Record<string, readonly string[]>> = {
  'ranges.ts': ['test/reliable/ranges.test.ts'],
  'transmission.ts': ['test/reliable/transmission.test.ts', 'test/mutants/rules.test.ts'],
  'ledger.ts': ['test/reliable/source.test.ts', 'test/mutants/rules.test.ts'],
  'learning.ts': ['test/reliable/source.test.ts', 'test/mutants/rules.test.ts'],
  'dispatch.ts': ['test/reliable/source.test.ts', 'test/mutants/rules.test.ts'],
  'source.ts': ['test/reliable/source.test.ts', 'test/reliable/timeouts.test.ts', 'test/mutants/rules.test.ts'],
  'source-opening.ts': ['test/reliable/source.test.ts', 'test/mutants/rules.test.ts'],
  'source-end.ts': ['test/reliable/source.test.ts', 'test/mutants/rules.test.ts'],
  'destination.ts': ['test/reliable/destination.test.ts', 'test/mutants/rules.test.ts'],
  'destination-end.ts': ['test/reliable/destination.test.ts', 'test/mutants/rules.test.ts'],
  'destination-state.ts': [
    'test/reliable/destination.test.ts',
    'test/reliable/timeouts.test.ts',
    'test/mutants/rules.test.ts',
  ],
  'headers.ts': ['test/reliable/messages.test.ts', 'test/attacks/reliable-headers.test.ts'],
  'entering.ts': ['test/service/closing.test.ts'],
  'faults.ts': ['test/reliable/fault-table.test.ts', 'test/reliable/messages.test.ts'],
  'settings.ts': ['test/reliable/settings.test.ts', 'test/reliable/timeouts.test.ts'],
  'registry.ts': [
    'test/reliable/acceptor.test.ts',
    'test/attacks/reliable-sequences.test.ts',
    'test/mutants/rules.test.ts',
  ],
  'interpret.ts': [
    'test/reliable/initiator.test.ts',
    'test/attacks/reliable-answers.test.ts',
    'test/mutants/rules.test.ts',
  ],
  'initiator.ts': ['test/reliable/initiator.test.ts'],
  'steps.ts': ['test/reliable/initiator.test.ts'],
  'exchanges.ts': ['test/reliable/initiator.test.ts'],
  'asking.ts': ['test/reliable/initiator.test.ts'],
  'coalescing.ts': ['test/reliable/coalescing.test.ts'],
  'silences.ts': ['test/reliable/coalescing.test.ts'],
  'answers.ts': ['test/reliable/acceptor.test.ts'],
  'standstill.ts': ['test/reliable/duplex/standstill.test.ts'],
  'keeper.ts': ['test/reliable/initiator.test.ts', 'test/mutants/rules.test.ts'],
  'accepted.ts': ['test/reliable/acceptor.test.ts'],
  'accepted-steps.ts': ['test/reliable/acceptor.test.ts'],
  'finishing.ts': ['test/reliable/acceptor.test.ts'],
  'handing.ts': ['test/reliable/acceptor.test.ts'],
  'source-state.ts': ['test/mutants/rules.test.ts'],
  'wording.ts': ['test/reliable/acceptor.test.ts'],
};
/** Then all that concern the room, and at last whole sessions. */
const wider: readonly (readonly string[])[] = [
  ['test/reliable', 'test/mutants/rules', 'test/attacks/reliable-', 'test/simulation/explorer'],
  ['test/simulation/crashes', 'test/simulation/sessions'],
];

/** No run of the unbroken code takes a tenth of this on an idle machine. */
const patience = 180_000;
/** Milliseconds after which a test that does not say itself how long it takes is taken for one without an end. */
const endless = 15_000;

export class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'surewire-mutants-'));
  readonly #project = join(this.#folder, 'project');

  constructor() {
    mkdirSync(this.#project);
    // What the interop suite has built is large, and no test of rules needs it.
    const filter = (from: string): boolean => basename(from) !== '.build';
    for (const part of parts) cpSync(join(root, part), join(this.#project, part), { recursive: true, filter });
    symlinkSync(join(root, 'node_modules'), join(this.#project, 'node_modules'));
    // Recorded exchanges are read in place, beside the project.
    const shared = join(root, '../shared');
    if (existsSync(shared)) symlinkSync(shared, join(this.#folder, 'shared'));
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What is wrong with the unbroken code; nothing can be said of mutants then. */
  async trouble(): Promise<string | undefined> {
    const verdict = await this.#run(wider.flat(), 4 * patience, 4 * endless);
    if (verdict.kind === 'survived') return undefined;
    return verdict.kind === 'caught' ? verdict.by : verdict.kind === 'broken' ? verdict.why : verdict.kind;
  }

  async judge({ file, find, replace }: Mutant): Promise<Verdict> {
    const path = join(this.#project, 'src', file);
    const text = readFileSync(path, 'utf8');
    const times = text.split(find).length - 1;
    if (times !== 1) return { kind: 'stale', times };
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
    try {
      const own = nearest[basename(file)];
      for (const tests of own === undefined ? wider : [own, ...wider]) {
        const verdict = await this.#run(tests);
        if (verdict.kind !== 'survived') return verdict;
      }
      return { kind: 'survived' };
    } finally {
      writeFileSync(path, text);
    }
  }

  async #run(tests: readonly string[], limit = patience, longest = endless): Promise<Verdict> {
    const output = join(this.#folder, 'report.json');
    rmSync(output, { force: true });
    const args = [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--bail=1',
      `--testTimeout=${longest}`,
      '--reporter=json',
      `--outputFile=${output}`,
    ];
    const child = spawn(process.execPath, [...args, ...tests], {
      cwd: this.#project,
      stdio: 'ignore',
      env: { ...process.env, SUREWIRE_EXPLORER: 'small', SUREWIRE_SCHEDULES: '25' },
      timeout: limit,
      killSignal: 'SIGKILL',
    });
    const killed = await new Promise<boolean>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (_, signal) => resolve(signal === 'SIGKILL'));
    });
    if (killed) return { kind: 'caught', by: `no end after ${limit / 1000} s` };
    if (!existsSync(output)) return { kind: 'broken', why: 'vitest left no report' };
    return judged(JSON.parse(readFileSync(output, 'utf8')) as Report);
  }
}

function judged({ numTotalTests, numFailedTests, testResults }: Report): Verdict {
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) return { kind: 'caught', by: `${basename(name)}: ${failed.fullName}` };
  }
  const unread = testResults.find(({ message }) => message !== '');
  if (unread !== undefined)
    return { kind: 'broken', why: `${basename(unread.name)}: ${unread.message.split('\n')[0]}` };
  if (numTotalTests === 0 || numFailedTests > 0) return { kind: 'broken', why: 'no test was run' };
  return { kind: 'survived' };
}
