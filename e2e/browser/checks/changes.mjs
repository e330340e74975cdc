// What changed comes first, its numbers lead to what they count, and all of it works where no script runs.
import assert from 'node:assert/strict';

export default async function check({ browser, consoles }) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const api = async (path) => (await page.request.get(consoles.demo + path)).json();

  await page.goto(consoles.demo);
  const first = page.locator('main section').first();
  assert.equal(await first.getByRole('heading', { level: 2 }).first().innerText(), 'What changed');
  const trend = await first.getByRole('img').getAttribute('aria-label');
  const { days, opened } = await api('/api/v1/changes?since=7d');
  assert.match(trend, new RegExp(`Open now: ${days.at(-1).open}\\.`));
  await first.getByText('As a table').click();
  const table = first.getByRole('table', { name: 'Issues by day' });
  assert.equal(await table.locator('tbody tr').count(), 14);
  assert.match(await table.locator('tbody tr').first().innerText(), new RegExp(days.at(-1).day));

  await first.getByRole('row', { name: /^Opened/ }).getByRole('link').last().click();
  await page.waitForURL(/since=7d&change=opened/);
  assert.equal(await page.locator('.changes tbody tr').count(), opened);
  assert.ok((await page.locator('.changes .change').allInnerTexts()).every((text) => text.trim() === 'opened'));
  await page.getByRole('link', { name: '24 hours' }).click();
  await page.waitForURL(/since=24h&change=opened/);
  await page.getByRole('combobox', { name: 'Namespace' }).selectOption('shop');
  await page.getByRole('textbox', { name: 'Since' }).fill('14d');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/since=14d/);
  assert.equal(new URL(page.url()).searchParams.get('change'), 'opened', 'the kind stays');
  assert.ok(await page.locator('.changes tbody tr').count() > 0);
  assert.ok((await page.locator('.changes .workload').allInnerTexts()).every((text) => text.includes('shop/')));

  await page.goto(`${consoles.demo}/images`);
  const row = page.locator('.images tbody tr').first();
  // The parts of a long one are boxes of their own: only its text is one line.
  const image = await row.locator('.rowlink').textContent();
  await row.locator('.rowlink').click();
  await page.waitForURL(/image=/);
  assert.ok(await page.locator('.issues tbody tr').count() > 0);
  assert.ok((await page.locator('.issues .image').allTextContents()).every((text) => text === image), image);
  assert.equal(await page.getByRole('textbox', { name: 'Image' }).inputValue(), image, 'the form shows the exact image');

  await page.goto(`${consoles.demo}/workloads/shop/Deployment/cart`);
  const card = page.getByRole('article').first();
  assert.equal(await card.locator('.findings li').count(), 2);
  assert.match(await card.innerText(), /One fix closes 2/);
  await card.getByText('Patch and command').click();
  assert.ok(await card.getByText('kubectl patch deployment cart').isVisible());
}
