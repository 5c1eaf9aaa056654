/** The requester's reducer: renewal in time, nothing under an expired key, one end (WS-SecureConversation 1.3, sections 3 to 6). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import {
  type ContextEvent,
  type ContextKeyed,
  type ContextState,
  context,
  noContext,
  renewalDue,
  wcfRenewal,
} from '../../src/conversation/context.ts';

const hours = (count: number) => instant(count * 3_600_000);
const first: ContextKeyed = { identifier: 'urn:uuid:1', instance: undefined, created: hours(0), expires: hours(10) };
const second: ContextKeyed = { ...first, instance: 'urn:uuid:2', created: hours(6), expires: hours(16) };

function following(...events: readonly ContextEvent[]): readonly [ContextState, readonly string[]] {
  let state: ContextState = noContext;
  let effects: readonly string[] = [];
  for (const event of events) {
    const [next, done] = context(state, event, wcfRenewal);
    state = next;
    effects = done.map((one) => (one.effect === 'request' ? one.request : one.effect));
  }
  return [state, effects];
}

const open = [
  { kind: 'open', now: hours(0) },
  { kind: 'issued', now: hours(0), context: first },
] as const;

describe('security context, requester', () => {
  test('WCF renews after 60 % of the lifetime, and never later than after 10 hours', () => {
    expect(renewalDue(first, wcfRenewal)).toBe(hours(6));
    expect(renewalDue({ ...first, expires: hours(100) }, wcfRenewal)).toBe(hours(10));
  });

  test('the first message after that asks for the renewal and goes out under the old key', () => {
    expect(following(...open, { kind: 'send', now: hours(5.9) })[1]).toEqual(['proceed']);
    const [state, effects] = following(...open, { kind: 'send', now: hours(6) });
    expect(effects).toEqual(['renew', 'proceed']);
    expect(state.phase).toBe('renewing');
  });

  test('with an expired key the message waits for the renewal', () => {
    expect(following(...open, { kind: 'send', now: hours(10) })[1]).toEqual(['renew', 'wait']);
    const told = { kind: 'renew-needed', now: hours(1) } as const;
    expect(following(...open, told)[1]).toEqual(['renew']);
    expect(following(...open, told, { kind: 'send', now: hours(1) })[1]).toEqual(['wait']);
    expect(
      following(...open, told, { kind: 'unanswered', pause: 0, now: hours(2) }, { kind: 'send', now: hours(2) })[1],
    ).toEqual(['renew', 'wait']);
  });

  test('a renewal keeps the Identifier and names a new key; anything else is no renewal', () => {
    const renewing = [...open, { kind: 'send', now: hours(6) }] as const;
    expect(following(...renewing, { kind: 'issued', now: hours(6), context: second })[0]).toEqual({
      phase: 'open',
      current: second,
    });
    for (const other of [first, { ...second, identifier: 'urn:uuid:other' }]) {
      expect(following(...renewing, { kind: 'issued', now: hours(6), context: other })[0]).toEqual({
        phase: 'open',
        current: first,
      });
    }
  });

  test('a refused renewal is tried again while the key is good, and ends the context when it is not', () => {
    const refused = { kind: 'refused', text: 'no', pause: 0 } as const;
    expect(following(...open, { kind: 'send', now: hours(6) }, { ...refused, now: hours(7) })[0].phase).toBe('open');
    expect(following(...open, { kind: 'send', now: hours(10) }, { ...refused, now: hours(10) })[0].phase).toBe('ended');
  });

  test('what was refused is tried again in half of the time that is left, and at once when the key is over', () => {
    const refused = [
      ...open,
      { kind: 'send', now: hours(6) },
      { kind: 'unanswered', pause: 1, now: hours(6) },
    ] as const;
    expect(following(...refused, { kind: 'send', now: hours(7.9) })[1]).toEqual(['proceed']);
    expect(following(...refused, { kind: 'send', now: hours(8) })[1]).toEqual(['renew', 'proceed']);
    const late = [
      { kind: 'send', now: hours(8) },
      { kind: 'refused', text: 'no', pause: hours(9), now: hours(8) },
    ] as const;
    expect(following(...refused, ...late, { kind: 'send', now: hours(9.9) })[1]).toEqual(['proceed']);
    expect(following(...refused, ...late, { kind: 'send', now: hours(10) })[1]).toEqual(['renew', 'wait']);
  });

  test('closing cancels; an expired context cannot be cancelled any more', () => {
    expect(following(...open, { kind: 'close', now: hours(1) })[1]).toEqual(['cancel']);
    expect(following(...open, { kind: 'close', now: hours(1) }, { kind: 'cancelled', now: hours(1) })[0]).toMatchObject(
      {
        phase: 'ended',
        reason: { code: 'cancelled' },
      },
    );
    expect(following(...open, { kind: 'close', now: hours(10) })[0]).toMatchObject({ reason: { code: 'expired' } });
  });

  test('something is added while messages go on; a renewal waits for it, and it for a renewal', () => {
    const amend = { kind: 'amend', now: hours(1) } as const;
    const settled = { kind: 'amend-settled', now: hours(7) } as const;
    expect(following(...open, amend)).toEqual([{ phase: 'amending', current: first }, ['amend']]);
    expect(following(...open, amend, { kind: 'send', now: hours(7) })[1]).toEqual(['proceed']);
    expect(following(...open, amend, { kind: 'send', now: hours(10) })[1]).toEqual(['wait']);
    expect(following(...open, amend, amend)[1]).toEqual(['wait']);
    expect(following(...open, amend, settled, { kind: 'send', now: hours(7) })[1]).toEqual(['renew', 'proceed']);
    const due = [...open, { ...amend, now: hours(6) }] as const;
    expect(following(...due)).toEqual([{ phase: 'renewing', current: first }, ['renew', 'wait']]);
    expect(following(...due, amend)[1]).toEqual(['wait']);
    expect(following(...due, { kind: 'issued', now: hours(6), context: second }, amend)[1]).toEqual(['amend']);
    expect(following(amend)[1]).toEqual(['wait']);
  });

  test('to amend ends with whatever ends the context, and takes nothing of it with it', () => {
    const amending = [...open, { kind: 'amend', now: hours(1) }] as const;
    const over = { kind: 'renew-needed', now: hours(2) } as const;
    expect(following(...amending, over)[1]).toEqual([]);
    const settled = { kind: 'amend-settled', now: hours(2) } as const;
    expect(following(...amending, over, settled, { kind: 'send', now: hours(2) })[1]).toEqual(['renew', 'wait']);
    expect(following(...amending, { kind: 'lost', now: hours(2) }, settled)[0]).toBe(noContext);
    expect(following(...amending, { kind: 'close', now: hours(2) })[1]).toEqual(['cancel']);
    const ended = [...amending, { kind: 'abort', now: hours(2), text: 'over' }] as const;
    expect(following(...ended, { kind: 'amend', now: hours(2) })[1]).toEqual(['ended']);
    const cancelling = [...open, { kind: 'close', now: hours(1) }] as const;
    expect(following(...cancelling, { kind: 'amend', now: hours(1) })[1]).toEqual(['ended']);
  });

  test('law: whatever happens, nothing proceeds under an expired key, one thing is asked for at a time, and an end is for ever', () => {
    const event = fc.oneof(
      fc
        .constantFrom(
          ...([
            'open',
            'send',
            'send',
            'amend',
            'amend-settled',
            'lost',
            'renew-needed',
            'close',
            'cancelled',
          ] as const),
        )
        .map((kind) => ({ kind })),
      fc.record({ kind: fc.constant('refused' as const), text: fc.constant('no'), pause: fc.nat(hours(1)) }),
      fc.record({ kind: fc.constant('issued' as const), lifetime: fc.integer({ min: -1, max: 20 }), name: fc.nat(2) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), event), { maxLength: 40 }), (happenings) => {
        let state: ContextState = noContext;
        let now = 0;
        for (const [passed, happening] of happenings) {
          now += passed;
          const before: ContextState = state;
          const at = hours(now);
          const told =
            happening.kind === 'issued'
              ? {
                  kind: happening.kind,
                  context: {
                    identifier: 'urn:uuid:1',
                    instance: happening.name === 0 ? undefined : `urn:uuid:${happening.name}`,
                    created: at,
                    expires: hours(now + happening.lifetime),
                  },
                }
              : happening;
          const [next, effects] = context(state, { ...told, now: at } as ContextEvent, wcfRenewal);
          state = next;
          if (before.phase === 'ended') expect(state).toBe(before);
          const key = 'current' in state ? state.current : undefined;
          if (effects.some((one) => one.effect === 'proceed')) expect(at).toBeLessThan(key?.expires ?? 0);
          if (effects.some((one) => one.effect === 'request' && /renew|amend/.test(one.request))) {
            expect(before.phase).toBe('open');
          }
          if (effects.some((one) => one.effect === 'request' && one.request === 'cancel')) {
            expect(at).toBeLessThan(key?.expires ?? 0);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
