/** Mutants of the destination: what it accepts, hands up, remembers and lets go. */
import type { Mutant } from './mutant.ts';

const destination = 'reliable/destination.ts';
const destinationEnd = 'reliable/destination-end.ts';
const destinationState = 'reliable/destination-state.ts';
const ranges = 'reliable/ranges.ts';

export const destinationMutants: readonly Mutant[] = [
  {
    name: 'duplicate delivered',
    file: destination,
    find: "if (includes(state.received, number)) return [heard(state, event.now), [{ effect: 'duplicate', number }]];",
    replace: '',
  },
  {
    name: 'order ignored',
    file: destination,
    find: 'const now = !assurance.ordered || prefix(state.delivered) === number - 1;',
    replace: 'const now = true;',
  },
  {
    name: 'order kept where none was asked for',
    file: destination,
    find: 'const now = !assurance.ordered || prefix(state.delivered) === number - 1;',
    replace: 'const now = prefix(state.delivered) === number - 1;',
  },
  {
    name: 'next in order never handed up',
    file: destination,
    find: 'assurance.ordered && following?.number === prefix(next.delivered) + 1',
    replace: 'assurance.ordered && following?.number === prefix(next.delivered)',
  },
  {
    name: 'held buffer unbounded',
    file: destination,
    find: "if (event.number > base + assurance.window || state.held.length >= assurance.window) return 'window';",
    replace: '',
  },
  {
    name: 'held messages not counted against the window',
    file: destination,
    find: 'event.number > base + assurance.window || state.held.length >= assurance.window',
    replace: 'event.number > base + assurance.window',
  },
  {
    name: 'held octets unbounded',
    file: destination,
    find: "event.number !== base + 1 && bytes + event.bytes > assurance.heldBytes) return 'bytes';",
    replace: "event.number !== base + 1 && bytes + event.bytes < 0) return 'bytes';",
  },
  {
    name: 'ranges to acknowledge unbounded',
    file: destination,
    find: "> assurance.heldBytes) return 'bytes';\n  return received.length > assurance.maxRanges ? 'ranges' : undefined;",
    replace: "> assurance.heldBytes) return 'bytes';\n  return undefined;",
  },
  {
    name: 'room told without what is held',
    file: destinationState,
    find: 'Math.max(0, assurance.window - state.held.length)',
    replace: 'Math.max(0, assurance.window)',
  },
  {
    name: 'closed sequence takes new messages',
    file: destination,
    find: "if (state.phase === 'closed') {",
    replace: "if (state.id === '') {",
  },
  {
    name: 'messages after the last are taken',
    file: destination,
    find: 'if (state.last !== null && number > state.last) {',
    replace: 'if (state.last !== null && number < 0) {',
  },
  {
    name: 'last message before one that was received is taken',
    file: destination,
    find: 'if (event.last && number < highest(state.received)) {',
    replace: 'if (event.last && number < 0) {',
  },
  {
    name: 'LastMsgNumber that contradicts is believed',
    file: destinationEnd,
    find: 'return last < highest(state.received) || (state.last !== null && state.last !== last);',
    replace: 'return false;',
  },
  {
    name: 'number beyond the greatest is taken',
    file: destination,
    find: 'if (number > assurance.lastNumber) {',
    replace: 'if (number < 0) {',
  },
  {
    name: 'LastMessage ignored by the destination',
    file: destination,
    find: 'last: event.last ? number : state.last,',
    replace: 'last: state.last,',
  },
  {
    name: 'Final forgotten by the destination',
    file: destinationState,
    find: "return state.phase !== 'created';",
    replace: 'return false;',
  },
  {
    name: 'Final said while messages are taken',
    file: destinationState,
    find: "return state.phase !== 'created';",
    replace: 'return true;',
  },
  {
    name: 'messages behind a gap are kept for ever',
    file: destinationEnd,
    find: 'const reachable = prefix(state.received);',
    replace: 'const reachable = highest(state.received);',
  },
  {
    name: 'messages are not handed up again after a restart',
    file: destination,
    find: 'return [left, deliverable(left, assurance)];',
    replace: 'return [left, []];',
  },
  {
    name: 'all held messages are handed up at once after a restart',
    file: destinationEnd,
    find: '.filter(({ number }) => !assurance.ordered || number === first)',
    replace: '.filter(({ number }) => number >= first)',
  },
  {
    name: 'session ended while the application is at work',
    file: destinationEnd,
    find: 'if (next.held.length > 0) return [next, discarded];',
    replace: '',
  },
  {
    name: 'application at work counts as a silent peer',
    file: destination,
    find: 'if (!isWorking(state, assurance)) return over(',
    replace: 'if (state.held.length >= 0) return over(',
  },
  {
    name: 'expiry ignored',
    file: destinationState,
    find: 'return instant(state.expires === null ? over : Math.min(over, state.expires));',
    replace: 'return instant(over);',
  },
  {
    name: 'at most once, and again after a crash',
    file: destination,
    find: "return assurance.repeats === 'at-most-once' ? begun(step) : step;",
    replace: 'return assurance.window < 0 ? begun(step) : step;',
  },
  {
    name: 'NoDiscard discards',
    file: destinationEnd,
    find: "assurance.incomplete === 'NoDiscard' && state.phase !== 'created'",
    replace: "assurance.incomplete === 'NoDiscard' && state.phase === 'created'",
  },
  {
    name: 'signs of life count as messages of the application',
    file: destinationState,
    find: 'later(state.busy, assurance.receiveTimeout)',
    replace: 'later(state.heard, assurance.receiveTimeout)',
  },
  {
    name: 'a sequence that is closed is idle',
    file: destinationState,
    find: "return state.phase === 'created' ? later(state.busy",
    replace: "return state.phase !== 'ended' ? later(state.busy",
  },
  {
    name: 'acknowledgement leaves a message out',
    file: ranges,
    find: 'if (number === last.upper + 1) return set.with(-1, { lower: last.lower, upper: number });',
    replace: 'if (number === last.upper + 1) return set.with(-1, { lower: number, upper: number });',
  },
  {
    name: 'touching ranges stay apart',
    file: ranges,
    find: 'if (last === undefined || part.lower > last.upper + 1) result.push',
    replace: 'if (last === undefined || part.lower > last.upper) result.push',
  },
  {
    name: 'upper end of a range not in it',
    file: ranges,
    find: 'else if (number > range.upper) low = middle + 1;',
    replace: 'else if (number >= range.upper) low = middle + 1;',
  },
  {
    name: 'a gap at the start overlooked',
    file: ranges,
    find: 'return first?.lower === 1 ? first.upper : 0;',
    replace: 'return first?.upper ?? 0;',
  },
  {
    name: 'Nack at the first sign of a gap',
    file: 'reliable/duplex/acknowledging.ts',
    find: 'this.#gap.set(later(clock.now(), acknowledgementInterval));',
    replace: 'this.#gap.set(clock.now());',
  },
  {
    name: 'Nack again and again',
    file: 'reliable/duplex/acknowledging.ts',
    find: 'this.#complained = last;',
    replace: 'this.#complained = Math.min(last, 0);',
  },
  {
    name: 'Nack for what was received',
    file: ranges,
    find: 'for (; expected < lower && found.length < most; expected += 1) found.push(expected);',
    replace: 'for (; expected <= lower && found.length < most; expected += 1) found.push(expected);',
  },
  {
    name: 'Nack and ranges in one acknowledgement',
    file: 'reliable/headers.ts',
    find: 'if (block.nacks.length > 0) return text;',
    replace: '',
  },
];
