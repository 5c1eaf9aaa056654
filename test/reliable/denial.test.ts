/** A source whose password is refused in the middle of its sequence: it is silent for a while, and only the service itself ends it. */
import { describe, expect, test } from 'vitest';
import { SurewireError } from '../../src/base/errors.ts';
import { wait } from '../../src/base/signals.ts';
import { FaultError } from '../../src/soap/errors.ts';
import { numberOf, Scene } from './scene.ts';

const minute = 60_000;

function refused(offered: FaultError['offered'], local = 'FailedAuthentication'): SurewireError {
  const cause = new FaultError(
    { code: 'sender', subcode: { namespace: 'urn:test', local }, reason: 'no' },
    { offered },
  );
  return new SurewireError('SECURITY_UNSECURED_FAULT', 'It says no.', { transient: true, refusal: true, cause });
}

describe.each(['proven', 'unproven'] as const)('%s', (offered) => {
  test('M5 one refusal ends nothing, however little patience there is, and holds everything back for a while', async () => {
    let isForged = true;
    const scene = new Scene({ maxRetryCount: 1, maxTransferWindowSize: 4 }, (request, server) => {
      if (!isForged || numberOf(request) === undefined) return server.good(request);
      throw refused(offered);
    });
    await scene.until(scene.channel.open());
    const began = scene.clock.now();
    const first = scene.say('one');
    const second = scene.say('two');
    await scene.until(wait(scene.clock, minute - 1));
    isForged = false;
    await scene.until(Promise.all([first, second]));
    expect(scene.clock.now() - began).toBeGreaterThanOrEqual(minute);
    expect(scene.sent.filter((of) => numberOf(of) === 1)).toHaveLength(2);
    await scene.until(scene.channel.close());
    expect(await scene.channel.closed).toBeUndefined();
  });

  test('what was under way when it was refused counts once, and what is taken pardons it', async () => {
    let isRefused = false;
    const scene = new Scene({ maxTransferWindowSize: 8 }, (request, server) => {
      if (isRefused && numberOf(request) !== undefined) throw refused(offered);
      return server.good(request);
    });
    // The window grows with what is acknowledged.
    for (let count = 0; count < 8; count += 1) await scene.until(scene.say('warm'));
    for (let times = 0; times < 3; times += 1) {
      isRefused = true;
      const before = scene.sent.length;
      const said = Promise.all(Array.from({ length: 4 }, () => scene.say('many')));
      await scene.until(wait(scene.clock, minute / 2));
      expect(scene.sent.length - before).toBeLessThanOrEqual(4);
      isRefused = false;
      await scene.until(said);
    }
    await scene.until(scene.channel.close());
    expect(await scene.channel.closed).toBeUndefined();
  });
});

test('what the service itself has said twice ends the session, and it is not told so under that password', async () => {
  const scene = new Scene({}, (request, server) => {
    if (numberOf(request) !== undefined) throw refused('proven', 'SecurityError');
    return server.good(request);
  });
  const error = await scene.failure(scene.say('one'));
  expect(error).toMatchObject({
    code: 'RELIABLE_DENIED',
    transient: false,
    cause: { code: 'SECURITY_UNSECURED_FAULT' },
  });
  expect(error.outcomes.get(1)).toBe('unknown');
  await scene.until(scene.channel.closed);
  expect(scene.sent.map((of) => of.action.split('/').at(-1))).toEqual([
    'CreateSequence',
    'urn:test:say',
    'urn:test:say',
  ]);
});

test('what anybody may have said as often as they like ends it when nothing else was heard for too long', async () => {
  const scene = new Scene({}, (request, server) => {
    if (numberOf(request) !== undefined) throw refused('unproven');
    return server.good(request);
  });
  const error = await scene.failure(scene.say('one'));
  expect(error).toMatchObject({ code: 'RELIABLE_INACTIVE', message: expect.stringContaining('It says no.') });
  expect(scene.sent.filter((of) => numberOf(of) === 1).length).toBeLessThanOrEqual(4);
});

test.each(['CloseSequence', 'TerminateSequence'])('%s is held back too, and the session ends', async (what) => {
  const scene = new Scene({ closeTimeout: 60 * minute }, (request, server) => {
    if (request.action.endsWith(`/${what}`)) throw refused('proven');
    return server.good(request);
  });
  await scene.until(scene.say('one'));
  const began = scene.clock.now();
  if (what === 'CloseSequence') {
    expect(await scene.failure(scene.channel.close())).toMatchObject({ code: 'RELIABLE_DENIED' });
  } else await scene.until(scene.channel.close());
  expect(scene.clock.now() - began).toBeGreaterThanOrEqual(minute);
  expect(scene.sent.filter((of) => of.action.endsWith(`/${what}`))).toHaveLength(2);
});

test('the refusal of a message without a password holds nothing back', async () => {
  let refusals = 3;
  const scene = new Scene({}, (request, server) => {
    if (numberOf(request) !== undefined && refusals-- > 0) throw refused(undefined);
    return server.good(request);
  });
  await scene.until(scene.channel.open());
  const began = scene.clock.now();
  await scene.until(scene.say('one'));
  expect(scene.clock.now() - began).toBeLessThan(minute);
});
