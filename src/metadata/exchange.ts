/**
 * WS-MetadataExchange (2004/09): the metadata of an endpoint by message, as WCF's mexHttpBinding and Metro ask for it: Get of
 * WS-Transfer, and GetMetadata.
 */
import type { Carry } from '../channel/delivery.ts';
import { addressingOf, isAnonymous, replyAddressing, requireMessageId, withAddressing } from '../soap/addressing.ts';
import { addressingError } from '../soap/addressing-faults.ts';
import { addressing200508 } from '../soap/addressing-versions.ts';
import { message, payload, requireUnderstood } from '../soap/envelope.ts';
import { SoapError } from '../soap/errors.ts';
import { faultReply } from '../soap/fault.ts';
import { child, simpleText } from '../xml/find.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { wsdl } from './namespaces.ts';

const mex = 'http://schemas.xmlsoap.org/ws/2004/09/mex';
const transfer = 'http://schemas.xmlsoap.org/ws/2004/09/transfer';

/** Action of the request, and of its answer. */
const actions: ReadonlyMap<string, string> = new Map([
  [`${transfer}/Get`, `${transfer}/GetResponse`],
  [`${mex}/GetMetadata/Request`, `${mex}/GetMetadata/Response`],
]);

/**
 * An up-arrow that answers with the document, in the SOAP and addressing versions of the question.
 *
 * @param identifier what the metadata is about: the target namespace of the document
 */
export function metadataExchange(document: XmlFragment, identifier: string): Carry {
  return async (trip) => {
    const asked = trip.message;
    try {
      requireUnderstood(asked);
      const addressing = addressingOf(asked);
      if (addressing === undefined) {
        throw addressingError(addressing200508, 'headerRequired', 'A question about metadata has WS-Addressing.', {
          header: 'Action',
        });
      }
      const action = actions.get(asked.action);
      if (action === undefined) {
        throw addressingError(addressing.version, 'actionNotSupported', 'Only metadata is told here.', {});
      }
      requireMessageId(addressing);
      if (!isAnonymous(addressing.version, addressing.replyTo)) {
        throw addressingError(addressing.version, 'invalidHeader', 'Metadata is told on the same connection only.', {
          problem: 'OnlyAnonymousAddressSupported',
          header: 'ReplyTo',
        });
      }
      const isWanted = wants(asked.action.startsWith(mex) ? payload(asked) : undefined, identifier);
      const writer = new XmlWriter().start(mex, 'Metadata', 'mex');
      if (isWanted) {
        writer
          .start(mex, 'MetadataSection', 'mex')
          .attribute('', 'Dialect', wsdl)
          .attribute('', 'Identifier', identifier)
          .fragment(document)
          .end();
      }
      const reply = message({ version: asked.version, action, body: [writer.end().finish()] });
      return trip.carrying(withAddressing(reply, replyAddressing(addressing, action)));
    } catch (thrown) {
      if (!(thrown instanceof SoapError) || thrown.fault === undefined) throw thrown;
      return trip.carrying(faultReply(asked, thrown.fault));
    }
  };
}

/** Whether a GetMetadata asks for what there is: the WSDL of this namespace. */
function wants(question: ReturnType<typeof payload>, identifier: string): boolean {
  if (question === undefined) return true;
  const dialect = child(question, mex, 'Dialect');
  const about = child(question, mex, 'Identifier');
  if (dialect !== undefined && simpleText(dialect) !== wsdl) return false;
  return about === undefined || simpleText(about) === identifier;
}
