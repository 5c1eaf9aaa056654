/**
 * Where things are in the memory of the compiled scanner, in octets, and how many of them there may be: what the two sides of it
 * have to agree on. A document that needs more is scanned by the scanner in TypeScript.
 */

/** Tables of `characters.ts`, 256 octets each; what is below is the compiler's. */
export const NAME_CLASS = 4096;
export const SPACE = 4352;

/** What the scan counted, 32-bit integers. */
export const COUNTS = 5120;
export const C_NODES = 0;
export const C_ELEMENTS = 1;
export const C_ATTRIBUTES = 2;
export const C_DECLARATIONS = 3;
export const C_NAMES = 4;
export const C_NAMESPACES = 5;
export const C_ROOT = 6;
/** What canonicalization wrote, and where the run begins that can be copied. */
export const C_WRITTEN = 7;
export const C_RUN = 8;

/** Scratch for putting sixteen attributes in order. */
export const ORDER = 5376;

/** Where namespace names stand as they are written, start and end; the first three are not written. */
export const NAMESPACES = 6144;
export const MOST_NAMESPACES = 128;

/** By prefix (a name): the namespace it has, and the element that declared it last. */
export const BOUND = 8192;
export const DECLARED_BY = 16384;
export const MOST_NAMES = 2048;

/** The hash table of names, four octets a slot. */
export const SLOTS = 24576;
export const SLOT_COUNT = 8192;

/** Records of names. */
export const NAMES = 57344;

/** By prefix (a name): the namespace that canonical form has rendered. */
export const RENDERED = 131072;

/** The document, from here on, with so many zeros behind it; then the runs of the tape, and room for canonical octets. */
export const OCTETS = 139264;
export const ZEROS = 32;
