// Pictures of the pages. TAGWATCH_SCREENSHOTS names the folder for those of the documentation, and
// TAGWATCH_SCREENSHOTS_ALL one for every page, to look at; without either it takes one and looks whether it is empty.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { everyPage } from '../pages.mjs';

const LIMIT = 160 * 1024;

export default async function check({ browser, consoles }) {
  const shoot = async (url, { width, height, dark = false, full = false }) => {
    const context = await browser.newContext({ colorScheme: dark ? 'dark' : 'light', viewport: { width, height }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(url);
    const picture = await page.screenshot({ fullPage: full, animations: 'disabled' });
    await context.close();
    return picture;
  };
  const page = await browser.newPage();
  const { issues } = await (await page.request.get(`${consoles.demo}/api/v1/issues?q=shop/cart&rule=stale-pull-policy`)).json();
  const pictures = {
    'overview.png': [consoles.demo, { width: 1200, height: 820 }],
    'issues.png': [`${consoles.demo}/issues`, { width: 1200, height: 720 }],
    'issue-dark.png': [consoles.demo + issues[0].path, { width: 1200, height: 720, dark: true }],
    'overview-phone.png': [consoles.demo, { width: 390, height: 844 }],
  };
  const folder = process.env.TAGWATCH_SCREENSHOTS;
  for (const [name, [url, options]] of Object.entries(pictures)) {
    const picture = await shoot(url, options);
    assert.ok(picture.length > 10_000 && picture.length < LIMIT, `${name}: ${picture.length} bytes`);
    if (folder) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name), picture);
    }
  }
  const all = process.env.TAGWATCH_SCREENSHOTS_ALL;
  if (!all) return;
  mkdirSync(all, { recursive: true });
  for (const [name, paths] of Object.entries({
    demo: await everyPage(page, consoles.demo), three: ['/', '/issues'], many: ['/', '/changes?since=60d', '/images', '/issues', '/namespaces', '/namespaces/team-01'],
    empty: ['/', '/issues'], green: ['/', '/issues'], guarded: ['/login'], sick: ['/', '/workloads/platform/Deployment/metrics-adapter'], long: ['/issues', '/workloads/platform/DaemonSet/edge'], hostile: ['/', '/issues'],
  })) {
    for (const path of paths) {
      for (const [label, options] of Object.entries({ wide: { width: 1440, height: 900, full: true }, phone: { width: 390, height: 844, full: true }, dark: { width: 1440, height: 900, full: true, dark: true } })) {
        const file = `${name}${path.replace(/[^a-z0-9]+/gi, '_').slice(0, 60)}-${label}.png`;
        writeFileSync(join(all, file), await shoot(consoles[name] + path, options));
      }
    }
  }
}
