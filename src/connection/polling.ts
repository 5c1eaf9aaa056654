/**
 * The client's end of WS-MakeConnection 1.1 as a duplex channel: what it sends goes out on exchanges of its own, and what the
 * service has to say comes back on exchanges in which the client asks for it. Nothing is asked before something was sent,
 * because until then the service knows nobody here; and never twice at a time.
 */
import { later, type Timer } from '../base/clock.ts';
import { diagnostics } from '../base/diagnostics.ts';
import { asError, SurewireError } from '../base/errors.ts';
import { type Binding, connect } from '../channel/binding.ts';
import type { Channel } from '../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { arrive } from '../channel/duplex.ts';
import { Life } from '../channel/life.ts';
import { addressedTo, addressingOf, answerable } from '../soap/addressing.ts';
import { deniesCredentials, pauseAfterDenial } from '../soap/denial.ts';
import { faultOf } from '../soap/fault.ts';
import type { SoapVersion } from '../soap/version.ts';
import { ConnectionError } from './errors.ts';
import { type Beat, nextPoll, type Rhythm } from './rhythm.ts';
import type { MakeConnectionSettings } from './settings.ts';
import { makeConnection, unpacked } from './wording.ts';

const publish = diagnostics('connection');

/** How a client stands with the service, whichever channel it uses. */
export interface Standing {
  /** The address of this client. */
  readonly address: string;
  wasHeard: boolean;
  /** Why nothing can come of it, found out before the service was ever heard. */
  hopeless: Error | undefined;
}

export interface PollingInit {
  readonly over: Binding;
  readonly to: URL;
  /** What all channels of this client share. */
  readonly standing: Standing;
  readonly settings: MakeConnectionSettings;
  readonly receive: Carry;
}

export class PollingChannel implements Channel {
  readonly side = 'initiator';
  readonly isDuplex = true;
  readonly replyTo: string;
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  /** Of the exchanges below: whoever fetches proves with it who it is. */
  readonly token: Channel['token'];
  readonly offers: Channel['offers'];
  readonly #my: PollingInit;
  readonly #below: Channel;
  readonly #life = new Life();
  readonly #end = new AbortController();
  /** The SOAP version of the conversation, once something was said. */
  #soap: SoapVersion | undefined;
  /** Where this end speaks to. */
  #to: string;
  #rhythm: Rhythm = 0;
  /** Questions in a row for which the password was refused. */
  #denials = 0;
  #timer: Timer | undefined;
  #isAsking = false;
  #underWay = 0;
  #hasRoom: (() => void) | undefined;

  constructor(my: PollingInit) {
    this.#my = my;
    this.#to = my.to.href;
    this.replyTo = my.standing.address;
    this.closed = this.#life.closed;
    this.#below = connect(my.over, my.to, async (trip) => {
      this.#took(trip);
      return undefined;
    });
    this.token = this.#below.token;
    this.offers = this.#below.offers;
    void this.#below.closed.then((reason) => (reason === undefined ? undefined : this.abort(reason)));
    void this.closed.then((reason) => this.#stop(reason));
    this.send = (trip) => this.#life.run(trip.signal, (signal) => this.#said(trip.under(signal)));
  }

  async open(signal?: AbortSignal): Promise<void> {
    const { hopeless } = this.#my.standing;
    if (hopeless !== undefined) throw hopeless;
    this.#life.requireOpen();
    await this.#below.open(signal);
  }

  async close(signal?: AbortSignal): Promise<void> {
    // Nobody waits for what has not come.
    this.#timer?.cancel();
    this.#end.abort(new ConnectionError('CONNECTION_IDLE', 'The channel is closed.'));
    await this.#life.close(signal);
    await this.#below.close(signal);
  }

  abort(reason: Error): void {
    this.#life.abort(reason);
  }

  async #said(trip: Delivery): Promise<undefined> {
    this.#soap = trip.message.version;
    this.#to = addressingOf(trip.message)?.to ?? this.#to;
    try {
      const answer = await this.#below.send(trip.carrying(addressedTo(trip.message, this.#to)));
      if (answer !== undefined) this.#took(answer);
    } catch (thrown) {
      if (!trip.signal.aborted) this.#failed(asError(thrown));
      throw thrown;
    }
    this.#beat('sent');
    return undefined;
  }

  /** What the service says, on whichever exchange. */
  #took(came: Delivery): boolean | undefined {
    this.#my.standing.wasHeard = true;
    const { message, isPending } = unpacked(came.message);
    const write = (answer: Parameters<typeof delivery>[0]) => this.send(delivery(answer)).then(() => undefined);
    const failed = (error: Error) => publish(() => ({ event: 'message.failed', action: message.action, error }));
    this.#underWay += 1;
    void arrive(came.carrying(message), { life: this.#life, receive: this.#my.receive, write, failed }).then(() => {
      this.#underWay -= 1;
      this.#hasRoom?.();
    });
    return isPending;
  }

  #beat(beat: Beat): void {
    const { clock, random } = this.#my.settings;
    const jitter = random.fraction();
    if (beat !== 'failed') this.#denials = 0;
    const [rhythm, usual] = nextPoll(this.#rhythm, beat, this.#my.settings, jitter);
    const pause = this.#denials === 0 ? usual : pauseAfterDenial(this.#denials, jitter);
    this.#rhythm = rhythm;
    this.#timer?.cancel();
    if (this.#isAsking || !this.#life.isOpen || this.#end.signal.aborted) return;
    if (pause === 0) void this.#ask();
    // As a connection would, the channel keeps a process alive while it is open.
    else this.#timer = clock.at(later(clock.now(), pause), () => void this.#ask(), true);
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    let beat: Beat = 'failed';
    let isDenied = false;
    try {
      if (this.#underWay >= this.#my.settings.maxMessagesUnderWay) await this.#room();
      beat = await this.#asked();
    } catch (thrown) {
      if (this.#end.signal.aborted) return;
      const error = asError(thrown);
      publish(() => ({ event: 'poll.failed', address: this.replyTo, error }));
      this.#failed(error);
      isDenied = deniesCredentials(error);
    } finally {
      this.#isAsking = false;
    }
    this.#denials = isDenied ? this.#denials + 1 : 0;
    this.#beat(beat);
  }

  async #asked(): Promise<Beat> {
    const { to, settings } = this.#my;
    if (this.#soap === undefined) return 'nothing';
    const question = makeConnection(this.#soap, to.href, this.replyTo, settings.random);
    const asked = answerable(question)?.messageId;
    const came = await this.#below.send(delivery(question, this.#end.signal));
    if (came === undefined) return 'nothing';
    const fault = faultOf(came.message);
    if (fault !== undefined && answerable(came.message)?.relatesTo === asked) {
      const text = `The service refuses MakeConnection: ${fault.reason} Use a transport that it can answer on.`;
      throw new ConnectionError('CONNECTION_UNSUPPORTED', text);
    }
    return this.#took(came) === true ? 'pending' : 'came';
  }

  /** What asking again cannot mend ends the channel. What may have been forged proves nothing (M5). */
  #failed(error: Error): void {
    if (!(error instanceof SurewireError) || error.transient || error.refusal) return;
    const { standing } = this.#my;
    if (!standing.wasHeard) standing.hopeless = error;
    this.abort(error);
  }

  /** Settles when the application has finished with something. */
  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#hasRoom = resolve;
    });
  }

  #stop(reason: Error | undefined): void {
    this.#timer?.cancel();
    this.#end.abort(reason ?? new ConnectionError('CONNECTION_IDLE', 'The channel is closed.'));
    if (reason !== undefined) this.#below.abort(reason);
  }
}
