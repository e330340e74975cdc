// Tab reaches everything that a pointer does, and shows where it is.
import assert from 'node:assert/strict';

export default async function check({ browser, consoles }) {
  const page = await browser.newPage();
  const { issues } = await (await page.request.get(`${consoles.demo}/api/v1/issues?q=cart`)).json();
  for (const path of ['/', '/issues?namespace=shop', issues[0].path]) {
    await page.goto(consoles.demo + path);
    const wanted = await page.evaluate(() => {
      const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')];
      // A browser has rectangles for what is folded, too.
      const folded = (element) => element.closest('details:not([open])') && element.localName !== 'summary';
      const seen = all.filter((element) => !folded(element) && (element.getClientRects().length > 0 || element.closest('svg')));
      seen.forEach((element, index) => element.setAttribute('data-stop', index));
      return seen.map((element) => element.outerHTML.slice(0, 120));
    });
    const reached = new Set();
    for (let stop = 0; stop < wanted.length * 2; stop += 1) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const element = document.activeElement;
        const shown = element.closest('svg') ? element.querySelector('path') ?? element : element;
        const { outlineStyle, stroke } = getComputedStyle(shown);
        return { stop: element.getAttribute('data-stop'), visible: outlineStyle !== 'none' || stroke !== 'none', html: element.outerHTML.slice(0, 120) };
      });
      if (at.stop !== null) {
        reached.add(Number(at.stop));
        assert.ok(at.visible, `${path}: nothing shows that the focus is on ${at.html}`);
      }
    }
    const missed = wanted.filter((_, index) => !reached.has(index));
    assert.deepEqual(missed, [], path);
  }
  await page.goto(consoles.demo);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  // The first stop skips to the content.
  await page.waitForFunction(() => document.activeElement.id === 'main');
  await page.locator('.ring svg a').first().focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/issues\?severity=/);
}
