// Ten thousand issues: a page of 150 KiB at most, and the time of its first paint for whoever reads the output. A time is
// no assertion on a machine that others load.
import assert from 'node:assert/strict';

export default async function check({ browser, consoles }) {
  const page = await browser.newPage();
  for (const path of ['/', '/issues', '/issues?sort=-age&q=service', '/workloads']) {
    const paints = [];
    for (let round = 0; round < 5; round += 1) {
      const response = await page.goto(consoles.many + path, { waitUntil: 'load' });
      const size = (await response.body()).length;
      assert.ok(size <= 150 * 1024, `${path}: ${size} bytes`);
      const paint = await page.evaluate(() => new Promise((resolve) => {
        const done = (list) => list.getEntries().filter(({ name }) => name === 'first-contentful-paint').forEach((entry) => resolve(entry.startTime));
        new PerformanceObserver(done).observe({ type: 'paint', buffered: true });
      }));
      paints.push(paint);
      if (round === 0) console.log(`${path}: ${size} bytes`);
    }
    paints.sort((one, other) => one - other);
    console.log(`${path}: first paint ${paints.map((paint) => Math.round(paint)).join(', ')} ms`);
  }
}
