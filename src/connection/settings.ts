/** The options of connections that are made of exchanges, and their defaults, all finite. Times are in milliseconds. */
import { type Clock, systemClock } from '../base/clock.ts';
import { type Random, systemRandom } from '../base/random.ts';
import { ConnectionError } from './errors.ts';

/** What a service grants the clients that named where they are reached. */
interface ClientOptions {
  /** Clients at a time. Default 1 000. */
  readonly maxConnections?: number | undefined;
  /** Clients of one identity at a time; whoever proves nothing is one identity. Default 1 000. */
  readonly maxConnectionsPerIdentity?: number | undefined;
  /** Messages of one client that the application works on at a time. Default 64. */
  readonly maxMessagesUnderWay?: number | undefined;
  /** How long a client may not be heard before its connection ends, and what waits for it is thrown away. Default 600 000. */
  readonly idleTimeout?: number | undefined;
  readonly clock?: Clock | undefined;
}

export interface MakeConnectionOptions extends ClientOptions {
  /** The wait of a client after the first time that nothing was there; it doubles each time, spread by up to a quarter. Default 250. */
  readonly pollFloor?: number | undefined;
  /** The longest wait, which is also how late a message that nobody expects may come. Default 5 000. */
  readonly pollCeiling?: number | undefined;
  /** How long a question for what waits is held when nothing does, in hope of something; 0 answers at once. Default 1 000. */
  readonly pollHold?: number | undefined;
  /** Questions that are held at a time, of all clients; further ones are answered at once. Default 64. */
  readonly maxHeld?: number | undefined;
  /** Messages that may wait for one client. Default 256. */
  readonly maxWaiting?: number | undefined;
  /** How long a client that is closed may take to fetch what waits for it. Default 5 000. */
  readonly closeTimeout?: number | undefined;
  /** Cryptographically strong unless a test says otherwise: an address that can be guessed is everybody's. */
  readonly random?: Random | undefined;
}

export interface CompositeDuplexOptions extends ClientOptions {
  /** Where a client listens for the service; port 0 takes any free one. */
  readonly callbackAddress?: URL | undefined;
  /** What the service is told instead, where the client is reached by another name. */
  readonly knownAs?: URL | undefined;
  /** Hosts (name, or name:port) that a service calls back; without, it calls back nobody. */
  readonly replyHosts?: readonly string[] | undefined;
}

type Settings<Options> = { readonly [Name in keyof Options]-?: NonNullable<Options[Name]> };
export type ClientSettings = Settings<ClientOptions>;
export type MakeConnectionSettings = Settings<MakeConnectionOptions>;

/** @throws ConnectionError `CONNECTION_SETTING` */
export function makeConnectionSettings(given: MakeConnectionOptions): MakeConnectionSettings {
  const settings = {
    ...clientSettings(given),
    pollFloor: given.pollFloor ?? 250,
    pollCeiling: given.pollCeiling ?? 5_000,
    pollHold: given.pollHold ?? 1_000,
    maxHeld: given.maxHeld ?? 64,
    maxWaiting: given.maxWaiting ?? 256,
    closeTimeout: given.closeTimeout ?? 5_000,
    random: given.random ?? systemRandom,
  };
  requireRange('pollFloor', settings.pollFloor, 1, settings.pollCeiling);
  requireRange('pollCeiling', settings.pollCeiling, 1, 3_600_000);
  requireRange('pollHold', settings.pollHold, 0, 30_000);
  requireRange('maxHeld', settings.maxHeld, 0, 100_000);
  requireRange('maxWaiting', settings.maxWaiting, 1, 100_000);
  requireRange('closeTimeout', settings.closeTimeout, 1, 3_600_000);
  return settings;
}

/** @throws ConnectionError `CONNECTION_SETTING` */
export function clientSettings(given: ClientOptions): ClientSettings {
  const settings = {
    clock: given.clock ?? systemClock,
    maxConnections: given.maxConnections ?? 1_000,
    maxConnectionsPerIdentity: given.maxConnectionsPerIdentity ?? 1_000,
    maxMessagesUnderWay: given.maxMessagesUnderWay ?? 64,
    idleTimeout: given.idleTimeout ?? 600_000,
  };
  requireRange('maxConnections', settings.maxConnections, 1, 1_000_000);
  requireRange('maxConnectionsPerIdentity', settings.maxConnectionsPerIdentity, 1, 1_000_000);
  requireRange('maxMessagesUnderWay', settings.maxMessagesUnderWay, 1, 100_000);
  requireRange('idleTimeout', settings.idleTimeout, 1, 86_400_000);
  return settings;
}

function requireRange(name: string, value: number, least: number, greatest: number): void {
  if (Number.isInteger(value) && value >= least && value <= greatest) return;
  const text = `${name} is ${value}; it has to be a whole number from ${least} to ${greatest}.`;
  throw new ConnectionError('CONNECTION_SETTING', text);
}
