/**
 * Invented purchase orders that look like real ones: no two alike, 1 to 100 KB with as many small as large ones on a
 * logarithmic scale, and the same seed gives the same orders.
 */
import { type Random, seededRandom } from '../../base/random.ts';
import { type Company, companies, contacts, notes, products } from './catalogue.ts';

/** Namespace of the order documents. */
export const ordersNamespace = 'urn:example:orders';

/** Smallest and largest size aimed at, in octets. */
const SMALLEST = 1_100;
const LARGEST = 99_000;
const DAY = 86_400_000;

/**
 * @param number which order, from 1; it is in the order's number, so that no two orders are alike
 * @param seed the same number and seed give the same document
 * @returns a well-formed XML document of 1 to 100 KB, with line feeds and indentation for people
 */
export function purchaseOrder(number: number, seed: number): string {
  const random = seededRandom(seed * 100_003 + number);
  const aim = SMALLEST * (LARGEST / SMALLEST) ** random.fraction();
  const issued = Date.UTC(2026, 0, 5) + number * 6 * 3_600_000;
  const buyer = pick(companies, random);
  const seller = pick(
    companies.filter((company) => company !== buyer),
    random,
  );
  const head = [
    `<Order xmlns="${ordersNamespace}" number="PO-2026-${String(number).padStart(6, '0')}">`,
    `  <Issued>${day(issued)}</Issued>`,
    '  <Currency>EUR</Currency>',
    party('Buyer', buyer, pick(contacts, random)),
    party('Seller', seller, pick(contacts, random)),
    `  <Delivery><Date>${day(issued + whole(random, 5, 60) * DAY)}</Date><Terms>DAP ${buyer.city}</Terms></Delivery>`,
  ];
  const lines: string[] = [];
  let net = 0;
  let size = Buffer.byteLength(head.join('\n')) + 160;
  do {
    const { text, cents } = orderLine(lines.length + 1, random);
    lines.push(text);
    net += cents;
    size += Buffer.byteLength(text) + 1;
  } while (size < aim);
  const tax = Math.round(net * 0.2);
  const totals = `  <Totals><Net>${money(net)}</Net><Tax rate="20">${money(tax)}</Tax><Payable>${money(net + tax)}</Payable></Totals>`;
  return [...head, ...lines, totals, '</Order>', ''].join('\n');
}

function orderLine(number: number, random: Random): { readonly text: string; readonly cents: number } {
  const product = pick(products, random);
  const quantity = whole(random, 1, 240);
  const cents = quantity * product.cents;
  const note = random.fraction() < 0.3 ? [`    <Note>${pick(notes, random)}</Note>`] : [];
  const text = [
    `  <Line number="${number}">`,
    `    <Item sku="${product.sku}"><Name>${product.name}</Name><Description>${product.description}</Description></Item>`,
    `    <Quantity unit="${product.unit}">${quantity}</Quantity>`,
    `    <Price>${money(product.cents)}</Price>`,
    `    <Amount>${money(cents)}</Amount>`,
    ...note,
    '  </Line>',
  ].join('\n');
  return { text, cents };
}

function party(role: string, { name, street, city, postcode, country, vat }: Company, contact: string): string {
  return [
    `  <${role}><Name>${name}</Name><VatId>${vat}</VatId>`,
    `    <Address><Street>${street}</Street><City>${city}</City><Postcode>${postcode}</Postcode><Country>${country}</Country></Address>`,
    `    <Contact>${contact}</Contact></${role}>`,
  ].join('\n');
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random.fraction() * from.length)] as T;
}

function whole(random: Random, least: number, most: number): number {
  return least + Math.floor(random.fraction() * (most - least + 1));
}

function day(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

function money(cents: number): string {
  return (cents / 100).toFixed(2);
}
