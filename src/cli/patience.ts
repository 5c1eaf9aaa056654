/**
 * How a transfer that a store keeps is given up: nothing that goes wrong on this side, and no silence of the other, may end
 * its sequence, because whoever starts again would send everything twice. It is suspended instead, and goes on later.
 */
import { SurewireError } from '../base/errors.ts';
import { sendingThrough } from '../channel/transform.ts';
import type { Transport } from '../channel/transport.ts';
import { CliError } from './errors.ts';

export interface Patience {
  /** Fires when the user wants an end, when it has been silent for too long, or when the transport cannot work at all. */
  readonly signal: AbortSignal;
  /** The other side was heard: the wait begins anew. */
  heard(): void;
  /** The transport, whose hopeless failures (a certificate, an address) fire the signal instead of ending a session. */
  guard(transport: Transport): Transport;
  end(): void;
}

/** @param milliseconds the longest silence, up to 2^31−1 */
export function patience(milliseconds: number, interrupted: AbortSignal): Patience {
  const enough = new AbortController();
  const timer = setTimeout(() => {
    const text = `Nothing was heard for ${milliseconds / 1_000} seconds.`;
    enough.abort(new CliError('CLI_INCOMPLETE', text, { transient: true }));
  }, milliseconds);
  return {
    signal: AbortSignal.any([interrupted, enough.signal]),
    heard: () => void timer.refresh(),
    guard: (transport) => ({
      ...transport,
      connect: (to) => (receive) => {
        const below = transport.connect(to)(receive);
        return sendingThrough(below, async (trip) => {
          try {
            return await below.send(trip);
          } catch (thrown) {
            if (!(thrown instanceof SurewireError) || thrown.transient || trip.signal.aborted) throw thrown;
            enough.abort(thrown);
            throw new SurewireError(thrown.code, thrown.message, { cause: thrown, transient: true });
          }
        });
      },
    }),
    end: () => clearTimeout(timer),
  };
}
