/**
 * Shapes of bodies: how a TypeScript value is written as the content of an element and read back, checked. They follow
 * what data contracts put on the wire: a record is a sequence of child elements in the contract's namespace.
 */
import { base64, fromBase64 } from '../base/bytes.ts';
import type { XmlElement } from '../xml/document.ts';
import { childrenOf, simpleText } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import type { XmlWriter } from '../xml/write.ts';
import { ServiceError } from './errors.ts';

/** What a shape is on the wire, for those who describe it to others (XML Schema). */
export type Form =
  | { readonly kind: 'simple'; readonly type: 'string' | 'long' | 'decimal' | 'boolean' | 'base64Binary' }
  /** One element of any name. */
  | { readonly kind: 'any' }
  | { readonly kind: 'empty' }
  /** A sequence of elements. */
  | { readonly kind: 'record'; readonly fields: readonly FieldForm[] };

interface FieldForm {
  readonly name: string;
  readonly least: 0 | 1;
  readonly many: boolean;
  readonly form: Form;
}

/** Writes and reads the content of one element. */
export interface Shape<T> {
  readonly form: Form;
  /** Writes `value` inside an element that is already started; `namespace` is that of its children. */
  write(writer: XmlWriter, value: T, namespace: string): void;
  /** Reads the content of `element`. @throws ServiceError `SERVICE_SHAPE` */
  read(element: XmlElement, namespace: string): T;
}

/** The value type of a shape. */
export type ValueOf<S> = S extends Shape<infer T> ? T : never;

function misshapen(element: XmlElement, expected: string): ServiceError {
  return new ServiceError('SERVICE_SHAPE', `The element <${element.local}> does not hold ${expected}.`);
}

function simple<T>(
  type: Extract<Form, { kind: 'simple' }>['type'],
  expected: string,
  format: (value: T) => string,
  parse: (text: string) => T | undefined,
): Shape<T> {
  return Object.freeze({
    form: Object.freeze({ kind: 'simple', type }),
    write(writer, value) {
      writer.text(format(value));
    },
    read(element) {
      const value = parse(simpleText(element));
      if (value === undefined) throw misshapen(element, expected);
      return value;
    },
  } satisfies Shape<T>);
}

/** xs:string, white space kept as it is. */
export const text: Shape<string> = Object.freeze({
  form: Object.freeze({ kind: 'simple', type: 'string' }),
  write(writer: XmlWriter, value: string) {
    writer.text(value);
  },
  read(element: XmlElement) {
    if (element.children.length > 0) throw misshapen(element, 'text only');
    return element.text;
  },
});

/** xs:long within what a number holds exactly. */
export const integer: Shape<number> = simple(
  'long',
  'a whole number between −(2^53−1) and 2^53−1',
  (value) => {
    if (!Number.isSafeInteger(value)) {
      throw new ServiceError('SERVICE_SHAPE', `${value} is not a whole number that can be sent exactly.`);
    }
    return String(value);
  },
  (found) => {
    if (!/^[+-]?\d{1,16}$/.test(found)) return undefined;
    const value = Number(found);
    return Number.isSafeInteger(value) ? value : undefined;
  },
);

/** xs:decimal, kept as text so that no digit is lost. */
export const decimal: Shape<string> = simple('decimal', 'a decimal number', checkedDecimal, (found) =>
  isDecimal(found) ? found : undefined,
);

function isDecimal(found: string): boolean {
  return /^[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})$/.test(found);
}

function checkedDecimal(value: string): string {
  if (!isDecimal(value)) throw new ServiceError('SERVICE_SHAPE', `"${value}" is not a decimal number.`);
  return value;
}

/** xs:boolean. */
export const boolean: Shape<boolean> = simple('boolean', 'true or false', String, (found) => {
  if (found === 'true' || found === '1') return true;
  return found === 'false' || found === '0' ? false : undefined;
});

/** xs:base64Binary. */
export const binary: Shape<Uint8Array> = simple('base64Binary', 'base64', base64, fromBase64);

/** Exactly one element of any name: the document itself. */
export const document: Shape<XmlFragment> = Object.freeze({
  form: Object.freeze({ kind: 'any' }),
  write(writer: XmlWriter, value: XmlFragment) {
    writer.fragment(value);
  },
  read(element: XmlElement) {
    const [only, ...others] = element.children;
    if (only === undefined || others.length > 0) throw misshapen(element, 'exactly one element');
    return XmlFragment.of(only);
  },
});

/** An element without content. */
export const nothing: Shape<undefined> = Object.freeze({
  form: Object.freeze({ kind: 'empty' }),
  write() {},
  read(element: XmlElement) {
    if (element.children.length > 0) throw misshapen(element, 'nothing');
    return undefined;
  },
});

/** A field that may be absent, or repeated. */
export interface Field<T> {
  readonly least: 0 | 1;
  readonly many: boolean;
  readonly shape: Shape<unknown>;
  /** Carries the type only; never set. */
  readonly type?: T;
}

/** A field that may be absent; its value is then `undefined`. */
export function optional<T>(shape: Shape<T>): Field<T | undefined> {
  return Object.freeze({ least: 0, many: false, shape: shape as Shape<unknown> });
}

/** Any number of elements of the field's name. */
export function list<T>(shape: Shape<T>): Field<readonly T[]> {
  return Object.freeze({ least: 0, many: true, shape: shape as Shape<unknown> });
}

type Fields = Readonly<Record<string, Shape<unknown> | Field<unknown>>>;
type FieldValue<F> = F extends Field<infer T> ? T : F extends Shape<infer T> ? T : never;
/** The record type of a set of fields: fields that may be absent are optional properties. */
export type RecordOf<F extends Fields> = {
  readonly [K in keyof F as undefined extends FieldValue<F[K]> ? never : K]: FieldValue<F[K]>;
} & {
  readonly [K in keyof F as undefined extends FieldValue<F[K]> ? K : never]?: FieldValue<F[K]>;
};

function isField(shape: Shape<unknown> | Field<unknown>): shape is Field<unknown> {
  return 'least' in shape;
}

/** A sequence of child elements, one for each field, in the order of the fields. */
export function record<const F extends Fields>(fields: F): Shape<RecordOf<F>> {
  const plan = Object.entries(fields).map(([name, shape]): readonly [string, Field<unknown>] => [
    name,
    isField(shape) ? shape : { least: 1, many: false, shape: shape as Shape<unknown> },
  ]);
  const known = new Set(plan.map(([name]) => name));
  return Object.freeze({
    form: Object.freeze({
      kind: 'record',
      fields: plan.map(([name, { least, many, shape }]) => ({ name, least, many, form: shape.form })),
    }),
    write(writer: XmlWriter, value: RecordOf<F>, namespace: string) {
      const values = new Map<string, unknown>(Object.entries(value));
      for (const [name, field] of plan) {
        const given = values.get(name);
        const items = field.many ? ((given ?? []) as readonly unknown[]) : given === undefined ? [] : [given];
        if (items.length < field.least) {
          throw new ServiceError('SERVICE_SHAPE', `The field "${name}" is missing. Give it a value.`);
        }
        for (const item of items) {
          writer.start(namespace, name);
          field.shape.write(writer, item, namespace);
          writer.end();
        }
      }
    },
    read(element: XmlElement, namespace: string) {
      for (const found of element.children) {
        if (found.namespace !== namespace || !known.has(found.local)) {
          throw misshapen(element, `only the elements ${[...known].join(', ')} of ${namespace}`);
        }
      }
      const entries = plan.map(([name, field]): readonly [string, unknown] => {
        const found = childrenOf(element, namespace, name);
        if (field.many) return [name, found.map((item) => field.shape.read(item, namespace))];
        const [only, ...others] = found;
        if (others.length > 0) throw misshapen(element, `the element <${name}> only once`);
        if (only === undefined) {
          if (field.least === 1) throw misshapen(element, `the element <${name}>`);
          return [name, undefined];
        }
        return [name, field.shape.read(only, namespace)];
      });
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as RecordOf<F>;
    },
  });
}
