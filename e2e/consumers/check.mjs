// Reads the outputs of a scan as their consumers do: `node check.mjs FOLDER` with *.sarif and *.xml.
// SARIF is validated by Microsoft's multitool, with its rules for GitHub, and JUnit read by a parser of test reports. Then
// both get files that are broken in ways that they must refuse.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'junit2json';

// The package's own command only starts this, by way of a shell.
const multitool = join(import.meta.dirname, 'node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool');
chmodSync(multitool, 0o755);
const work = mkdtempSync(join(tmpdir(), 'tagwatch-consumers-'));

// There is no home page yet that a report could name.
const ACCEPTED = ['Warning_ProvideToolnformationUri'];

/** What the multitool has to say about a file: `RULE level: message`. */
function validated(file) {
  const output = join(work, 'validation.sarif');
  const log = ['--log', 'ForceOverwrite'];
  try {
    execFileSync(multitool, ['validate', file, '--rule-kind', 'Sarif;Ghas', '--output', output, ...log], { stdio: 'pipe' });
  } catch (failure) {
    return [`it ends with ${failure.status}: ${failure.stdout}`];
  }
  const { results = [] } = JSON.parse(readFileSync(output, 'utf8')).runs[0];
  return results
    .filter(({ message }) => !ACCEPTED.includes(message.id))
    .map(({ ruleId, level = 'warning', message }) => `${ruleId} ${level}: ${message.id} ${message.arguments}`);
}

/** Whether the counters of a JUnit report are right; an error where it is no report. */
async function counted(xml) {
  const { testsuite = [], tests, failures, errors } = await parse(xml);
  const cases = testsuite.flatMap((suite) => suite.testcase ?? []);
  const having = (element) => cases.filter((one) => (one[element] ?? []).length > 0).length;
  if (cases.length !== tests || having('failure') !== failures || having('error') !== errors) {
    throw new Error(`${cases.length} cases, ${having('failure')} failures, ${having('error')} errors were read`);
  }
  return cases.length;
}

function broken(name, text) {
  const file = join(work, name);
  writeFileSync(file, text);
  return file;
}

const [folder] = process.argv.slice(2);
const problems = [];
const files = readdirSync(folder);
const sarifs = files.filter((name) => name.endsWith('.sarif'));
for (const name of sarifs) {
  problems.push(...validated(join(folder, name)).map((said) => `${name}: ${said}`));
}
let cases = 0;
const reports = files.filter((name) => name.endsWith('.xml'));
for (const name of reports) {
  try {
    cases += await counted(readFileSync(join(folder, name), 'utf8'));
  } catch (failure) {
    problems.push(`${name}: ${failure.message}`);
  }
}

const log = JSON.parse(readFileSync(join(folder, sarifs[0]), 'utf8'));
delete log.runs[0].tool.driver.rules;
if (validated(broken('no-rules.sarif', JSON.stringify(log))).length === 0) problems.push('a log without rules is accepted');
const report = readFileSync(join(folder, reports[0]), 'utf8');
try {
  await counted(report.replace('</testsuites>', ''));
  problems.push('a report without an end is accepted');
} catch {
  // As it must.
}
rmSync(work, { recursive: true });

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`${sarifs.length} SARIF logs, ${reports.length} JUnit reports with ${cases} cases; broken ones refused`);
