/**
 * Writes a transcript. Whoever records waits until the line is in the hands of the operating system, so a slow disk slows down
 * what is recorded, and what failed to be written was not carried on either: a gap would look like peace. One write at a time
 * takes all lines that wait.
 */
import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { asError } from '../../base/errors.ts';
import type { Mark } from '../../channel/mark.ts';
import type { Message } from '../../soap/message.ts';
import { AuditError } from '../errors.ts';
import { type Chained, chained } from './chain.ts';
import { factsOf } from './facts.ts';
import { TranscriptFile } from './file.ts';
import { type RecorderOptions, type RecorderSettings, recorderSettings } from './options.ts';
import { longestLine } from './parts.ts';
import { type PayloadWriter, payloadWriter } from './payload.ts';
import { type HeaderRecord, type MessageRecord, type RecordContent, transcriptFormat } from './record.ts';
import { type Secret, strike } from './strike.ts';

/** A message as a tap or an importer has it. */
export interface Recorded
  extends Pick<MessageRecord, 'end' | 'direction' | 'leg' | 'exchange' | 'transport' | 'contentType'> {
  readonly octets: Uint8Array;
  /** Reads the message, for the facts of it; what it throws is told instead. */
  readonly read: () => Message;
  /** When, where that is not now. */
  readonly at?: string | undefined;
}

interface Waiting {
  readonly text: string;
  /** After this line begins another part. */
  readonly rotates: boolean;
  readonly written: () => void;
  readonly failed: (error: Error) => void;
}

export class Recorder implements AsyncDisposable {
  readonly #settings: RecorderSettings;
  readonly #file: TranscriptFile;
  readonly #payloads: PayloadWriter;
  readonly #secrets: readonly Secret[];
  readonly #id: string = randomUUID();
  readonly #marks = new WeakSet<Mark>();
  readonly #waiting: Waiting[] = [];
  readonly #room: (() => void)[] = [];
  #waitingBytes = 0;
  #n: number;
  #chain: string;
  #part: number;
  #partBytes: number;
  #exchanges = 0;
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  private constructor(settings: RecorderSettings, file: TranscriptFile, payloads: PayloadWriter) {
    this.#settings = settings;
    this.#file = file;
    this.#payloads = payloads;
    this.#secrets = settings.strike.map((one) => ({ ...one, guessable: true }));
    this.#n = file.tail.n;
    this.#chain = file.tail.chain;
    this.#part = file.tail.part;
    this.#partBytes = file.size;
  }

  /**
   * Opens a transcript, or takes one up again.
   *
   * @throws AuditError `AUDIT_OPTIONS`, `AUDIT_FILE`, `AUDIT_FOREIGN`
   */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const settings = recorderSettings(options);
    const payloads = await payloadWriter(settings.payloads);
    const file = await TranscriptFile.open(settings.file);
    const recorder = new Recorder(settings, file, payloads);
    if (file.tail.torn) await file.append('\n');
    recorder.#partBytes = file.size;
    await recorder.#append(recorder.#header());
    subscribe(topic, recorder.#hear);
    return recorder;
  }

  /** A number for a request and what comes of it. */
  exchange(): number {
    return ++this.#exchanges;
  }

  /**
   * Records a message.
   *
   * @returns the mark by which layers above tell what they found
   * @throws AuditError `AUDIT_CLOSED`, `AUDIT_FILE`, `AUDIT_SHARED`, `AUDIT_FULL`
   */
  async message({ octets, read, at, ...about }: Recorded): Promise<Mark> {
    const cleaned = strike(octets, this.#secrets);
    const facts = factsIn(read);
    const content: RecordContent = {
      kind: 'message',
      ...about,
      octets: cleaned.kind === 'unreadable' ? 0 : cleaned.octets.length,
      ...facts,
      ...(cleaned.kind === 'struck' ? { struck: cleaned.names } : {}),
      payload:
        cleaned.kind === 'unreadable'
          ? { form: 'withheld', reason: cleaned.reason }
          : this.#payloads.write(cleaned.octets),
    };
    await this.#space();
    const { n, written } = this.#put(content, at);
    const mark: Mark = Object.freeze({ record: n });
    this.#marks.add(mark);
    await written;
    return mark;
  }

  /**
   * Records what came of an exchange where that is no message.
   *
   * @throws AuditError as `message`
   */
  async outcome(of: Mark, kind: 'empty' | 'failed', code?: string, at?: string): Promise<void> {
    await this.#put({ kind, of: of.record, code }, at).written;
  }

  /** Writes what waits and ends the transcript. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    unsubscribe(topic, this.#hear);
    try {
      if (this.#failure === undefined) await this.#append({ kind: 'end', reason: 'closed' });
    } finally {
      await this.#file.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What security found out about a message that was recorded here. */
  readonly #hear = (event: unknown): void => {
    const found = event as SecurityEvent;
    if (found.mark === undefined || !this.#marks.has(found.mark) || this.#closing !== undefined) return;
    const { identity, signed, encrypted, code } = found;
    const accepted = found.event === 'message.accepted';
    // Nobody waits for it; when it cannot be written, the next message hears of it.
    this.#put({ kind: 'evidence', of: found.mark.record, accepted, identity, signed, encrypted, code }).written.catch(
      () => undefined,
    );
  };

  async #space(): Promise<void> {
    while (this.#waitingBytes > this.#settings.maxWaitingBytes && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
  }

  #header(): Omit<HeaderRecord, 'n' | 'at'> {
    return {
      kind: 'transcript',
      format: transcriptFormat,
      recorder: this.#id,
      part: this.#part,
      payloads: this.#payloads.form,
      keys: this.#payloads.keys,
      follows: this.#n === 0 ? undefined : this.#chain,
      imported: this.#settings.imported,
    };
  }

  #put(content: RecordContent, at?: string): { readonly n: number; readonly written: Promise<void> } {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined && content.kind !== 'end') {
      throw new AuditError('AUDIT_CLOSED', 'The recorder was closed. Close what it records before it.');
    }
    const n = this.#n + 1;
    const written = this.#append(content, at);
    if (this.#partBytes > this.#settings.maxPartBytes && content.kind === 'message') this.#turn();
    return { n, written };
  }

  /** Ends this part and begins the next. */
  #turn(): void {
    void this.#append({ kind: 'end', reason: 'rotated' }, undefined, true).catch(() => undefined);
    this.#part++;
    this.#partBytes = 0;
    void this.#append(this.#header()).catch(() => undefined);
  }

  #append(content: RecordContent, at?: string, rotates = false): Promise<void> {
    const when = at ?? new Date(this.#settings.clock.now()).toISOString();
    const next: Chained = chained(this.#chain, { n: this.#n + 1, at: when, ...content });
    if (next.line.length > longestLine) {
      throw new AuditError('AUDIT_OPTIONS', `A record of ${next.line.length} characters is too long for a transcript.`);
    }
    this.#n++;
    this.#chain = next.chain;
    const text = `${next.line}\n`;
    this.#partBytes += text.length;
    this.#waitingBytes += text.length;
    return new Promise((written, failed) => {
      this.#waiting.push({ text, rotates, written, failed });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  async #write(): Promise<void> {
    // What is put in this turn of the loop goes out together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const end = this.#waiting.findIndex(({ rotates }) => rotates);
      const batch = this.#waiting.splice(0, end < 0 ? this.#waiting.length : end + 1);
      const text = batch.map((one) => one.text).join('');
      try {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#file.append(text);
        if (end >= 0) await this.#file.rotate(this.#settings.maxParts);
        for (const { written } of batch) written();
      } catch (thrown) {
        this.#failure ??= asError(thrown);
        for (const { failed } of batch) failed(this.#failure);
      }
      this.#waitingBytes -= text.length;
      for (const resume of this.#room.splice(0)) resume();
    }
  }
}

const topic = 'surewire:security';

interface SecurityEvent {
  readonly event: string;
  readonly mark?: Mark;
  readonly identity?: string;
  readonly signed?: readonly string[];
  readonly encrypted?: readonly string[];
  readonly code?: string;
}

function factsIn(read: () => Message): Pick<MessageRecord, 'facts' | 'unreadable'> {
  try {
    return { facts: factsOf(read()) };
  } catch (thrown) {
    return { unreadable: asError(thrown).message.slice(0, 1_000) };
  }
}
