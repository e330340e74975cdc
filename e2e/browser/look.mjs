// One look at a page on a first visit: nothing is cached.
import assert from 'node:assert/strict';

/**
 * Bytes of the page and of all that it loads, and milliseconds from the start of the navigation until the first byte of
 * the page and until its first contentful paint.
 */
export async function look(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const response = await page.goto(url, { waitUntil: 'load' });
  assert.equal(response.status(), 200, url);
  const seen = await page.evaluate(() => new Promise((resolve) => {
    const loaded = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const bytes = loaded.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    const firstByte = loaded[0].responseStart;
    const painted = (list) => list.getEntriesByName('first-contentful-paint').forEach(({ startTime }) => resolve({ bytes, firstByte, paint: startTime, loads: loaded.length }));
    new PerformanceObserver(painted).observe({ type: 'paint', buffered: true });
  }));
  await context.close();
  assert.ok(seen.loads > 1, `${url} loaded its style sheet`);
  assert.ok(seen.firstByte > 0 && seen.firstByte <= seen.paint, `${url}: ${seen.firstByte} ms, ${seen.paint} ms`);
  return seen;
}
