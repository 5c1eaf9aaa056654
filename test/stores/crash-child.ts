/**
 * Commits for ever to the store named on the command line, a file or an address, one message after the other in each session, all
 * sessions in one turn, and prints each acknowledged commit, or why there are no more; a test kills it, or lets it sleep past its
 * lease.
 */
import { writeSync } from 'node:fs';
import { asError, hasCode } from '../../src/base/errors.ts';
import { postgres } from '../../src/stores/postgres.ts';
import { sqlite } from '../../src/stores/sqlite.ts';
import { messageOf, SESSIONS } from './crash-messages.ts';

const [, , place = '', seed = '0'] = process.argv;
const store = place.startsWith('postgres:') ? await postgres(place, { lease: 1_000 }) : sqlite(place);
const states = new Map((await store.sessions()).map(({ session, state }) => [session, Number(state)]));

async function commitForEver(session: string): Promise<void> {
  for (let number = (states.get(session) ?? 0) + 1; ; number++) {
    const put = [{ direction: 'out', number, octets: messageOf(session, number, Number(seed)) }] as const;
    const drop = number > 20 ? ([{ direction: 'out', number: number - 20 }] as const) : [];
    await store.commit({ session, state: number, put, drop });
    // Synchronous: the line is in the pipe, so it survives this process.
    writeSync(1, `${session} ${number}\n`);
  }
}

await Promise.all(SESSIONS.map(commitForEver)).catch((thrown: unknown) => {
  writeSync(1, `${hasCode(thrown, 'STORE_LOST') ? 'lost' : asError(thrown).message} 0\n`);
});
await store.close();
