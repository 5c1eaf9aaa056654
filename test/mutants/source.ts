/** Mutants of the source: what it knows, when it sends, how it closes. */
import type { Mutant } from './mutant.ts';

const ledger = 'reliable/ledger.ts';
const learning = 'reliable/learning.ts';
const dispatch = 'reliable/dispatch.ts';
const source = 'reliable/source.ts';
const opening = 'reliable/source-opening.ts';
const sourceEnd = 'reliable/source-end.ts';
const transmission = 'reliable/transmission.ts';

export const sourceMutants: readonly Mutant[] = [
  {
    name: 'stale acknowledgement shrinks knowledge',
    file: source,
    find: 'union(before.acknowledged, event.ranges)',
    replace: 'event.ranges',
  },
  {
    name: 'acknowledgement of what was not sent is believed',
    file: learning,
    find: 'if (highest(event.ranges) > ledger.sent) {',
    replace: 'if (highest(event.ranges) < 0) {',
  },
  {
    name: 'final acknowledgement takes back what was acknowledged',
    file: learning,
    find: 'if (event.final && !covers(event.ranges, ledger.acknowledged)) {',
    replace: 'if (event.final && !covers(ledger.acknowledged, ledger.acknowledged)) {',
  },
  {
    name: 'Final forgotten by the source',
    file: source,
    find: "if (!event.final || next.phase === 'terminating' || next.phase === 'ended') return [next, effects];",
    replace: "if (!event.final || next.phase !== 'none') return [next, effects];",
  },
  {
    name: 'one refusal that nobody proved is believed',
    file: opening,
    find: 'return event.again && state.doubted === undefined',
    replace: 'return event.again && state.attempts === 0',
  },
  {
    name: 'a refusal that nobody proved is never believed',
    file: opening,
    find: 'return event.again && state.doubted === undefined',
    replace: 'return event.again && state.attempts > 0',
  },
  {
    name: 'Nack ignored',
    file: learning,
    find: 'missing.has(flight.number) && event.now - flight.last >= ledger.roundTrip.mean',
    replace: 'missing.has(-flight.number)',
  },
  {
    name: 'every Nack is followed at once',
    file: learning,
    find: 'missing.has(flight.number) && event.now - flight.last >= ledger.roundTrip.mean',
    replace: 'missing.has(flight.number)',
  },
  {
    name: 'acknowledgement settles a message that awaits its reply',
    file: learning,
    find: 'if (!includes(ledger.acknowledged, flight.number) || includes(ledger.awaiting, flight.number)) {',
    replace: 'if (!includes(ledger.acknowledged, flight.number)) {',
  },
  {
    name: 'retry limit ignored',
    file: dispatch,
    find: 'if (again && flight.attempts - flight.excused > policy.maxRetryCount) return',
    replace: 'if (again && flight.attempts > Number.MAX_SAFE_INTEGER) return',
  },
  {
    name: 'one retry less than allowed',
    file: dispatch,
    find: 'if (again && flight.attempts - flight.excused > policy.maxRetryCount) return',
    replace: 'if (again && flight.attempts - flight.excused >= policy.maxRetryCount) return',
  },
  {
    name: 'window ignored for new messages',
    file: dispatch,
    find: 'for (; underWay < room && sent < given.next - 1; underWay += 1) {',
    replace: 'for (; sent < given.next - 1; underWay += 1) {',
  },
  {
    name: 'window ignored for repeated messages',
    file: dispatch,
    find: 'underWay < window.size && flight.due <= event.now && !isHeldBack(given, flight)',
    replace: 'flight.due <= event.now && !isHeldBack(given, flight)',
  },
  {
    name: 'repeated before its time',
    file: dispatch,
    find: 'underWay < window.size && flight.due <= event.now && !isHeldBack(given, flight)',
    replace: 'underWay < window.size && !isHeldBack(given, flight)',
  },
  {
    name: 'room of the peer ignored',
    file: dispatch,
    find: 'Math.min(window.size, given.room ?? window.size)',
    replace: 'window.size',
  },
  {
    name: 'no room left at the peer is never probed',
    file: ledger,
    find: 'return ledger.flights.every((flight) => flight.taken || flight.refused);',
    replace: 'return false;',
  },
  {
    name: 'window not shrunk by a loss',
    file: dispatch,
    find: '? afterLoss(given, head) : given.window',
    replace: '? given.window : given.window',
  },
  {
    name: 'refused messages wait although their turn has come',
    file: learning,
    find: 'flights: hurries ? left.map((flight) => (flight.number < passed ? hurried(flight, event.now) : flight)) : left,',
    replace: 'flights: left,',
  },
  {
    name: 'what an answer that is to come may acknowledge is sent again',
    file: learning,
    find: 'coalesces && isPromised(ledger, left) ? highest(ledger.acknowledged)',
    replace: 'coalesces && left.length < 0 ? highest(ledger.acknowledged)',
  },
  {
    name: 'a peer that acknowledges for several is never asked',
    file: source,
    find: '    !isAnnounced(ledger) &&',
    replace: '    !ledger.coalesces &&',
  },
  {
    name: 'what a mute peer left out is not sent again',
    file: learning,
    find: 'if (!flight.taken || includes(ledger.acknowledged, flight.number)) return flight;',
    replace: 'if (flight.attempts >= 0) return flight;',
  },
  {
    name: 'one empty answer of a talking peer counts as taken',
    file: learning,
    find: 'return ledger.mute ? taken(ledger, event, ledger.told ? 2 : 1) : ledger;',
    replace: 'return taken(ledger, event, 1);',
  },
  {
    name: 'idle peer never asked for a sign of life',
    file: dispatch,
    find: 'if (oldest(ledger) !== undefined) return NEVER;',
    replace: 'if (ledger.flights.length >= 0) return NEVER;',
  },
  {
    name: 'silent peer given up too late',
    file: ledger,
    find: 'return later(ledger.heard, policy.inactivityTimeout);',
    replace: 'return later(ledger.heard, policy.inactivityTimeout * 3);',
  },
  {
    name: 'back-off not doubled',
    file: transmission,
    find: 'base * 2 ** (attempt - 1)',
    replace: 'base',
  },
  {
    name: 'back-off without ceiling',
    file: transmission,
    find: 'Math.min(base * 2 ** (attempt - 1), ceiling)',
    replace: 'base * 2 ** (attempt - 1)',
  },
  {
    name: 'back-off without jitter',
    file: transmission,
    find: '(1 + jitter / 4)',
    replace: '1',
  },
  {
    name: 'window grows beyond the setting',
    file: transmission,
    find: 'const size = Math.min(maximum, window.threshold + 1, window.size + acknowledged);',
    replace: 'const size = window.size + acknowledged;',
  },
  {
    name: 'window never grows',
    file: transmission,
    find: 'return size === window.size ? window : { ...window, size };',
    replace: 'return window;',
  },
  {
    name: 'round trip not learned',
    file: transmission,
    find: 'mean: before.mean + error / 8,',
    replace: 'mean: before.mean,',
  },
  {
    name: 'close before drained',
    file: source,
    find: 'return ledger.sent === ledger.next - 1 && oldest(ledger) === undefined;',
    replace: 'return ledger.sent === ledger.next - 1;',
  },
  {
    name: 'LastMsgNumber of CloseSequence wrong',
    file: sourceEnd,
    find: "const effect: SourceEffect = { effect: 'close', last: ledger.next - 1, attempt: 1 };",
    replace: "const effect: SourceEffect = { effect: 'close', last: ledger.next, attempt: 1 };",
  },
  {
    name: 'LastMsgNumber of TerminateSequence wrong',
    file: sourceEnd,
    find: "[{ effect: 'terminate', last: ledger.next - 1, attempt: 1 }]",
    replace: "[{ effect: 'terminate', last: ledger.next - 2, attempt: 1 }]",
  },
  {
    name: 'message number reused',
    file: source,
    find: '    next: number + 1,\n    awaiting:',
    replace: '    next: Math.min(number + 1, 2),\n    awaiting:',
  },
  {
    name: 'LastMessage takes the number of the last message',
    file: sourceEnd,
    find: 'const number = ledger.next;\n',
    replace: 'const number = ledger.next - 1;\n',
  },
  {
    name: 'numbers go on after the greatest',
    file: source,
    find: "number >= policy.lastNumber ? 'rollover' : 'created'",
    replace: "number > policy.lastNumber ? 'rollover' : 'created'",
  },
  {
    name: 'losses of CreateSequence count as a round trip',
    file: opening,
    find: 'return attempts === 1 ? now - first',
    replace: 'return attempts > 0 ? now - first',
  },
  {
    name: 'CreateSequence not repeated',
    file: source,
    find: 'return event.now < state.due ? [state, []] : asked(state, event, policy)',
    replace: 'return event.now < state.due ? [state, []] : [asked(state, event, policy)[0], []]',
  },
  {
    name: 'TerminateSequence not repeated',
    file: source,
    find: "[{ ...state, attempts: attempt, due }, [{ effect: 'terminate', last: state.ledger.next - 1, attempt }]]",
    replace: '[{ ...state, attempts: attempt, due }, []]',
  },
  {
    name: 'session closed early by the peer counts as completed',
    file: sourceEnd,
    find: 'const reason = lost || !asked ? closedEarly : completed;',
    replace: 'const reason = completed;',
  },
  {
    name: 'lost message reported as acknowledged',
    file: sourceEnd,
    find: "leftovers(state.ledger, final ? 'failed' : 'unknown')",
    replace: "leftovers(state.ledger, 'acknowledged')",
  },
  {
    name: 'message of unknown fate reported as failed',
    file: sourceEnd,
    find: "leftovers(state.ledger, final ? 'failed' : 'unknown')",
    replace: "leftovers(state.ledger, 'failed')",
  },
  {
    name: 'what was under way is forgotten by a restart',
    file: source,
    find: 'const flights = ledger.flights.map((flight) => ({ ...flight, ...again }));',
    replace: 'const flights = ledger.flights.slice(0, 0).map((flight) => ({ ...flight, ...again }));',
  },
  {
    name: 'a full window does not ask for an acknowledgement',
    file: dispatch,
    find: 'const isLast = underWay + 1 >= room || number === given.next - 1;',
    replace: 'const isLast = number === given.next - 1;',
  },
  {
    name: 'the source outlives its own sequence',
    file: source,
    find: 'if (expires !== undefined && event.now >= expires) return expired(state);',
    replace: 'if (expires !== undefined && event.now < 0) return expired(state);',
  },
  {
    name: 'a life longer than was asked for',
    file: 'reliable/settings.ts',
    find: 'Math.min(expires, life ?? expires)',
    replace: 'life ?? expires',
  },
  {
    name: 'a life that nobody asked for',
    file: 'reliable/settings.ts',
    find: 'return expires === undefined ? {} : { life: Math.min(expires, life ?? expires) };',
    replace: 'return life === undefined ? {} : { life: Math.min(expires ?? life, life) };',
  },
  {
    name: 'the peer is not told when retries are used up',
    file: sourceEnd,
    find: ': abort(state, { reason, tell: true });',
    replace: ': abort(state, { reason, tell: false });',
  },
];
