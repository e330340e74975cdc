// The pages of a console, one of each kind, found by following links.

/** Paths of one page of each kind, with what a check cannot guess looked up by the API. */
export async function everyPage(page, origin) {
  const api = async (path) => (await page.request.get(origin + path)).json();
  const { issues } = await api('/api/v1/issues?sort=-severity');
  const { issues: exempt } = await api('/api/v1/issues?exempt=yes');
  const { workloads } = await api('/api/v1/workloads');
  const paths = ['/', '/changes', '/changes?since=14d&change=resolved', '/images', '/images?by=registry', '/issues', '/issues?class=latest&name=cart', '/issues?severity=critical&q=zebra', '/namespaces', '/workloads', '/rules',
    '/rules/latest-tag', '/rules/unpinned-image', '/exemptions', '/exemptions?state=unused', '/issues?team=(none)&per_page=20',
    '/workloads?sort=-findings&q=a', '/namespaces?sort=name&per_page=20', '/workloads/shop/Deployment/none', '/no/such/page', '/issues?severity=urgent'];
  for (const found of [issues.at(-1), issues.find((issue) => issue.rule === 'stale-pull-policy'), exempt[0]]) {
    if (found) paths.push(found.path);
  }
  const cart = issues.find((issue) => issue.name === 'cart');
  if (cart) paths.push(cart.path, '/issues/d0000000000000000001', '/workloads/shop/Deployment/cart', `${cart.path}?namespace=shop&sort=age`);
  if (workloads[0]) paths.push(workloads[0].path, `/namespaces/${encodeURIComponent(workloads[0].namespace)}`);
  return [...new Set(paths)];
}
