/**
 * Where the client of a session that outlives its connections was heard, one address for each of them (MakeConnection, two connections): a
 * message names the connection that it was made for, and its answer goes over the one of the moment.
 */
import { addressingOf, withAddressing } from '../../soap/addressing.ts';
import type { Message } from '../../soap/message.ts';

/** So many are remembered; what is handed up so late that it names one from before is refused, as any other address is. */
const most = 8;

export class Addresses {
  #known: readonly string[] = [];

  /** The latest last. */
  get known(): readonly string[] {
    return this.#known;
  }

  /** @param address `undefined` where a connection has none */
  add(address: string | undefined): void {
    if (address === undefined || this.#known.at(-1) === address) return;
    this.#known = [...this.#known.filter((other) => other !== address), address].slice(-most);
  }

  /** The message to the client where it is heard now, at `address`, when it is to one of the others. */
  renamed(message: Message, address: string | undefined): Message {
    if (address === undefined || this.#known.length < 2) return message;
    const said = addressingOf(message);
    if (said?.to === undefined || said.to === address || !this.#known.includes(said.to)) return message;
    return withAddressing(message, { ...said, to: address });
  }
}
