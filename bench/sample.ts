/** The sample message of the benches: a purchase order whose attributes are not in canonical order, always the same. */

const ADDRESSING = 'http://www.w3.org/2005/08/addressing';
const UTILITY = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

const HEAD = [
  `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"`,
  ` xmlns:a="${ADDRESSING}" xmlns:u="${UTILITY}"><s:Header>`,
  `<a:Action s:mustUnderstand="1" u:Id="action">http://example.org/orders/Place</a:Action>`,
  `<a:MessageID u:Id="id">urn:uuid:6f5e1c52-1d0a-4a1c-9a63-7f4f3c2b1a00</a:MessageID>`,
  `<a:ReplyTo u:Id="reply"><a:Address>${ADDRESSING}/anonymous</a:Address></a:ReplyTo>`,
  `<a:To s:mustUnderstand="1" u:Id="to">https://orders.example.org/soap</a:To>`,
  `</s:Header><s:Body u:Id="body"><po:PurchaseOrder xmlns:po="http://example.org/orders" number="4711" currency="EUR">`,
].join('');

const TAIL = '</po:PurchaseOrder></s:Body></s:Envelope>';

/** A SOAP message of about so many octets. */
export function sampleMessage(octets: number): Buffer {
  const lines: string[] = [];
  let length = HEAD.length + TAIL.length;
  for (let number = 1; ; number++) {
    const line = orderLine(number);
    if (length + line.length > octets) break;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(HEAD + lines.join('') + TAIL, 'utf8');
}

function orderLine(number: number): string {
  const price = (((number * 7919) % 100_000) / 100).toFixed(2);
  return [
    `<po:Line unit="piece" number="${number}" article="A-${10_000 + ((number * 37) % 9000)}">`,
    `<po:Description xml:lang="en">Hexagon screw no. ${number} &amp; washer</po:Description>`,
    `<po:Quantity>${(number % 12) + 1}</po:Quantity>`,
    `<po:Price tax="19" currency="EUR">${price}</po:Price></po:Line>`,
  ].join('');
}
