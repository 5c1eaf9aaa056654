/** The elements of a contract as XML Schema: what travels is a sequence of qualified elements, as data contracts have it. */
import type { Contract } from '../service/contract.ts';
import type { Form } from '../service/shape.ts';
import type { XmlWriter } from '../xml/write.ts';
import { xs } from './namespaces.ts';

/** Writes `xs:schema` with a global element for every request, reply and fault. */
export function writeSchema(writer: XmlWriter, of: Contract): void {
  writer
    .start(xs, 'schema', 'xs')
    .attribute('', 'targetNamespace', of.namespace)
    .attribute('', 'elementFormDefault', 'qualified');
  const written = new Set<string>();
  const element = (name: string, form: Form): void => {
    if (written.has(name)) return;
    written.add(name);
    writer.start(xs, 'element', 'xs').attribute('', 'name', name);
    writeContent(writer, form);
    writer.end();
  };
  for (const { element: name, request, reply, faults } of of.operations.values()) {
    element(name, request.form);
    if (reply !== undefined) element(reply.element, reply.shape.form);
    for (const [fault, shape] of faults) element(fault, shape.form);
  }
  writer.end();
}

/** The type of an element that was started. */
function writeContent(writer: XmlWriter, form: Form): void {
  if (form.kind === 'simple') {
    writer.attribute('', 'type', `xs:${form.type}`);
    return;
  }
  writer.start(xs, 'complexType', 'xs').start(xs, 'sequence', 'xs');
  switch (form.kind) {
    case 'any':
      writer.start(xs, 'any', 'xs').attribute('', 'processContents', 'skip').end();
      break;
    case 'empty':
      break;
    case 'record':
      for (const { name, least, many, form: inner } of form.fields) {
        writer.start(xs, 'element', 'xs').attribute('', 'name', name);
        if (least === 0) writer.attribute('', 'minOccurs', '0');
        if (many) writer.attribute('', 'maxOccurs', 'unbounded');
        writeContent(writer, inner);
        writer.end();
      }
      break;
    default:
      form satisfies never;
  }
  writer.end().end();
}
