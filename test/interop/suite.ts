/** How a peer's tests are declared: skipped by name where the peer is missing, every scenario recorded as a row. */
import { describe, expect, test } from 'vitest';
import { type FlawName, flaws } from './flaws.ts';
import { type Row, record, titleOf } from './matrix.ts';
import { NotInstalled } from './tools.ts';

const { SUREWIRE_REQUIRE_PEERS = '' } = process.env;
const required = SUREWIRE_REQUIRE_PEERS.split(',').map((name) => name.trim());

/**
 * Runs `prepare`; when something is not installed the peer is skipped, or, when SUREWIRE_REQUIRE_PEERS names it, failed.
 *
 * @param declare declares the tests with what `prepare` made
 */
export async function withPeer<T>(peer: string, prepare: () => Promise<T>, declare: (made: T) => void): Promise<void> {
  let made: T;
  try {
    made = await prepare();
  } catch (thrown) {
    if (!(thrown instanceof NotInstalled)) throw thrown;
    const reason = thrown.message;
    record({ peer, skipped: reason });
    console.info(`skipped: ${peer} not installed: ${reason}`);
    if (required.includes(peer)) {
      test(`${peer} is required`, () => expect.fail(`SUREWIRE_REQUIRE_PEERS names ${peer}, but ${reason}`));
    } else {
      describe.skip(`${peer} not installed: ${reason}`, () => {
        test('everything', () => undefined);
      });
    }
    return;
  }
  describe(peer, () => declare(made));
}

/** A row that says what is not claimed, why, who is wrong by which clause, and where it can be seen. */
export function unclaimed(row: Scenario, flaw: FlawName): void {
  test(`${titleOf(row)}: not claimed`, () => {
    record({ ...row, result: false, ...flaws[flaw], transcript: flaw });
  });
}

/** What is tried. */
export type Scenario = Pick<Row, 'peer' | 'version' | 'scenario' | 'direction'>;

/**
 * A test whose outcome becomes a row of the matrix.
 *
 * @param retry how often it is tried again: for peers whose own timers race with their own messages
 */
export function scenario(row: Scenario, body: () => Promise<void>, retry: number = 1): void {
  test(titleOf(row), { retry }, async ({ task }) => {
    try {
      await body();
    } catch (thrown) {
      const reason = (thrown instanceof Error ? thrown.message : String(thrown)).split('\n', 1)[0] ?? '';
      if ((task.result?.retryCount ?? 0) >= retry) record({ ...row, result: false, reason });
      throw thrown;
    }
    record({ ...row, result: true });
  });
}
