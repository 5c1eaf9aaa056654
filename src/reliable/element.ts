/**
 * The reliable session as a binding element: above security, below the exchange, the same at both ends. The initiator
 * creates a sequence when it is opened and terminates it when it is closed; the acceptor keeps the sequences of all who
 * come (HOUSE, section 1; WCF's ReliableSessionBindingElement).
 */
import type { BindingElement } from '../channel/channel.ts';
import type { Carry } from '../channel/delivery.ts';
import { Acceptor } from './acceptor.ts';
import { DuplexAcceptor } from './duplex/acceptor.ts';
import { Hub } from './duplex/hub.ts';
import { DuplexInitiator } from './duplex/initiator.ts';
import { Initiator } from './initiator.ts';
import { type ReliableSessionOptions, settingsOf } from './settings.ts';

/**
 * Messages arrive exactly once, and in order where `ordered`.
 *
 * Exactly once means: into the store of the acceptor. A handler that crashed in the middle gets its message again after
 * the restart, so what it does should be idempotent or join the same transaction.
 *
 * `send` of an initiator settles when its message is settled: with the reply where one is expected, else with `undefined`
 * once it is acknowledged. It rejects with ReliableError: `RELIABLE_RETRIES_EXHAUSTED`, `RELIABLE_TERMINATED`,
 * `RELIABLE_UNKNOWN_SEQUENCE`, `RELIABLE_SEQUENCE_CLOSED`, `RELIABLE_INVALID_ACKNOWLEDGEMENT`, `RELIABLE_INACTIVE`,
 * `RELIABLE_ROLLOVER`, `RELIABLE_CLOSED`, `RELIABLE_ABORTED`, `RELIABLE_FAILED` (see `cause`), `RELIABLE_STORE`,
 * `RELIABLE_SUSPENDED` (labelled and stored; see `whenRetriesRunOut`); `outcomes` says what became of each message, and
 * `onOutcome` tells it message by message. Giving up a `send` by its signal does not take the message back. `open` rejects with
 * `RELIABLE_REFUSED`, `RELIABLE_TOO_BUSY` (transient), `RELIABLE_OPEN_TIMEOUT`, `RELIABLE_IN_USE`, and `close` with
 * `RELIABLE_CLOSE_TIMEOUT` besides those of `send`.
 *
 * Over a duplex channel (WebSocket) both ends send on sequences of their own (WCF's ReliableDuplexSessionChannel): `send` then
 * settles with nothing when its message is acknowledged, and `exchange` above finds the answer. When the connection breaks the
 * initiator makes another, and the session goes on over it; with `store` and `label` it goes on in another process too, both ways:
 * what the peer sent and the application had not finished with is handed up again.
 *
 * @throws ReliableError `RELIABLE_SETTING`
 */
export function reliableSession(options: ReliableSessionOptions = {}): BindingElement {
  const settings = settingsOf(options);
  const inUse = new Set<string>();
  // Duplex sessions outlive their connections, each of which has a channel of its own.
  const hub = new Hub(settings);
  return {
    name: 'reliableSession',
    place: 'session',
    wrap: (inner) => (receive) => {
      let up: Carry = async () => undefined;
      const below = inner((trip) => up(trip));
      if (below.isDuplex === true) {
        if (below.side === 'acceptor') {
          const acceptor = new DuplexAcceptor(settings, below, receive, hub);
          up = acceptor.receive;
          return acceptor;
        }
        const duplex = new DuplexInitiator(settings, inner, below, receive, inUse);
        up = duplex.receive;
        return duplex;
      }
      if (below.side === 'acceptor') {
        const acceptor = new Acceptor(settings, below, receive);
        // Of a duplex session there comes also what names no address to answer at.
        up = (trip) => hub.hear(trip) ?? acceptor.receive(trip);
        return acceptor;
      }
      const initiator = new Initiator(settings, inner, below, inUse);
      up = initiator.receive;
      return initiator;
    },
  };
}
