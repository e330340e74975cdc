// Pictures of the pages. TAGWATCH_SCREENSHOTS names the folder for those of the documentation, and
// TAGWATCH_SCREENSHOTS_ALL one for every page, to look at. Beside the pictures of the documentation are the words that they
// show: without TAGWATCH_SCREENSHOTS, the pages must still show them, or the pictures are out of date.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { everyPage } from '../pages.mjs';

const LIMIT = 160 * 1024;
/** The words of each picture, in the folder of the pictures. */
const WORDS = 'pictures.json';
const DOCUMENTED = new URL(`../../../docs/console/${WORDS}`, import.meta.url);

/** The title of a page, its headings and the names of its fields and columns, in order: what a reader would miss in an old picture. */
const wordsOf = (page) => page.evaluate(() => {
  const words = (selector) => [...document.querySelectorAll(selector)].map((element) => element.innerText.replace(/\s+/g, ' ').trim()).filter(Boolean);
  return {
    title: document.title,
    h1: words('h1').join(' '),
    headings: words('h2, h3'),
    sections: words('nav[aria-label="Sections"] a'),
    fields: words('main label > span'),
    columns: words('main th[scope="col"]'),
  };
});

export default async function check({ browser, consoles }) {
  const shoot = async (url, { width, height, dark = false, full = false }) => {
    const context = await browser.newContext({ colorScheme: dark ? 'dark' : 'light', viewport: { width, height }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(url);
    const picture = await page.screenshot({ fullPage: full, animations: 'disabled' });
    const words = await wordsOf(page);
    await context.close();
    return { picture, words };
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
  const shown = {};
  for (const [name, [url, options]] of Object.entries(pictures)) {
    const { picture, words } = await shoot(url, options);
    shown[name] = words;
    assert.ok(picture.length > 10_000 && picture.length < LIMIT, `${name}: ${picture.length} bytes`);
    if (folder) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name), picture);
    }
  }
  if (folder) {
    writeFileSync(join(folder, WORDS), `${JSON.stringify(shown, null, 2)}\n`);
  } else {
    const documented = JSON.parse(readFileSync(DOCUMENTED, 'utf8'));
    assert.deepEqual(shown, documented, 'a picture in docs/console is out of date: CONTRIBUTING.md says how to renew them');
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
        writeFileSync(join(all, file), (await shoot(consoles[name] + path, options)).picture);
      }
    }
  }
}
