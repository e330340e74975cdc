// Everything works where the browser runs no script: there is none.
import assert from 'node:assert/strict';

export default async function check({ browser, consoles }) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(consoles.demo);
  await page.getByRole('link', { name: 'Issues', exact: true }).click();
  await page.getByRole('combobox', { name: 'Severity' }).selectOption('high');
  await page.getByRole('searchbox', { name: 'Search' }).fill('gift');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/severity=high/);
  assert.equal(await page.locator('tbody tr').count(), 1);
  await page.getByRole('link', { name: 'Age', exact: true }).click();
  await page.waitForURL(/sort=age/);
  await page.locator('tbody .rowlink').click();
  await page.getByText('Why it matters').click();
  assert.ok(await page.getByText('With IfNotPresent the kubelet pulls an image once').isVisible());

  await page.getByRole('button', { name: 'dark colours' }).click();
  await page.locator('html[data-theme=dark]').waitFor({ state: 'attached' });
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.goto(`${consoles.demo}/issues?namespace=shop`).then(() => page.getByRole('link', { name: 'CSV' }).click()),
  ]);
  assert.equal(file.suggestedFilename(), 'tagwatch-issues.csv');
}
