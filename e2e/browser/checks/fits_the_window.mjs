// Nothing is wider than the window, on a phone or a screen.
import assert from 'node:assert/strict';
import { everyPage } from '../pages.mjs';

export default async function check({ browser, consoles }) {
  for (const width of [320, 390, 1440]) {
    const page = await browser.newPage({ viewport: { width, height: 844 } });
    const shown = { demo: await everyPage(page, consoles.demo), hostile: await everyPage(page, consoles.hostile) };
    shown.sick = ['/', '/workloads/platform/Deployment/metrics-adapter'];
    shown.long = ['/issues', '/workloads/platform/DaemonSet/edge'];
    for (const [name, paths] of Object.entries(shown)) {
      for (const path of paths) {
        await page.goto(consoles[name] + path);
        const wide = await page.evaluate(() => {
          const limit = document.documentElement.clientWidth;
          const over = [...document.querySelectorAll('main *')].filter((element) => element.getBoundingClientRect().right > limit + 1 && !element.closest('pre, .visually-hidden, thead'));
          return { page: Math.max(0, document.documentElement.scrollWidth - limit), over: over.slice(0, 3).map((element) => element.outerHTML.slice(0, 160)) };
        });
        assert.deepEqual(wide, { page: 0, over: [] }, `${name} ${path} at ${width} px`);
      }
    }
    await page.close();
  }
}
