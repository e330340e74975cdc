// One look at a page on a first visit: nothing is cached.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';

/** A server of bare pages: text of as many bytes as the address says, from memory, without a style sheet. */
export async function bareServer() {
  const [before, after] = ['<!doctype html><html lang="en"><title>bare</title><link rel="icon" href="data:,"><p>', '</p></html>'];
  const server = createServer((request, response) => {
    const size = Number(request.url.slice(1)) - before.length - after.length;
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(before + 'a bare page of text '.repeat(size / 20 + 1).slice(0, size) + after);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  return { address: (bytes) => `http://127.0.0.1:${port}/${bytes}`, close: () => { server.closeAllConnections(); server.close(); } };
}

/**
 * Bytes of the page and of all that it loads, and milliseconds from the start of the navigation until the first byte of
 * the page and until its first contentful paint. `loads` is what it loads at least, itself included: a page of the console
 * has a style sheet.
 */
export async function look(browser, url, { loads } = { loads: 2 }) {
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
  assert.ok(seen.loads >= loads, `${url} loaded ${seen.loads}, not ${loads}`);
  assert.ok(seen.firstByte > 0 && seen.firstByte <= seen.paint, `${url}: ${seen.firstByte} ms, ${seen.paint} ms`);
  return seen;
}
