/**
 * Commits for ever to the store named on the command line and prints each acknowledged commit; the crash test kills it.
 * Each session commits one message after the other; the sessions together fill one turn.
 */
import { writeSync } from 'node:fs';
import { sqlite } from '../../src/stores/sqlite.ts';
import { messageOf, SESSIONS } from './crash-messages.ts';

const [, , path = '', seed = '0'] = process.argv;
const store = sqlite(path);
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

await Promise.all(SESSIONS.map(commitForEver));
