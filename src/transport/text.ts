/** Words of others in our sentences: short, printable, without secrets. */

const LONGEST_EXCERPT = 160;

/** One printable line of at most 160 characters from text that somebody else wrote. */
export function printable(text: string): string {
  const line = text
    .slice(0, LONGEST_EXCERPT * 20)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return line.length > LONGEST_EXCERPT ? `${line.slice(0, LONGEST_EXCERPT)}…` : line;
}

/** What a person would read of a plain text or HTML page. */
export function excerpt(body: Uint8Array): string {
  const page = Buffer.from(body.subarray(0, LONGEST_EXCERPT * 20)).toString('utf8');
  return printable(page.replace(/<(script|style)\b.*?<\/\1\s*>/gis, ' ').replace(/<[^>]*>/g, ' '));
}
