// Logging in after following a link.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';

/** A page, in a profile of its own, that takes the certificate which a console makes for itself. */
export async function newPage(browser) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  return context.newPage();
}

/** Fills in the form. */
export async function logIn(page, token) {
  await page.getByRole('textbox', { name: 'Token' }).fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/**
 * A link from a chat survives the login, and needs none the next time, until the user logs out. `shown` looks at the
 * page that the link led to.
 */
export async function survivesTheLogin({ browser, issue, token, user, shown }) {
  const page = await newPage(browser);
  // Another name of this machine is another site.
  const chat = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<a href="${issue}">an alert</a>`);
  });
  await new Promise((resolve) => { chat.listen(0, '127.0.0.1', resolve); });
  const elsewhere = `http://localhost:${chat.address().port}/`;
  try {
    await page.goto(elsewhere);
    await page.getByText('an alert').click();
    await page.waitForURL(/\/login\?next=/);
    assert.equal(await page.getByRole('heading', { name: 'Evidence' }).count(), 0);
    await logIn(page, 'made-up-token');
    assert.match(await page.getByRole('alert').innerText(), /does not accept this token/);
    await logIn(page, token);
    await page.waitForURL(issue);
    assert.equal(await page.locator('header .user').innerText(), user);
    await shown(page);
    const secure = issue.startsWith('https:');
    const cookies = await page.context().cookies();
    const [session] = cookies.filter(({ name }) => name === (secure ? '__Host-tagwatch-session' : 'tagwatch-session'));
    assert.deepEqual([session.httpOnly, session.sameSite, session.secure], [true, 'Strict', secure]);

    await page.goto(elsewhere);
    await page.getByText('an alert').click();
    // The session continues, although the browser kept its cookie back at first.
    await page.getByRole('heading', { name: 'Evidence' }).waitFor();
    assert.equal(page.url(), issue);

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL(/\/login$/);
    await page.goto(issue);
    await page.waitForURL(/\/login\?next=/);
  } finally {
    chat.close();
  }
}
