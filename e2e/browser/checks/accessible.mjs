// axe-core finds nothing on any page, light and dark, wide and narrow.
import assert from 'node:assert/strict';
import { everyPage } from '../pages.mjs';

export default async function check({ browser, consoles, axeSource }) {
  const source = axeSource();
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      const urls = (await everyPage(page, consoles.demo)).map((path) => consoles.demo + path);
      urls.push(consoles.empty, consoles.green, `${consoles.green}/issues`, `${consoles.guarded}/login`);
      // With a banner, and with a workload whose check failed; with images that are cut.
      urls.push(consoles.sick, `${consoles.sick}/workloads?status=error`, `${consoles.sick}/workloads/platform/Deployment/metrics-adapter`);
      urls.push(`${consoles.long}/issues`, `${consoles.long}/workloads/platform/DaemonSet/edge`);
      for (const url of urls) {
        await page.goto(url);
        await page.evaluate(source);
        const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, {
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        }));
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`);
        assert.deepEqual(found, [], `${url}, ${colorScheme}, ${width} px`);
        assert.ok(passes.length > 10, `${url}: axe looked at ${passes.length} rules`);
      }
      await context.close();
    }
  }
}
