/** `surewire inspect message`: what a SOAP message says of itself, and what its signatures refer to. Nothing is verified. */
import type { Command } from 'commander';
import { paintOf } from '../../../audit/report/coverage.ts';
import { type Facts, factsOf } from '../../../audit/transcript/facts.ts';
import { readEnvelope } from '../../../soap/envelope.ts';
import { scan } from '../../../xml/scan.ts';
import type { Ground } from '../../ground.ts';
import { contents } from '../../identity.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../../options.ts';
import { table } from '../../output.ts';

export function inspectMessageCommand(inspect: Command, ground: Ground): void {
  const command = inspect
    .command('message')
    .summary('a SOAP message')
    .description(
      'Says what a SOAP message says of itself: addressing, sequence, acknowledgements, and which elements its signatures refer to. ' +
        'Nothing of it is verified: `surewire verify` does that.',
    )
    .argument('<file...>', 'envelopes, without HTTP headers')
    .action(async (files: readonly string[], options: CommonOptions) => {
      const said = ground.output(options);
      for (const file of files) {
        const octets = await contents(file);
        const facts = factsOf(readEnvelope(scan(octets)));
        const text = octets.toString('utf8').replace(/^\uFEFF/, '');
        const parts = (kind: 'signed' | 'encrypted'): readonly string[] =>
          paintOf(octets)
            .filter(([, , what]) => what === kind)
            .map(([from]) => /^<([^\s/>]+)/.exec(text.slice(from, from + 200))?.[1] ?? '?');
        const seen = { file, ...facts, signed: parts('signed'), encrypted: parts('encrypted') };
        said.record(seen);
        said.line(file);
        said.line(
          table([
            ...words(facts),
            ['signatures refer to', seen.signed.join(', ') || 'nothing'],
            ['encrypted', seen.encrypted.join(', ') || 'nothing'],
          ]),
        );
        said.line();
      }
    });
  withExamples(withCommonOptions(command), [
    ['surewire inspect message request.xml', 'Who says what to whom, in which sequence'],
  ]);
}

function words(facts: Facts): readonly (readonly [string, string])[] {
  const { sequence, acknowledgements, control, fault } = facts;
  const acks = acknowledgements?.map(
    ({ id, ranges, final }) =>
      `${ranges.map(([lower, upper]) => (lower === upper ? `${lower}` : `${lower}-${upper}`)).join(', ') || 'none'}${final ? ', final' : ''} of ${id}`,
  );
  const all: readonly (readonly [string, string | undefined])[] = [
    ['SOAP', facts.soap],
    ['action', facts.action],
    ['MessageID', facts.messageId],
    ['RelatesTo', facts.relatesTo],
    ['To', facts.to],
    ['payload', facts.payload],
    ['WS-RM', facts.reliable],
    ['message', sequence && `${sequence.number} of ${sequence.id}${sequence.last ? ', the last' : ''}`],
    ['acknowledges', acks?.join('; ')],
    ['session', control && ('id' in control ? `${control.kind} ${control.id}` : control.kind)],
    ['fault', fault && `${fault.code}: ${fault.reason}`],
    ['malformed', facts.malformed],
  ];
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}
