// Writes each dashboard as a TypeScript literal of the types that Grafana publishes, and lets the compiler judge: unknown
// fields, wrong types and missing required fields are errors. Then it breaks a dashboard in several ways, each of which
// the compiler must refuse.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const source = join(import.meta.dirname, '../../config/monitoring/dashboards');
// Below node_modules, so that imports are found and git does not look.
const work = join(import.meta.dirname, 'node_modules/.dashboards');

// Panel type, the module with its options, and whether it has field options of its own.
const PANELS = {
  bargauge: ['bargauge', false],
  piechart: ['piechart', true],
  stat: ['stat', false],
  'state-timeline': ['statetimeline', true],
  table: ['table', true],
  timeseries: ['timeseries', true],
};

const HEAD = `
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import type * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import type * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type * as piechart from '@grafana/grafana-foundation-sdk/piechart';
import type * as stat from '@grafana/grafana-foundation-sdk/stat';
import type * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import type * as table from '@grafana/grafana-foundation-sdk/table';
import type * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

// JSON holds the values of an enumeration, not its members; the SDK marks queries by a method.
type Json<T> =
  T extends string ? \`\${T}\`
  : T extends number ? (\`\${T}\` extends \`\${infer N extends number}\` ? N : never)
  : T extends boolean | null | undefined ? T
  : T extends readonly (infer U)[] ? Json<U>[]
  : { [K in keyof T as K extends \`_implements\${string}\` ? never : K]: Json<T[K]> };
`;

/** The dashboard as TypeScript: its frame, and each query, option and field setting by its own type. */
function typescript(json) {
  const frame = structuredClone(json);
  let text = '';
  let count = 0;
  const check = (type, value) => {
    count += 1;
    text += `export const c${count}: Json<${type}> = ${JSON.stringify(value, null, 1)};\n`;
  };
  for (const panel of frame.panels) {
    for (const target of panel.targets ?? []) check('prometheus.Dataquery', target);
    if (panel.targets) panel.targets = [];
    if (panel.type === 'row') continue;
    const [module, fields] = PANELS[panel.type] ?? [];
    if (!module) throw new Error(`no types are known for panels of type ${panel.type}`);
    check(`${module}.Options`, panel.options);
    const { custom } = panel.fieldConfig.defaults;
    if (fields && custom) check(`${module}.FieldConfig`, custom);
  }
  check('dashboard.Dashboard', frame);
  return HEAD + text;
}

/** Compiles; returns what the compiler has to say. */
function compile(files) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text);
  const options = { strict: true, noEmit: true, skipLibCheck: true, module: 'nodenext', target: 'es2022', types: [] };
  writeFileSync(join(work, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }));
  try {
    execFileSync(join(import.meta.dirname, 'node_modules/.bin/tsc'), ['-p', work], { encoding: 'utf8', stdio: 'pipe' });
    return '';
  } catch (failure) {
    return failure.stdout || String(failure);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const names = readdirSync(source).filter((name) => name.endsWith('.json')).sort();
const read = (name) => JSON.parse(readFileSync(join(source, name), 'utf8'));
const files = Object.fromEntries(names.map((name) => [name.replace('.json', '.ts'), typescript(read(name))]));
const errors = compile(files);
if (errors) {
  console.error(errors);
  process.exit(1);
}

const panel = (json, type) => json.panels.find((one) => one.type === type);
const BREAKS = {
  'a-field.ts': (json) => { json.titel = json.title; },
  'a-donut.ts': (json) => { panel(json, 'piechart').options.pieType = 'dounut'; },
  'a-query.ts': (json) => { panel(json, 'table').targets[0].expr = 1; },
  'a-place.ts': (json) => { delete panel(json, 'stat').gridPos.w; },
  'a-variable.ts': (json) => { json.templating.list[0].type = 'data source'; },
};
const broken = {};
for (const [name, change] of Object.entries(BREAKS)) {
  const json = read('tagwatch-issues.json');
  change(json);
  broken[name] = typescript(json);
}
const refusals = compile(broken);
const accepted = Object.keys(BREAKS).filter((name) => !refusals.includes(name));
if (accepted.length > 0) {
  console.error(`the types accept what is wrong: ${accepted.join(', ')}`);
  process.exit(1);
}
console.log(`${names.length} dashboards, ${Object.keys(BREAKS).length} broken ones refused`);
