/** Contexts that live on: sealed into their tokens across a restart of the acceptor, replaced across one of the initiator. */
import { describe, expect, test } from 'vitest';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { payload } from '../../src/soap/envelope.ts';
import { memory } from '../../src/stores/memory.ts';
import { faultIn, Line } from './line.ts';
import { ask, bootstraps, Talk } from './rig.ts';

const [overTls, , certificates] = bootstraps;
if (overTls === undefined || certificates === undefined) throw new Error('There is no way to ask for a context.');
const sealing = [new Uint8Array(32).fill(7)];
const older = new Uint8Array(32).fill(9);
const issued = (actions: readonly string[]) => actions.filter((action) => action.endsWith('/RST/SCT')).length;

describe('sealed contexts', () => {
  test.each([overTls, certificates])('$name: an acceptor that was started anew takes them', async (bootstrap) => {
    const talk = new Talk(bootstrap, { sealing: [older] });
    const first = await talk.listen();
    const channel = await talk.connect();
    await ask(channel, 'one');
    await first.close();
    // Another process, which seals with another key by now and opens what the older one has sealed.
    const second = await talk.listen(undefined, { sealing: [...sealing, older] });
    expect(await ask(channel, 'two')).toBe('re: two');
    const [before, after] = talk.heard.map((trip) => trip.get(evidence));
    expect(after?.context).toEqual(before?.context);
    expect(after?.user).toEqual(before?.user);
    expect(after?.signer).toEqual(before?.signer);
    await channel.close();
    await second.close();
    expect(issued(talk.actions)).toBe(1);
  });

  test('without sealing an acceptor that was started anew knows none, and the client asks again', async () => {
    const talk = new Talk(overTls);
    const first = await talk.listen();
    const channel = await talk.connect();
    await ask(channel, 'one');
    await first.close();
    const second = await talk.listen();
    await expect(ask(channel, 'lost')).rejects.toThrow(expect.objectContaining({ code: 'SECURITY_UNSECURED_FAULT' }));
    expect(await ask(channel, 'two')).toBe('re: two');
    await second.close();
    expect(issued(talk.actions)).toBe(2);
  });

  test('P11 a cookie that was changed, or is that of another context, or was sealed by somebody else', async () => {
    const line = await Line.of(overTls, { sealing });
    const [alice, mallory] = [await line.client('alice'), await line.client('mallory')];
    await ask(alice, 'one');
    await ask(mallory, 'mine');
    const cookies = line.wire.flatMap((octets) => /<dnse:Cookie[^>]*>([^<]+)/.exec(octets)?.[1] ?? []);
    const [hers = '', his = ''] = [...new Set(cookies)];
    expect([hers, his]).not.toContain('');
    const other = await Line.of(overTls, { sealing: [new Uint8Array(32).fill(1)] });
    const said = line.wire.filter((octets) => octets.includes('urn:box:say') && octets.includes(hers))[0] ?? '';
    const flipped = `${hers.slice(0, 40)}${hers[40] === 'A' ? 'B' : 'A'}${hers.slice(41)}`;
    const started = await Line.of(overTls, { sealing });
    for (const forged of [said.replace(hers, flipped), said.replace(hers, his), said.replace(hers, '')]) {
      expect(forged).not.toBe(said);
      expect(faultIn(await started.send(forged))).toBe('BadContextToken');
    }
    expect(faultIn(await other.send(said))).toBe('BadContextToken');
    expect(started.heard).toEqual([]);
    expect(faultIn(await started.send(said))).toBeUndefined();
  });

  test('a node that remembers a context takes the key that another has renewed it with, and lets go of the one before', async () => {
    const limits = { rollover: 60_000 };
    const [one, other] = [await Line.of(overTls, { sealing, limits }), await Line.of(overTls, { sealing, limits })];
    const alice = await one.client();
    await ask(alice, 'one');
    expect(faultIn(await other.send(one.wire.at(-2) ?? ''))).toBeUndefined();
    for (const line of [one, other]) await line.clock.advance(6 * 3_600_000);
    // The first message after the renewal was asked for goes out under the old key.
    await ask(alice, 'two');
    const old = one.wire.find((octets) => octets.includes('ContextToken') && octets.includes('>two<')) ?? '';
    await ask(alice, 'three');
    expect(faultIn(await other.send(one.wire.at(-2) ?? ''))).toBeUndefined();
    expect(other.heard.map(identityOf)).toEqual(one.heard.filter((_, at) => at !== 1).map(identityOf));
    // A node that knows the newer key does not hear of the older one again.
    for (const line of [one, other]) await line.clock.advance(60_000);
    for (const line of [one, other]) expect(faultIn(await line.send(old))).toBe('BadContextToken');
  });

  test('a node that meets the key of a renewal first takes what was said under the one before, until that is over', async () => {
    const limits = { rollover: 60_000 };
    const [one, other] = [await Line.of(overTls, { sealing, limits }), await Line.of(overTls, { sealing, limits })];
    const alice = await one.client();
    await ask(alice, 'one');
    for (const line of [one, other]) await line.clock.advance(6 * 3_600_000);
    // The first message after the renewal was asked for goes out under the old key.
    for (const text of ['two', 'three']) await ask(alice, text);
    const said = (text: string) => one.wire.find((octets) => octets.includes(`>${text}<`)) ?? '';
    expect(faultIn(await other.send(said('three')))).toBeUndefined();
    expect(faultIn(await other.send(said('two')))).toBeUndefined();
    expect(other.texts).toEqual(['three', 'two']);
    expect(other.heard.map(identityOf)).toEqual(one.heard.slice(1).map(identityOf));
    for (const line of [one, other]) await line.clock.advance(60_000);
    for (const line of [one, other]) expect(faultIn(await line.send(said('two')))).toBe('BadContextToken');
  });

  test('R10 what was cancelled is unknown, whatever its token says', async () => {
    const line = await Line.of(overTls, { sealing });
    const alice = await line.client();
    await ask(alice, 'one');
    const said = line.wire.at(-2) ?? '';
    await alice.close();
    expect(faultIn(await line.send(said))).toBe('BadContextToken');
    expect(line.texts).toEqual(['one']);
  });
});

describe('durable sessions', () => {
  test('go on under the same context when the acceptor was started anew', async () => {
    const store = memory();
    const talk = new Talk(overTls, { sealing }, { store });
    const first = await talk.listen();
    const channel = await talk.connect();
    expect(await talk.until(ask(channel, 'one'))).toBe('re: one');
    await talk.until(first.close());
    const second = await talk.listen();
    expect(await talk.until(ask(channel, 'two'))).toBe('re: two');
    await talk.until(channel.close());
    await talk.until(second.close());
    expect(issued(talk.actions)).toBe(1);
    expect(talk.actions.filter((action) => action.endsWith('/CreateSequence'))).toHaveLength(1);
  });

  test('go on under another context of the same identity when the initiator was', async () => {
    const store = memory();
    const talk = new Talk(overTls, { speaksFor: 'identity' }, { store, label: 'box', whenRetriesRunOut: 'suspend' });
    const listener = await talk.listen();
    const lost = await talk.connect();
    expect(await talk.until(ask(lost, 'one'))).toBe('re: one');
    // The process is gone; another takes the session up from the store.
    const again = await talk.connect();
    expect(await talk.until(ask(again, 'two'))).toBe('re: two');
    await talk.until(again.close());
    await talk.until(listener.close());
    expect(issued(talk.actions)).toBe(2);
    expect(talk.actions.filter((action) => action.endsWith('/CreateSequence'))).toHaveLength(1);
    expect(talk.heard.map(({ message }) => payload(message)?.text)).toEqual(['one', 'two']);
  });
});
