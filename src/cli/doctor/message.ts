/** A message in a file: its versions, its sequence, and a fault in plain words. */
import { factsOf } from '../../audit/transcript/facts.ts';
import { asError } from '../../base/errors.ts';
import { readEnvelope } from '../../soap/envelope.ts';
import { scan } from '../../xml/scan.ts';
import { adviceFor } from './faults.ts';
import { type Diagnosis, ill, unknown, warning, well } from './finding.ts';

export function diagnoseMessage(octets: Uint8Array): readonly Diagnosis[] {
  let facts: ReturnType<typeof factsOf>;
  try {
    facts = factsOf(readEnvelope(scan(octets)));
  } catch (thrown) {
    return [
      unknown(
        'XML',
        `It is no SOAP message: ${asError(thrown).message}`,
        'Give the envelope alone, without HTTP headers.',
      ),
    ];
  }
  const found = [well('SOAP', `version ${facts.soap}, action ${facts.action === '' ? 'none' : facts.action}`)];
  if (facts.reliable !== undefined) {
    const names: Readonly<Record<string, string>> = { '200502': '1.0', '200702': '1.1' };
    const { sequence } = facts;
    const place = sequence === undefined ? '' : `, message ${sequence.number} of ${sequence.id}`;
    found.push(well('WS-ReliableMessaging', `${names[facts.reliable] ?? facts.reliable}${place}`));
  }
  if (facts.malformed !== undefined) {
    found.push(ill('headers', facts.malformed, 'Look at the headers of addressing and WS-ReliableMessaging.'));
  }
  if (facts.fault !== undefined) {
    const { code, reason } = facts.fault;
    const advice = adviceFor(code, reason);
    found.push(
      advice === undefined
        ? warning('fault', `${code}: ${reason}`, 'It is the application that says so; ask whoever wrote the service.')
        : ill('fault', `${code}: ${reason}. ${advice.means}`, advice.next),
    );
  }
  return found;
}
