/**
 * Renewals that go wrong: of a context whose password was changed meanwhile, where whoever counts wrong passwords is not to lock the user
 * out, and of one under whose key before something was long under way.
 */
import { describe, expect, test } from 'vitest';
import { on } from '../../src/channel/network.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { DuplexTalk, saying, shapes } from './duplex-rig.ts';
import { ask, type Bootstrap, Talk } from './rig.ts';

const minute = 60_000;
const hour = 60 * minute;
/** From when on the key is renewed, and when it ends. */
const [due, end] = [6 * hour, 10 * hour];

/** A user whose password is `secret` to the client, and whatever it was changed to at the service. */
class Account implements Bootstrap {
  readonly name = 'user name over TLS';
  readonly secure = true;
  password = 'secret';
  readonly client = async () =>
    usernameOverTransport({ username: { user: 'alice', password: 'secret', form: 'text' } });
  readonly service = async () => usernameOverTransport({ passwords: { password: () => this.password } });
}

const renewals = (actions: readonly string[]) => actions.filter((action) => action.endsWith('RST/SCT/Renew')).length;

describe('each message finds the key due', () => {
  async function scene() {
    const account = new Account();
    const talk = new Talk(account);
    await talk.listen();
    const channel = await talk.connect();
    expect(await ask(channel, 'one')).toBe('re: one');
    await talk.clock.advance(due);
    /** A message a minute. */
    const minutes = async (count: number) => {
      for (let past = 0; past < count; past += 1) {
        expect(await ask(channel, 'on')).toBe('re: on');
        await talk.clock.advance(minute);
      }
    };
    return { account, talk, channel, minutes };
  }

  test('a wrong password is offered some few times until the key ends, and messages go on meanwhile', async () => {
    const { account, talk, minutes } = await scene();
    account.password = 'another';
    await minutes(10);
    expect(renewals(talk.actions)).toBe(1);
    await minutes((end - due) / minute - 11);
    expect(renewals(talk.actions)).toBeLessThanOrEqual(6);
  });

  test('it is right again: the key is renewed in time', async () => {
    const { account, talk, minutes } = await scene();
    account.password = 'another';
    await minutes(10);
    account.password = 'secret';
    await minutes(120);
    expect(renewals(talk.actions)).toBe(2);
    await minutes(120);
    expect(renewals(talk.actions)).toBe(2);
  });

  test('a renewal that was lost is tried again with the next message', async () => {
    const { talk, channel } = await scene();
    talk.network.script(on('request', [3], 'break'));
    for (let count = 0; count < 3; count += 1) expect(await ask(channel, 'on')).toBe('re: on');
    expect(renewals(talk.actions)).toBe(2);
  });
});

test('what was under way under the key before, and comes when that is over, costs neither the context nor its session', async () => {
  const talk = new Talk(new Account(), { limits: { rollover: 1_000 } }, { inactivityTimeout: 10 * hour });
  let said = 0;
  talk.network.script(({ way, message }) => {
    if (way !== 'request' || message?.action !== 'urn:box:say') return undefined;
    said += 1;
    return said === 2 ? { delay: 5_000 } : undefined;
  });
  await talk.listen();
  const channel = await talk.connect();
  expect(await talk.until(ask(channel, 'one'))).toBe('re: one');
  await talk.clock.advance(due);
  for (const text of ['two', 'three']) {
    expect(await talk.until(ask(channel, text))).toBe(`re: ${text}`);
    await talk.clock.advance(minute);
  }
  const faults = talk.messages.flatMap((message) => faultOf(message)?.subcode?.local ?? []);
  expect(faults).toEqual(['BadContextToken']);
  await talk.until(channel.close());
  expect(talk.heard.map(({ message }) => payload(message)?.text)).toEqual(['one', 'two', 'three']);
  expect(talk.actions.filter((action) => action.endsWith('/RST/SCT'))).toHaveLength(1);
});

test('a service that speaks too: the key is due though nothing is said, and a wrong password is offered as rarely', async () => {
  const account = new Account();
  const shape = shapes.find(({ isConnection }) => isConnection);
  if (shape === undefined) throw new Error('there is no such shape');
  const talk = new DuplexTalk(shape, account);
  await talk.listen(async (trip) => trip.carrying(saying('urn:answer', `re: ${payload(trip.message)?.text}`)));
  const channel = await talk.connect();
  expect(await talk.ask(channel, 'one')).toBe('re: one');
  account.password = 'another';
  await talk.pass(end - minute);
  const asked = talk.wire.map(({ message }) => message.action);
  expect(renewals(asked)).toBeGreaterThan(1);
  expect(renewals(asked)).toBeLessThanOrEqual(6);
  await talk.until(channel.close());
});
