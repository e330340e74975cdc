// An issue shows what proves it, how to fix it and since when it is there.
import assert from 'node:assert/strict';

export default async function check({ browser, consoles }) {
  const page = await browser.newPage();
  await page.goto(`${consoles.demo}/issues?q=shop/cart&rule=stale-pull-policy`);
  await page.locator('tbody .rowlink').first().click();
  const section = (name) => page.getByRole('region', { name, exact: true });

  const marked = section('Evidence').first().locator('mark');
  assert.match(await marked.innerText(), /imagePullPolicy: IfNotPresent/);
  const background = await page.locator('.line.marked').evaluate((line) => getComputedStyle(line).backgroundColor);
  assert.notEqual(background, 'rgba(0, 0, 0, 0)', 'the marked line stands out');

  assert.match(await section('Resolution').innerText(), /kubectl patch deployment cart --namespace shop/);
  const history = await section('History').innerText();
  for (const part of ['in 2 intervals', '2026-10-21 08:00 UTC', 'now', 'went from', 'latest-tag']) {
    assert.ok(history.includes(part), `${part} is in\n${history}`);
  }
  assert.equal(await page.locator('.timeline .stretch').count(), 2);
  assert.ok(await page.locator('.timeline .event').count() > 0);
  assert.equal(await page.locator('h1').innerText(), 'shop/cart · api · latest with IfNotPresent · stale-pull-policy');
  assert.match(await page.locator('.issue-head .lead').innerText(), /pulled only where the node has no copy/);
}
