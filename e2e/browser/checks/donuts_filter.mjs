// A click on a slice leads to the issues that it counts.
import assert from 'node:assert/strict';

export default async function check({ browser, consoles }) {
  const page = await browser.newPage();
  const api = async (path) => (await page.request.get(consoles.demo + path)).json();
  const overview = await api('/api/v1/overview');

  const click = async (donut, label) => {
    await page.goto(consoles.demo);
    const slice = page.getByRole('region', { name: donut }).locator(`svg a[aria-label^="${label}"] path`);
    // Only what is in the window is found by its point.
    await slice.scrollIntoViewIfNeeded();
    // The middle of a slice's box need not be the slice: look for a point that is.
    const [x, y] = await slice.evaluate((path) => {
      const box = path.getBoundingClientRect();
      const steps = [...Array(20).keys()].map((step) => (step + 0.5) / 20);
      const points = steps.flatMap((x) => steps.map((y) => [box.x + x * box.width, box.y + y * box.height]));
      return points.find(([x, y]) => document.elementFromPoint(x, y) === path);
    });
    await page.mouse.click(x, y);
    await page.waitForURL(/\/(issues|rules)\?/);
  };
  const total = async () => Number(await page.locator('.page-head .fresh strong').innerText());

  await click('Violations by severity', 'critical:');
  const violations = 'result=fail&result=error';
  assert.equal(new URL(page.url()).search, `?severity=critical&${violations}`);
  assert.equal(await total(), (await api(`/api/v1/issues?severity=critical&${violations}`)).total);
  const severities = await page.locator('tbody td.severity').allInnerTexts();
  assert.ok(severities.length > 0 && severities.every((text) => text.trim() === 'critical'), severities.join());

  await click('Rules in violation', 'in violation:');
  assert.equal(await total(), (await api(`/api/v1/issues?${violations}`)).total);
  assert.ok(new URL(page.url()).searchParams.getAll('rule').length <= overview.rulesViolated);

  await click('Violations by rule', 'latest-tag:');
  const rules = await page.locator('tbody td.rule').allInnerTexts();
  assert.ok(rules.length > 0 && rules.every((text) => text === 'latest-tag'), rules.join());

  await page.getByRole('combobox', { name: 'Namespace' }).selectOption('shop');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/namespace=shop/);
  assert.equal(new URL(page.url()).searchParams.get('rule'), 'latest-tag', 'the filter before stays');
  assert.equal(await page.locator('tbody tr').count(), (await api(`/api/v1/issues?rule=latest-tag&namespace=shop&${violations}`)).total);
}
