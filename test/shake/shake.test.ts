import { expect, test } from 'vitest';
import { program } from '../program.ts';
import { Chance } from './chance.ts';

const file = (name: string): string => new URL(name, import.meta.url).href;
const shaken = (script: string): Promise<string> => program(['--input-type=module', '-e', script]);

test('a seed has its own weather, which the scale multiplies', () => {
  const drawn = (seed: number, scale: number): readonly number[] => {
    const chance = new Chance(seed, scale);
    return Array.from({ length: 1_000 }, () => chance.late());
  };
  const mild = drawn(7, 1);
  expect(drawn(7, 1)).toEqual(mild);
  expect(drawn(8, 1)).not.toEqual(mild);
  expect(drawn(7, 2)).toEqual(mild.map((late) => 2 * late));
  expect(mild.filter((late) => late === 0).length).toBeGreaterThan(400);
  expect(Math.max(...mild)).toBeLessThan(120);
});

// In both, the first is later than any test is long.
const firstIsLate = '{ fraction: () => 0, late: () => (drawn++ === 0 ? 2 ** 30 : 0) }';

test('an answer of the thread pool is overtaken by a later one', async () => {
  const out = await shaken(`
    import { lateWebCrypto } from '${file('answers.ts')}';
    let drawn = 0;
    lateWebCrypto(${firstIsLate});
    const digest = () => crypto.subtle.digest('SHA-256', new Uint8Array(1));
    digest().then(() => console.log('first'));
    await digest().then(() => console.log('second'));
    process.exit();`);
  expect(out).toBe('second\n');
});

test('a timer is not overtaken by one that is due after it', async () => {
  const out = await shaken(`
    import { lateTimers } from '${file('timers.ts')}';
    let drawn = 0;
    lateTimers(${firstIsLate});
    setTimeout(() => console.log('first'), 1);
    setTimeout(() => console.log('second'), 2);
    setInterval(() => process.exit(), 10);`);
  expect(out).toBe('');
});

test('what is late is whole all the same', async () => {
  const out = await shaken(`
    process.env.SHAKE_SEED = '5';
    await import('${file('preload.ts')}');
    const { createServer } = await import('node:http');
    const { generateKeyPair } = await import('node:crypto');
    const { promisify } = await import('node:util');
    const { setTimeout: pause } = await import('node:timers/promises');
    const sent = Buffer.alloc(200_000, 'octets');
    const echo = createServer((request, response) => request.pipe(response)).listen(0, '127.0.0.1');
    await new Promise((resolve) => echo.on('listening', resolve));
    const back = await Promise.all(Array.from({ length: 5 }, async () => {
      const answer = await fetch('http://127.0.0.1:' + echo.address().port, { method: 'POST', body: sent });
      return Buffer.from(await answer.arrayBuffer()).equals(sent);
    }));
    const { privateKey } = await promisify(generateKeyPair)('ed25519');
    const cleared = setTimeout(() => console.log('a timer that was cleared'), 5);
    clearTimeout(cleared);
    const aborted = await pause(5, 0, { signal: AbortSignal.abort() }).catch(({ name }) => name);
    console.log(JSON.stringify({ back, key: privateKey.type, aborted, paused: await pause(5, 'rested') }));
    process.exit();`);
  const whole = { back: [true, true, true, true, true], key: 'private', aborted: 'AbortError', paused: 'rested' };
  expect(JSON.parse(out)).toEqual(whole);
});
