/** Traces of gSOAP's wsrmapi (shared vectors): every message is read, and synchronous sessions drive both ends. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { readCreateSequence, readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { readHeaders, withoutReliableHeaders } from '../../src/reliable/headers.ts';
import { versionOf } from '../../src/reliable/versions/table.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressingOf } from '../../src/soap/addressing.ts';
import { payload } from '../../src/soap/envelope.ts';
import { FaultError, faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { acceptorEnd, initiatorEnd, saying } from './ends.ts';
import { until } from './peers.ts';
import { gsoapTrace, gsoapTraces, hasGsoapTraces, withoutData } from './recorded.ts';

interface Case {
  readonly id: string;
  readonly file: string;
  readonly action: string;
  readonly bodyElement: string | null;
  readonly messageNumber: readonly string[];
  readonly ackRanges: readonly string[];
}

const cases: readonly Case[] = hasGsoapTraces
  ? (JSON.parse(readFileSync(resolve(gsoapTraces, 'MANIFEST.json'), 'utf8')) as { cases: Case[] }).cases
  : [];
const traces = hasGsoapTraces ? readdirSync(gsoapTraces).filter((name) => /^1[01]-/.test(name)) : [];

describe.skipIf(!hasGsoapTraces)(`messages of gSOAP ${hasGsoapTraces ? '' : withoutData}`, () => {
  test.each(cases)(
    '$id: numbers and ranges are those of the manifest',
    ({ file, messageNumber, ackRanges, action }) => {
      const [folder = '', name = ''] = file.split('/');
      const found = gsoapTrace(folder).find((step) => step.file === name);
      expect(found, file).toBeDefined();
      const of = found?.message ?? saying('');
      expect(of.action).toBe(action);
      const headers = readHeaders(of);
      expect(headers?.sequence === undefined ? [] : [String(headers.sequence.number)]).toEqual(messageNumber);
      const ranges = headers?.acknowledgements.flatMap((one) => one.ranges) ?? [];
      expect(ranges.map(({ lower, upper }) => `Upper="${upper}" Lower="${lower}"`)).toEqual(ackRanges);
    },
  );

  test.each(traces)('%s: bodies about sequences and faults are read', (name) => {
    for (const { message } of gsoapTrace(name)) {
      const version = versionOf(message.action.slice(0, message.action.lastIndexOf('/')));
      if (version !== undefined && message.action === version.actions.createSequence) {
        expect(readCreateSequence(version, message).acksTo.address).not.toBe('');
      }
      if (faultOf(message) !== undefined) readReliableFault(message);
    }
  });
});

const numberOf = (of: Message | undefined) => (of === undefined ? undefined : readHeaders(of)?.sequence?.number);

describe.skipIf(!hasGsoapTraces)(
  `a gSOAP client's session against a surewire acceptor ${hasGsoapTraces ? '' : withoutData}`,
  () => {
    test.each(['11-hello', '11-fault', '10-hello', '10-fault'])('%s', async (name) => {
      const version = name.startsWith('11') ? reliable200702 : reliable200502;
      const steps = gsoapTrace(name);
      const create = steps.find(({ message }) => message.action === version.actions.createSequenceResponse);
      const { id } = readCreateSequenceResponse(version, create?.message ?? saying(''));
      const done: string[] = [];
      const end = acceptorEnd(
        {
          clock: new VirtualClock(),
          random: seededRandom(4),
          newIdentifier: (use) => (use === 'sequence' ? id : 'urn:uuid:x'),
        },
        async (trip) => {
          const said = payload(trip.message)?.text ?? payload(trip.message)?.children[0]?.text ?? '';
          const text = said.trim() === '' ? (payload(trip.message)?.children[0]?.text ?? '') : said;
          done.push(text);
          if (text === 'fault') throw new FaultError({ code: 'sender', reason: 'asked for' });
          return trip.carrying(saying(text, trip.message.version, 'urn:wsrmdemo/wsrmdemoPort/wsrmdemoResponse'));
        },
      );
      let replies = 0;
      for (const { file, message } of steps) {
        if (!file.includes('request')) continue;
        const answer = await end.ask(message);
        expect(answer, file).toBeDefined();
        const { actions } = version;
        const sequence = readHeaders(message)?.sequence;
        if (sequence !== undefined) {
          expect(readHeaders(answer ?? saying(''))?.acknowledgements[0]?.ranges).toEqual([
            { lower: 1, upper: sequence.number },
          ]);
          replies += 1;
          expect(numberOf(answer)).toBe(replies);
        } else if (message.action === actions.createSequence) {
          expect(readCreateSequenceResponse(version, answer ?? saying('')).expires).toBe('PT00H00M30S');
        } else if (message.action === actions.closeSequence || message.action === actions.terminateSequence) {
          expect(readReliableFault(answer ?? saying(''))).toBeUndefined();
          expect(readHeaders(answer ?? saying(''))?.acknowledgements[0]?.final).toBe(version.final);
        }
      }
      expect(done.slice(0, 2)).toEqual(['First Message', 'Second Message']);
      expect(done).toHaveLength(3);
    });
  },
);

describe.skipIf(!hasGsoapTraces)(
  `a gSOAP server's answers to a surewire initiator ${hasGsoapTraces ? '' : withoutData}`,
  () => {
    test.each(['11-hello', '11-fault', '10-hello'])('%s', async (name) => {
      const version = name.startsWith('11') ? reliable200702 : reliable200502;
      const steps = gsoapTrace(name);
      const requests = steps.filter(({ file }) => file.includes('request')).map(({ message }) => message);
      const responses = steps.filter(({ file }) => file.includes('response')).map(({ message }) => message);
      const offer = readCreateSequence(version, requests[0] ?? saying('')).offer?.id ?? '';
      const protocolIds = requests
        .filter(({ action }) => /(Close|Terminate)Sequence$/.test(action))
        .flatMap((of) => addressingOf(of)?.messageId ?? []);
      const clock = new VirtualClock();
      let created = false;
      const channel = initiatorEnd(
        {
          version,
          clock,
          random: seededRandom(4),
          to: new URL('http://localhost:18000/'),
          newIdentifier: (use) => {
            if (use === 'offer') return offer;
            if (created) return protocolIds.shift() ?? '';
            created = true;
            return 'urn:uuid:create';
          },
        },
        // gSOAP's server answers LastMessage with 202: there is no response in the trace.
        async (request) => (request.action === version.actions.lastMessage ? undefined : responses.shift()),
      );
      const calls = requests.filter((of) => {
        const sequence = readHeaders(of)?.sequence;
        return sequence !== undefined && !sequence.last;
      });
      const replies: Message[] = [];
      for (const call of calls) {
        const reply = await until(clock, channel.send(delivery(withoutReliableHeaders(call))));
        replies.push(reply?.message ?? saying(''));
      }
      expect(replies).toHaveLength(3);
      expect(faultOf(replies[2] ?? saying('')) !== undefined).toBe(name.endsWith('fault'));
      if (version === reliable200702) {
        await until(clock, channel.close());
        expect(await channel.closed).toBeUndefined();
      }
    });
  },
);
