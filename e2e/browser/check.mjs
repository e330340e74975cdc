// One check of the console in a real Chromium: `node check.mjs NAME`. What it is given, as where the consoles are, comes
// as JSON by standard input; where its packages are, by TAGWATCH_BROWSER. The last line of its output is what the check
// returned, as JSON.
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const packages = createRequire(join(process.env.TAGWATCH_BROWSER, 'package.json'));
const { chromium } = packages('playwright-core');

/** The source of axe-core, to be evaluated in a page. */
export const axeSource = () => readFileSync(packages.resolve('axe-core/axe.min.js'), 'utf8');

const [name] = process.argv.slice(2);
const given = JSON.parse(readFileSync(0, 'utf8'));
const { default: check } = await import(new URL(`./checks/${name}.mjs`, import.meta.url));

const profile = mkdtempSync(join(tmpdir(), 'tagwatch-browser-'));
// The browser sends nothing of its own to the network, and each check begins with an empty profile.
const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--font-render-hinting=none',
];
const options = { executablePath: '/usr/bin/chromium', headless: true, args };
const browser = await chromium.launch({ ...options, env: { ...process.env, HOME: profile } });
try {
  const figures = await check({ ...given, browser, axeSource });
  console.log(JSON.stringify(figures ?? null));
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
