/** Remembers keys in the file named on the command line and prints those that were new to it; the test runs several at once. */
import { instant } from '../../src/base/clock.ts';
import { hasCode } from '../../src/base/errors.ts';
import { sqliteReplayCache } from '../../src/stores/sqlite-replay.ts';

const [, , path = '', count = '0'] = process.argv;
const cache = sqliteReplayCache(path);
for (let key = 0; key < Number(count); key++) {
  if (await remembered(`key ${key}`)) process.stdout.write(`${key}\n`);
}
cache.close();

/** Whoever waits for the others for too long is told so, and asks again, as a sender would. */
async function remembered(key: string): Promise<boolean> {
  for (;;) {
    try {
      return await cache.remember(key, instant(2_000), instant(1_000));
    } catch (thrown) {
      if (!hasCode(thrown, 'SECURITY_REPLAY_FULL')) throw thrown;
    }
  }
}
