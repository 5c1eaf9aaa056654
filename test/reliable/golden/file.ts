/** A golden transcript as a file: every envelope in one line, octet for octet as it goes over the wire, under its name. */
import type { Combination } from './scene.ts';

export function fileName({ version, soap, wsa }: Combination): string {
  const plain = (name: string) => name.replace(/\W/g, '');
  return `rm${plain(version.name)}-soap${plain(soap.name)}-wsa${plain(wsa.name)}.xml`;
}

export function written(messages: ReadonlyMap<string, string>): string {
  const parts = [...messages].map(([name, envelope]) => `<message name="${name}">\n${envelope}\n</message>\n`);
  return `<transcript>\n${parts.join('')}</transcript>\n`;
}

export function read(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(/^<message name="([^"]*)">\n(.*)\n<\/message>$/gm);
  return new Map([...found].map(([, name = '', envelope = '']) => [name, envelope]));
}
