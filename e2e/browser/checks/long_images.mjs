// A long image is cut in its repository and its digest: the tag is whole unless it is a line of its own, and so is the text
// that is read out or copied.
import assert from 'node:assert/strict';

export default async function check({ browser, consoles }) {
  for (const width of [320, 390, 768, 1440]) {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    let cut = 0;
    for (const path of ['/issues', '/workloads/platform/DaemonSet/edge', '/images', '/changes?since=60d', '/']) {
      await page.goto(consoles.long + path);
      const images = await page.locator('.ref').evaluateAll((all) => all.map((image) => {
        const part = (name) => {
          const element = image.querySelector(name);
          const text = document.createRange();
          text.selectNodeContents(element);
          // A part of a pixel less than the text needs is enough for an ellipsis.
          const isWhole = text.getBoundingClientRect().width <= element.getBoundingClientRect().width + 0.01;
          return { text: element.textContent, isWhole, width: element.clientWidth };
        };
        return { title: image.title, text: image.textContent, head: part('.head'), tag: part('.ver'), digest: part('.dig') };
      }));
      assert.ok(images.length > 0, path);
      for (const { title, text, head, tag, digest } of images) {
        assert.equal(text, title, path);
        assert.ok(head.width > 20, `${path}: nothing is left of ${head.text} at ${width} px`);
        // A tag of 128 characters fits into no column: its beginning stays, beside the digest's.
        if (tag.text.length < 100) {
          assert.ok(tag.isWhole, `${path}: ${tag.text} is cut at ${width} px`);
        } else {
          assert.ok(tag.width > 60, `${path}: ${tag.width} px of the tag at ${width} px`);
        }
        if (digest.text) {
          assert.ok(digest.width > 90, `${path}: ${digest.width} px of the digest at ${width} px`);
        }
        cut += head.isWhole ? 0 : 1;
      }
    }
    assert.ok(cut > 0 || width > 1000, `at ${width} px something is cut`);
    await page.close();
  }
}
