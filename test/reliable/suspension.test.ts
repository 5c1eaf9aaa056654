/** A labelled session that a store keeps is never ended by what goes wrong at this end: it stands still, and goes on later. */
import { describe, expect, test } from 'vitest';
import { SurewireError } from '../../src/base/errors.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { settingsOf } from '../../src/reliable/settings.ts';
import type { SessionStore } from '../../src/reliable/store.ts';
import type { Message } from '../../src/soap/message.ts';
import { memory } from '../../src/stores/memory.ts';
import { lost, numberOf, Scene } from './scene.ts';
import { committing } from './stores.ts';

/** Takes the session up again, with a peer that knows what it heard before; the rest goes well. */
async function goesOn(store: SessionStore, before: Scene, submitted: number): Promise<Scene> {
  const again = new Scene({ store, label: 'orders' });
  again.server.heard.push(...before.server.heard);
  await again.until(again.channel.open());
  expect(again.view).toMatchObject({ resumed: true, submitted, id: 'urn:s' });
  await again.until(again.say('last'));
  await again.until(again.channel.close());
  expect(again.actions).not.toContain('CreateSequence');
  const outcomes = Array.from({ length: submitted + 1 }, (_, at) => again.view?.outcome(at + 1));
  expect(new Set(outcomes)).toEqual(new Set(['acknowledged']));
  return again;
}

function expectNoFault(scene: Scene): void {
  expect(scene.sent.filter((of: Message) => readReliableFault(of) !== undefined)).toEqual([]);
}

describe('retries run out', () => {
  test('suspend (the default with store and label): nothing is told to the peer, send and close say RELIABLE_SUSPENDED', async () => {
    const store = memory();
    const scene = new Scene({ store, label: 'orders' }, (request, server) => {
      if (numberOf(request) !== undefined) throw lost();
      return server.good(request);
    });
    const error = await scene.failure(scene.say('one'));
    expect(error).toMatchObject({ code: 'RELIABLE_SUSPENDED', transient: true });
    expect(error.message).toMatch(/sent 9 times.*connect again under the label "orders"/);
    expect([...error.outcomes]).toEqual([[1, 'pending']]);
    expectNoFault(scene);
    expect((await scene.failure(scene.say('two'))).code).toBe('RELIABLE_SUSPENDED');
    expect((await scene.failure(scene.channel.close())).code).toBe('RELIABLE_SUSPENDED');
    expect(await scene.until(scene.channel.closed)).toMatchObject({ code: 'RELIABLE_SUSPENDED' });
    const count = scene.sent.length;
    await scene.clock.advance(86_400_000);
    expect(scene.sent).toHaveLength(count);
    await goesOn(store, scene, 1);
  });

  test.each([
    ['without a store', {}],
    ['with a store and without a label', { store: memory() }],
    ['told so', { store: memory(), label: 'orders', whenRetriesRunOut: 'fault' as const }],
  ])('fault (as WCF) %s: the peer is told', async (_, options) => {
    const scene = new Scene(options, (request, server) => {
      if (numberOf(request) !== undefined) throw lost();
      return server.good(request);
    });
    expect((await scene.failure(scene.say('one'))).code).toBe('RELIABLE_RETRIES_EXHAUSTED');
    await scene.until(scene.channel.closed);
    const last = scene.sent.at(-1);
    expect(last === undefined ? undefined : readReliableFault(last)?.fault.name).toBe('SequenceTerminated');
  });

  test('suspend needs a store and a label', () => {
    expect(() => settingsOf({ whenRetriesRunOut: 'suspend' })).toThrow(/store and a label/);
    expect(() => settingsOf({ whenRetriesRunOut: 'suspend', store: memory() })).toThrow(/store and a label/);
  });
});

describe('other troubles of this end', () => {
  test('a peer that is silent for the inactivity timeout', async () => {
    const store = memory();
    let deaf = false;
    const scene = new Scene({ store, label: 'orders', inactivityTimeout: 20_000 }, (request, server) => {
      if (deaf) throw lost();
      return server.good(request);
    });
    await scene.until(scene.say('one'));
    deaf = true;
    expect(await scene.until(scene.channel.closed)).toMatchObject({ code: 'RELIABLE_SUSPENDED' });
    expectNoFault(scene);
    await goesOn(store, scene, 1);
  });

  test('an error that sending again cannot mend is the cause', async () => {
    const store = memory();
    const scene = new Scene({ store, label: 'orders' }, (request, server) => {
      if (numberOf(request) === 2) throw new SurewireError('TLS_HOST', 'The certificate is for another host.');
      return server.good(request);
    });
    await scene.until(scene.say('one'));
    const error = await scene.failure(scene.say('two'));
    expect(error).toMatchObject({ code: 'RELIABLE_SUSPENDED', cause: { code: 'TLS_HOST' } });
    expect(error.message).toContain('another host');
    expectNoFault(scene);
    await goesOn(store, scene, 2);
  });

  test('a close that is not confirmed in time, or given up by its caller', async () => {
    for (const signal of [undefined, AbortSignal.abort(new Error('enough'))]) {
      const store = memory();
      const scene = new Scene({ store, label: 'orders', closeTimeout: 5_000 }, (request, server) => {
        if (request.action.endsWith('/CloseSequence')) throw lost();
        return server.good(request);
      });
      await scene.until(scene.say('one'));
      const error = await scene.failure(scene.channel.close(signal));
      expect(error.code).toBe(signal === undefined ? 'RELIABLE_CLOSE_TIMEOUT' : 'RELIABLE_ABORTED');
      expectNoFault(scene);
      const again = new Scene({ store, label: 'orders' });
      again.server.heard.push(...scene.server.heard);
      await again.until(again.channel.open());
      await again.until(again.channel.close());
      expect(again.actions).toEqual(['CloseSequence', 'TerminateSequence']);
    }
  });

  test('the store fails: RELIABLE_STORE, transient, and the peer is told nothing', async () => {
    const good = memory();
    let broken = false;
    const store = committing(good, (change) =>
      broken ? Promise.reject(new Error('the disk is full')) : good.commit(change),
    );
    const scene = new Scene({ store, label: 'orders' });
    await scene.until(scene.say('one'));
    broken = true;
    expect(await scene.failure(scene.say('two'))).toMatchObject({ code: 'RELIABLE_STORE', transient: true });
    expect((await scene.failure(scene.channel.close())).code).toBe('RELIABLE_STORE');
    expectNoFault(scene);
    broken = false;
    await goesOn(store, scene, 1);
  });

  test('abort is a decision, not a trouble: the peer is told, and nothing is kept to go on with', async () => {
    const store = memory();
    const scene = new Scene({ store, label: 'orders' });
    await scene.until(scene.say('one'));
    scene.channel.abort(new Error('enough'));
    await scene.until(scene.channel.closed);
    expect(scene.actions.at(-1)).toBe('fault');
    const again = new Scene({ store, label: 'orders' });
    await again.until(again.channel.open());
    expect(again.view?.resumed).toBe(false);
  });
});
