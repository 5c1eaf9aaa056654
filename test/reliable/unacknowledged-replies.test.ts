/** A WCF service holds at most a window of replies that its client has not acknowledged (facts 3.9), and drops what comes then. */
import { expect, test } from 'vitest';
import { readHeaders } from '../../src/reliable/headers.ts';
import { count, none, type Ranges } from '../../src/reliable/ranges.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { Pair } from './pair.ts';

test.each(reliableVersions)('WS-RM $name: never more than a window of them is owed to our peer', async (version) => {
  let acknowledged: Ranges = none;
  let replies = 0;
  const owed: number[] = [];
  const pair = new Pair(
    { version },
    () => async (trip) => trip,
    async (request, carry) => {
      const headers = readHeaders(request);
      acknowledged = headers?.acknowledgements[0]?.ranges ?? acknowledged;
      if (headers?.sequence !== undefined) owed.push(replies - count(acknowledged));
      const answer = await carry();
      if (answer !== undefined && readHeaders(answer)?.sequence !== undefined) replies += 1;
      return answer;
    },
  );
  await pair.until(Promise.all(Array.from({ length: 40 }, (_, at) => pair.say(`${at}`, true))));
  await pair.until(pair.channel.close());
  expect(replies).toBeGreaterThanOrEqual(40);
  expect(Math.max(...owed)).toBeLessThan(8);
  expect(count(acknowledged)).toBeGreaterThanOrEqual(40);
});
