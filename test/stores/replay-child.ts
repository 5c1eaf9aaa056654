/** Remembers keys in the file named on the command line and prints those that were new to it; the test runs several at once. */
import { instant } from '../../src/base/clock.ts';
import { sqliteReplayCache } from '../../src/stores/sqlite-replay.ts';

const [, , path = '', count = '0'] = process.argv;
const cache = sqliteReplayCache(path);
for (let key = 0; key < Number(count); key++) {
  if (cache.remember(`key ${key}`, instant(2_000), instant(1_000))) process.stdout.write(`${key}\n`);
}
cache.close();
