/** The demo's documents: distinct, realistic in size, the same for the same seed, and the committed ones are of their kind. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ordersNamespace, purchaseOrder } from '../../src/cli/orders/order.ts';
import { scan } from '../../src/xml/scan.ts';

const numbers = Array.from({ length: 500 }, (_, at) => at + 1);
const folder = resolve(import.meta.dirname, '../../examples/orders');

test('500 orders are 500 different well-formed documents of 1 to 100 KB, as many below 10 KB as above', () => {
  const documents = numbers.map((number) => Buffer.from(purchaseOrder(number, 7)));
  for (const document of documents) {
    expect(scan(document).root.is(ordersNamespace, 'Order')).toBe(true);
    expect(document.length).toBeGreaterThanOrEqual(1_024);
    expect(document.length).toBeLessThanOrEqual(102_400);
  }
  expect(new Set(documents.map((document) => document.toString())).size).toBe(500);
  const small = documents.filter((document) => document.length < 10_240).length;
  expect(small).toBeGreaterThan(200);
  expect(small).toBeLessThan(300);
});

test('the same number and seed give the same order, another seed another', () => {
  expect(purchaseOrder(12, 3)).toBe(purchaseOrder(12, 3));
  expect(purchaseOrder(12, 3)).not.toBe(purchaseOrder(12, 4));
});

test('the totals of an order are the sum of its lines', () => {
  const { root } = scan(Buffer.from(purchaseOrder(5, 1)));
  const cents = (text: string): number => Math.round(Number(text) * 100);
  const named = (name: string): string[] =>
    root.children.flatMap((part) => part.children).flatMap((part) => (part.local === name ? [part.text] : []));
  const net = named('Amount').reduce((sum, amount) => sum + cents(amount), 0);
  expect(named('Net').map(cents)).toEqual([net]);
  expect(named('Payable').map(cents)).toEqual([net + Math.round(net * 0.2)]);
});

test('the orders in examples/orders are those of seed 1', () => {
  const files = readdirSync(folder).sort();
  expect(files.length).toBeGreaterThanOrEqual(6);
  files.forEach((name, at) => {
    expect(name).toBe(`PO-2026-${String(at + 1).padStart(6, '0')}.xml`);
    expect(readFileSync(resolve(folder, name), 'utf8')).toBe(purchaseOrder(at + 1, 1));
  });
});
