// No page asks anything of another origin, and none is refused anything by its own policy.
import assert from 'node:assert/strict';
import { everyPage } from '../pages.mjs';

export default async function check({ browser, consoles }) {
  const page = await browser.newPage();
  const requests = [];
  const refused = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => { if (/Content Security Policy/i.test(message.text())) refused.push(message.text()); });
  for (const path of await everyPage(page, consoles.demo)) await page.goto(consoles.demo + path);
  const foreign = requests.filter((url) => new URL(url).origin !== consoles.demo);
  assert.deepEqual(foreign, []);
  assert.deepEqual(refused, []);
  assert.ok(requests.some((url) => url.endsWith('.css')), 'the style sheet was asked for');
  assert.ok(requests.length > 20, `${requests.length} requests`);
}
