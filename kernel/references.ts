/** References to characters, as in values.ts and scan.ts. */
import { OCTETS } from '../src/xml/kernel-memory.ts';
import { NO } from './draft.ts';
import { octetAt } from './octets.ts';

/** The octet behind a reference; as `reference` in values.ts. */
export function reference(start: i32): i32 {
  // Four octets behind the `&`, in the order of memory.
  const word = load<i32>(start + 1, OCTETS);
  if ((word & 0xffffff) == 0x3b746c || (word & 0xffffff) == 0x3b7467) return start + 4;
  if (word == 0x3b706d61) return start + 5;
  if ((word == 0x746f7571 || word == 0x736f7061) && octetAt(start + 5) == 0x3b) return start + 6;
  if ((word & 0xff) != 0x23) return NO;
  const hexadecimal = octetAt(start + 2) == 0x78;
  let at = start + (hexadecimal ? 3 : 2);
  const digits = at;
  let code = 0;
  for (;;) {
    const octet = octetAt(at);
    let digit = -1;
    if (octet >= 0x30 && octet <= 0x39) digit = octet - 0x30;
    else if (hexadecimal && octet >= 0x41 && octet <= 0x46) digit = octet - 0x37;
    else if (hexadecimal && octet >= 0x61 && octet <= 0x66) digit = octet - 0x57;
    if (digit < 0) break;
    code = min(code * (hexadecimal ? 16 : 10) + digit, 0x110000);
    at++;
  }
  if (at == digits || octetAt(at) != 0x3b) return NO;
  const isCharacter =
    (code >= 0x20 && code <= 0xd7ff) ||
    code == 0x09 ||
    code == 0x0a ||
    code == 0x0d ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff);
  return isCharacter ? at + 1 : NO;
}

/** As in scan.ts: `&amp;`, `&lt;`, in text `&gt;`, in values `&quot;`, and the white space that is written as a reference. */
export function isCanonicalReference(start: i32, behind: i32, inValue: bool): bool {
  const count = behind - start;
  const first = octetAt(start + 1);
  if (count == 5) {
    if (first == 0x61) return true;
    if (first != 0x23 || octetAt(start + 2) != 0x78) return false;
    const digit = octetAt(start + 3);
    return digit == 0x44 || (inValue && (digit == 0x39 || digit == 0x41));
  }
  if (count == 4) return first == 0x6c || (first == 0x67 && !inValue);
  return count == 6 && first == 0x71 && inValue;
}
