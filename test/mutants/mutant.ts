/** A rule of the reliable room, broken on purpose: a test suite that does not notice proves nothing about the rule. */
export interface Mutant {
  /** What the broken code does, in a few words. */
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  /** The exact text, once in the file. */
  readonly find: string;
  readonly replace: string;
}
