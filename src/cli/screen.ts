/**
 * The last lines of a terminal, drawn again and again. Whatever else is written goes above them. The cursor is hidden
 * meanwhile and comes back however the process ends.
 */
export interface Terminal {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

const HIDE = '\x1b[?25l';
const SHOW = '\x1b[?25h';
/** To the beginning of the line, and nothing from there to the end of the screen. */
const WIPE = '\r\x1b[J';

export class Screen {
  readonly #terminal: Terminal;
  readonly #restore = (): void => void this.#terminal.write(SHOW);
  #lines: readonly string[] = [];
  #isOn = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): void {
    if (!this.#isOn) {
      this.#isOn = true;
      // A second Ctrl-C ends the process at once.
      process.once('exit', this.#restore);
    }
    const wipe = this.#wipe();
    this.#lines = lines;
    this.#terminal.write(`${HIDE}${wipe}${this.#picture()}`);
  }

  /** Lets `write` write above the lines. */
  above(write: () => void): void {
    if (this.#lines.length > 0) this.#terminal.write(this.#wipe());
    write();
    if (this.#lines.length > 0) this.#terminal.write(this.#picture());
  }

  /** Leaves the last picture where it is. Idempotent. */
  end(): void {
    this.#lines = [];
    if (!this.#isOn) return;
    this.#isOn = false;
    process.off('exit', this.#restore);
    this.#restore();
  }

  #wipe(): string {
    return this.#lines.length === 0 ? '' : `\x1b[${this.#lines.length}A${WIPE}`;
  }

  #picture(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }
}
