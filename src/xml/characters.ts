/** The character classes of XML 1.0 (fifth edition), as tables over octets and ranges over code points. */

/** NameStartChar above U+007F (production 4), as [first, last] pairs. */
const WIDE_NAME_START = [
  0xc0, 0xd6, 0xd8, 0xf6, 0xf8, 0x2ff, 0x370, 0x37d, 0x37f, 0x1fff, 0x200c, 0x200d, 0x2070, 0x218f, 0x2c00, 0x2fef,
  0x3001, 0xd7ff, 0xf900, 0xfdcf, 0xfdf0, 0xfffd, 0x10000, 0xeffff,
];
/** What NameChar (production 4a) adds above U+007F. */
const WIDE_NAME_MORE = [0xb7, 0xb7, 0x300, 0x36f, 0x203f, 0x2040];

function within(code: number, ranges: readonly number[]): boolean {
  for (let index = 0; index < ranges.length; index += 2) {
    if (code >= (ranges[index] ?? 0) && code <= (ranges[index + 1] ?? 0)) return true;
  }
  return false;
}

/** True when the code point above U+007F may start a name. */
export function isWideNameStart(code: number): boolean {
  return within(code, WIDE_NAME_START);
}

/** True when the code point above U+007F may stand in a name. */
export function isWideNameCharacter(code: number): boolean {
  return within(code, WIDE_NAME_START) || within(code, WIDE_NAME_MORE);
}

/** Char (production 2). */
export function isCharacter(code: number): boolean {
  return (
    (code >= 0x20 && code <= 0xd7ff) ||
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  );
}

function table(fill: (octet: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => fill(octet));
}

const LETTER = /[A-Za-z_]/;
const NAME = /[A-Za-z0-9_.-]/;

/** What an octet can do in a name: nothing, start it, only continue it, part prefix and local name, or be wide. */
export const NOT_NAME = 0;
export const NAME_START = 1;
const NAME_MORE = 2;
export const NAME_COLON = 3;
export const NAME_WIDE = 4;
export const nameClass: Uint8Array = table((octet) => {
  const character = String.fromCharCode(octet);
  if (octet >= 0x80) return NAME_WIDE;
  if (LETTER.test(character)) return NAME_START;
  if (NAME.test(character)) return NAME_MORE;
  return character === ':' ? NAME_COLON : NOT_NAME;
});

/** 1 where scanning character data must stop and look: controls, `<`, `&`, `>` and carriage return. */
export const textStop: Uint8Array = table((octet) =>
  (octet < 0x20 && octet !== 0x09 && octet !== 0x0a) || octet === 0x3c || octet === 0x26 || octet === 0x3e ? 1 : 0,
);

/** 1 where scanning an attribute value must stop and look: controls, white space but U+0020, `<`, `&` and quotes. */
export const valueStop: Uint8Array = table((octet) =>
  octet < 0x20 || octet === 0x3c || octet === 0x26 || octet === 0x22 || octet === 0x27 ? 1 : 0,
);

/** 1 for white space (production 3). */
export const space: Uint8Array = table((octet) =>
  octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d ? 1 : 0,
);

/**
 * What no character may be, halves of pairs aside, in sets of one row of the code table each: for such a set the engine looks in
 * many characters at once, and in long text that costs a fourth of looking at each.
 */
const FORBIDDEN: readonly RegExp[] = ['\0-\x08\x0b\x0c\x0e\x0f', '\x10-\x1f', '\ufffe\uffff'].map(
  (set) => new RegExp(`[${set}]`),
);
const CHARACTERS = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
const LONG = 128;
const ASCII_NCNAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** True when XML 1.0 can carry every character of `text`. */
export function isText(text: string): boolean {
  if (text.length < LONG) return CHARACTERS.test(text);
  return text.isWellFormed() && !FORBIDDEN.some((set) => set.test(text));
}

/** True when `name` is an NCName (Namespaces in XML 1.0, production 4). */
export function isNcName(name: string): boolean {
  if (ASCII_NCNAME.test(name)) return true;
  let first = true;
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    const kind = code < 0x80 ? nameClass[code] : NAME_WIDE;
    const allowed =
      kind === NAME_WIDE
        ? (first ? isWideNameStart : isWideNameCharacter)(code)
        : kind === NAME_START || (kind === NAME_MORE && !first);
    if (!allowed) return false;
    first = false;
  }
  return !first;
}
