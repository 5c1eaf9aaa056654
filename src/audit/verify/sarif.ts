/** Findings as SARIF 2.1.0 (OASIS), for tools that show findings of any kind. */
import { findingKinds, type Weight } from './findings.ts';
import type { Verification } from './verify.ts';

const levels: Readonly<Record<Weight, 'error' | 'warning' | 'note'>> = {
  unsound: 'error',
  unchecked: 'warning',
  note: 'note',
};

/** A SARIF log of one run. A place `FILE:LINE` is a line; `FILE#N` is the record N of a transcript. */
export function sarif({ findings, verdict }: Verification): object {
  const codes = [...new Set(findings.map(({ code }) => code))];
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'surewire verify',
            rules: codes.map((code) => ({
              id: code,
              shortDescription: { text: findingKinds[code][1] },
              defaultConfiguration: { level: levels[findingKinds[code][0]] },
            })),
          },
        },
        results: findings.map(({ code, weight, what, where, sequence, number }) => ({
          ruleId: code,
          ruleIndex: codes.indexOf(code),
          level: levels[weight],
          message: { text: what },
          locations: [location(where)],
          properties: { sequence, number },
        })),
        properties: { verdict },
      },
    ],
  };
}

function location(where: string): object {
  const [, file = where, line, record] = /^(.*?)(?::(\d+)|#(\d+))?$/.exec(where) ?? [];
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeURI(file) },
      ...(line === undefined ? {} : { region: { startLine: Number(line) } }),
    },
    ...(record === undefined ? {} : { logicalLocations: [{ name: `record ${record}`, kind: 'object' }] }),
  };
}
