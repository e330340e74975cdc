// Names and images of others run no script, and leave no control character on a page.
import assert from 'node:assert/strict';
import { everyPage } from '../pages.mjs';

export default async function check({ browser, consoles }) {
  const page = await browser.newPage();
  const problems = [];
  page.on('dialog', (dialog) => { problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('pageerror', (error) => problems.push(`error: ${error}`));
  page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
  const origin = consoles.hostile;
  const { workloads } = await (await page.request.get(`${origin}/api/v1/workloads`)).json();
  const { issues } = await (await page.request.get(`${origin}/api/v1/issues?exempt=all`)).json();
  const paths = [...await everyPage(page, origin), ...[...workloads, ...issues].map((item) => item.path)];
  let seen = 0;
  for (const path of new Set(paths.filter((path) => !path.startsWith('/no/') && !path.includes('urgent') && !path.endsWith('/none')))) {
    const response = await page.goto(origin + path);
    assert.equal(response.status(), 200, path);
    assert.match(await page.title(), / · tagwatch$/, path);
    assert.equal(await page.locator('script, img, iframe, object').count(), 0, path);
    const text = await page.locator('body').innerText();
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/, path);
    seen += 1;
  }
  assert.deepEqual(problems, []);
  assert.ok(seen > 30, `${seen} pages`);
}
