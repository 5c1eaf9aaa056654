import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test, vi } from 'vitest';
import { diagnostics } from '../../src/base/diagnostics.ts';
import { asError, hasCode, SurewireError } from '../../src/base/errors.ts';

class RoomError extends SurewireError<'ROOM_FULL'> {}

describe('SurewireError', () => {
  test('bears the name of its class, its code, its cause and whether to try again', () => {
    const cause = new Error('below');
    const error = new RoomError('ROOM_FULL', 'No room. Come later.', { cause, transient: true });
    expect(error).toMatchObject({ name: 'RoomError', code: 'ROOM_FULL', cause, transient: true });
    expect(new RoomError('ROOM_FULL', 'No room.').transient).toBe(false);
  });

  test('hasCode tells it from every other error', () => {
    expect(hasCode(new RoomError('ROOM_FULL', ''), 'ROOM_FULL')).toBe(true);
    expect(hasCode(new RoomError('ROOM_FULL', ''), 'OTHER')).toBe(false);
    expect(hasCode(Object.assign(new Error(''), { code: 'ROOM_FULL' }), 'ROOM_FULL')).toBe(false);
  });

  test('asError leaves an error as it is and wraps anything else', () => {
    const error = new Error('as it is');
    expect(asError(error)).toBe(error);
    expect(asError('text').message).toBe('text');
    expect(asError(undefined)).toBeInstanceOf(Error);
  });
});

describe('diagnostics', () => {
  test('builds nothing when nobody listens, and publishes on the channel of the room', () => {
    const publish = diagnostics('test-room');
    const make = vi.fn(() => ({ event: 'thing.done', count: 1 }));
    publish(make);
    expect(make).not.toHaveBeenCalled();
    const heard = vi.fn();
    subscribe('surewire:test-room', heard);
    publish(make);
    unsubscribe('surewire:test-room', heard);
    expect(heard).toHaveBeenCalledWith({ event: 'thing.done', count: 1 }, 'surewire:test-room');
  });
});
