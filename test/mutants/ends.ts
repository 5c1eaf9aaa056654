/** Mutants of the ends: what is durable when, who is believed, and what is read and written. */
import type { Mutant } from './mutant.ts';

const accepted = 'reliable/accepted.ts';
const registry = 'reliable/registry.ts';
const interpret = 'reliable/interpret.ts';
const headers = 'reliable/headers.ts';
const keeper = 'reliable/keeper.ts';

export const endMutants: readonly Mutant[] = [
  {
    name: 'nobody carries the acknowledgement of a turn',
    file: 'reliable/coalescing.ts',
    find: 'const last = waiting.pop();',
    replace: 'const last = undefined as Coalesced | undefined;',
  },
  {
    name: 'answers of a turn go one by one, and wake their client for each',
    file: 'reliable/coalescing.ts',
    find: 'if (this.#waiting.push(waiting) === 1) turn.atEnd(this.#end);',
    replace:
      'this.#waiting.pop()?.resolve(undefined);\n    if (this.#waiting.push(waiting) === 1) turn.atEnd(this.#end);',
  },
  {
    name: 'an empty answer is looked at before its turn is over',
    file: 'reliable/silences.ts',
    find: 'else if (this.#numbers.push(number) === 1) turn.atEnd(this.#end);',
    replace: 'else this.#refused(number);',
  },
  {
    name: 'a copy waits for the end of the turn and may go empty',
    file: accepted,
    find: "return { answer: this.#steps.parking.has(number) ? 'wait' : 'acknowledgement' };",
    replace: "return { answer: this.#steps.parking.has(number) ? 'wait' : 'accepted' };",
  },
  {
    name: 'acknowledged before it is in the store',
    file: 'reliable/accepted-steps.ts',
    find: 'return this.#journal.commit({ state: recordWith(this.#record, receipt, replies), ...change });',
    replace:
      'this.#journal.commit({ state: recordWith(this.#record, receipt, replies), ...change })?.catch(() => 0);\n    return undefined;',
  },
  {
    name: 'reply made anew for a repeated request',
    file: accepted,
    find: 'if (again !== undefined) return { again };',
    replace: '',
  },
  {
    name: 'replies kept although acknowledged',
    file: 'reliable/answers.ts',
    find: 'const answers = record.answers.filter(({ reply }) => !settled.includes(reply));',
    replace: 'const answers = record.answers;',
  },
  {
    name: 'copies of a request wait without limit',
    file: 'reliable/parking.ts',
    find: 'const maxParked = 4;',
    replace: 'const maxParked = 4_000;',
  },
  {
    name: 'sent before it is in the store',
    file: keeper,
    find: 'await this.#journal.commit({ state: this.#record, ...change });',
    replace: 'void this.#journal.commit({ state: this.#record, ...change });',
  },
  {
    name: 'what is acknowledged is not stored',
    file: 'reliable/source-state.ts',
    find: '    before.acknowledged === after.acknowledged &&\n',
    replace: '',
  },
  {
    name: 'number used again after a crash',
    file: 'reliable/source-state.ts',
    find: '    before.next === after.next &&\n    before.sent === after.sent &&\n',
    replace: '',
  },
  {
    name: 'repeated under a new number',
    file: 'reliable/exchanges.ts',
    find: 'if (trip !== undefined) return this.#sequenced(trip, number, asks);',
    replace: 'if (trip !== undefined) return this.#sequenced(trip, number + attempt - 1, asks);',
  },
  {
    name: 'offered sequence not used for replies',
    file: 'reliable/wording.ts',
    find: '        : [sequenceHeader(this.#version, reply.version, { id: this.#offer, number: answer.reply, last })];',
    replace: '        : [];',
  },
  {
    name: 'reply numbered as its request',
    file: 'reliable/wording.ts',
    find: 'number: answer.reply, last',
    replace: 'number: answer.request, last',
  },
  {
    name: 'a label is open twice',
    file: keeper,
    find: 'if (this.#inUse.has(claim)) {',
    replace: "if (this.#inUse.has('')) {",
  },
  {
    name: 'identity check skipped at the acceptor',
    file: registry,
    find: 'if (found === undefined || identities.includes(found.peer)) return found;',
    replace: 'if (found === undefined || identities.length > 0) return found;',
  },
  {
    name: 'repeated CreateSequence makes another session',
    file: registry,
    find: 'if (known !== undefined) return known;',
    replace: '',
  },
  {
    name: 'sessions without limit',
    file: registry,
    find: 'this.#live >= maxSessions ||',
    replace: '',
  },
  {
    name: 'sessions of one identity without limit',
    file: registry,
    find: '(this.#living.get(identity) ?? 0) >= maxSessionsPerIdentity',
    replace: 'this.#live < 0',
  },
  {
    name: 'pending sessions without limit',
    file: registry,
    find: 'this.#pending >= maxPendingChannels ||',
    replace: '',
  },
  {
    name: 'acknowledgements to any address',
    file: registry,
    find: 'if (elsewhere) {',
    replace: 'if (elsewhere && identity === undefined) {',
  },
  {
    name: 'answers of anybody are believed',
    file: interpret,
    find: 'if (peer !== null && peer !== identityOf(answer)) {',
    replace: "if (peer !== null && identityOf(answer) === '') {",
  },
  {
    name: 'reply to another request is taken',
    file: interpret,
    find: 'if (known.messageId !== undefined && relatesTo !== undefined && relatesTo !== known.messageId) {',
    replace: "if (known.messageId === '') {",
  },
  {
    name: 'acknowledgement of another sequence is taken',
    file: interpret,
    find: 'if (id !== known.id) continue;',
    replace: '',
  },
  {
    name: 'fault about another sequence ends this one',
    file: interpret,
    find: 'if (identifier !== undefined && identifier !== known.id && identifier !== known.record.offer) {',
    replace: "if (identifier === '') {",
  },
  {
    name: 'a copy of an earlier reply settles its request',
    file: interpret,
    find: "if (sequenced.reply?.isNew === false) return { kind: 'heard', source: events, ...sequenced };",
    replace: '',
  },
  {
    name: 'which of two Sequence blocks counts is guessed',
    file: headers,
    find: "if (sequence !== undefined) throw malformed('The message has two Sequence header blocks.');",
    replace: '',
  },
  {
    name: 'which of two acknowledgements counts is guessed',
    file: headers,
    find: '  if (acknowledgements.length > 1) requireOneEach(acknowledgements);\n',
    replace: '',
  },
  {
    name: 'blocks of two versions are mixed',
    file: headers,
    find: 'if (version !== undefined && version !== its) {',
    replace: "if (version !== undefined && version.namespace === '') {",
  },
  {
    name: 'message number 0 is taken',
    file: headers,
    find: 'if (number === undefined || number === 0) {',
    replace: 'if (number === undefined) {',
  },
  {
    name: 'message numbers beyond 2^63 are cut',
    file: headers,
    find: "if (BigInt(text) > 2n ** 63n - 1n) return 'beyond';",
    replace: '',
  },
  {
    name: 'ranges read without limit',
    file: headers,
    find: 'if (read.length > maxRangesRead || refused.length > maxRangesRead) {',
    replace: 'if (read.length < 0) {',
  },
  {
    name: 'Final not written',
    file: headers,
    find: 'if (block.final && version.final) text',
    replace: "if (block.id === '') text",
  },
  {
    name: 'empty acknowledgement of 200702 without None',
    file: headers,
    find: "if (empty && version.emptyAcknowledgement === 'none') text",
    replace: "if (block.id === '') text",
  },
  {
    name: 'the final word about replies is not final',
    file: 'reliable/composer.ts',
    find: 'const final = closing && version.final;',
    replace: 'const final = closing && version.final && replies.received.length < 0;',
  },
  {
    name: 'close does not wait for what was sent before it',
    file: 'channel/entering.ts',
    find: 'if (this.#all.size > 0) await',
    replace: 'if (this.#all.size < 0) await',
  },
  {
    name: 'what is sent after close is taken',
    file: 'reliable/initiator.ts',
    find: 'if (this.#isClosing && !this.#isOver)',
    replace: 'if (this.#isClosing && this.#isOver && this.#isFree)',
  },
  {
    name: 'a longer life is granted than the limit allows',
    file: 'reliable/registry.ts',
    find: 'Math.min(asked, longest)',
    replace: 'asked',
  },
  {
    name: 'whoever sends is told that there is no room',
    file: 'reliable/wording.ts',
    find: 'ranges?: Ranges, least = 1)',
    replace: 'ranges?: Ranges, least = 0)',
  },
  {
    name: 'the refusal of a copy is the last word',
    file: 'reliable/asking.ts',
    find: 'return this.#open > 1;',
    replace: 'return this.#open > 2;',
  },
  {
    name: 'CreateSequence is repeated while it is open',
    file: 'reliable/asking.ts',
    find: 'now() < later(this.#last, this.#patience)',
    replace: 'now() < later(this.#last, 0)',
  },
  {
    name: 'a refusal that was held is forgotten',
    file: 'reliable/asking.ts',
    find: 'const next = this.#held ?? this.#postponed;',
    replace: 'const next = this.#postponed;',
  },
  {
    name: 'the last reply is marked although others follow',
    file: 'reliable/answers.ts',
    find: 'last === number && held.length === 1 && count(received) === number',
    replace: 'last === number && count(received) >= 0 && held.length > 0',
  },
  {
    name: 'the life of the offered sequence is not looked at',
    file: 'reliable/registry.ts',
    find: 'Math.min(life ?? Number.POSITIVE_INFINITY, offered ?? Number.POSITIVE_INFINITY)',
    replace: 'Math.max(life ?? Number.POSITIVE_INFINITY, Math.min(offered ?? 0, 0))',
  },
  {
    name: 'handed up before its turn though its turn would come',
    file: 'reliable/duplex/standstill.ts',
    find: 'for (const { waits } of this.#handlers.values()) if (waits === 0) return false;',
    replace: '',
  },
  {
    name: 'a call back is refused though a turn would come',
    file: 'reliable/duplex/standstill.ts',
    find: 'if (handling.behind?.() === false) return true;',
    replace: '',
  },
  {
    name: 'a standstill lasts for ever',
    file: 'reliable/duplex/standstill.ts',
    find: 'this.#isReentrant = this.#my.next();',
    replace: 'this.#isReentrant = true;',
  },
  {
    name: 'a page of HTML ends a session that lives',
    file: 'reliable/exchanges.ts',
    find: "known?.transient !== true && (known?.refusal !== true || about.kind === 'create')",
    replace: 'known?.transient !== true',
  },
  {
    name: 'a security fault is the reply',
    file: 'reliable/interpret.ts',
    find: "if (fault.subcode?.namespace.includes('wssecurity-secext') === true) return false;",
    replace: '',
  },
  {
    name: 'InvalidAcknowledgement without its detail',
    file: 'reliable/faults.ts',
    find: 'const refused = acknowledgement ?? empty;',
    replace: 'const refused = acknowledgement === undefined ? undefined : empty;',
  },
];
