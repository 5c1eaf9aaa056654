/** What the doctor says of one thing: how it is, and what to do where it is not well. */

export type Health = 'well' | 'warning' | 'ill' | 'unknown';

export interface Diagnosis {
  /** What was looked at, in two or three words. */
  readonly about: string;
  readonly health: Health;
  readonly what: string;
  /** What to do about it; always there where it is `ill`. */
  readonly next?: string | undefined;
}

export const well = (about: string, what: string): Diagnosis => ({ about, health: 'well', what });
export const warning = (about: string, what: string, next: string): Diagnosis => ({
  about,
  health: 'warning',
  what,
  next,
});
export const ill = (about: string, what: string, next: string): Diagnosis => ({ about, health: 'ill', what, next });
export const unknown = (about: string, what: string, next?: string): Diagnosis => ({
  about,
  health: 'unknown',
  what,
  next,
});
