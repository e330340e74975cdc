//! The console on a real control plane: who sees what, by a program and by a browser, and that a page shows what the
//! report says.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fs,
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Browser, Identity, Requests, eventually};

use crate::{
    controller::Controller,
    objects::{CLEAN, LATEST, PASSES, deployment, pulled, with_image},
    runner::{own, shared},
    test_env::{AGENT, LIMIT, Skipped, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(pages_show_what_reports_say),
        shared(pages_are_made_by_a_thread_of_their_own),
        shared(a_token_sees_the_namespaces_whose_reports_it_may_list),
        shared(a_link_survives_the_login_in_a_browser),
        own(no_page_asks_the_api_server_anything_but_for_rights),
        shared(a_caller_learns_why_a_workload_is_not_there),
    ]
}

/// Most pages of a console with two workloads, each with every set of fields that links have.
const MAX_PAGES: usize = 400;

pub(crate) const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];
const EXEMPT: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy skip"];

/// A ready tagwatch that serves the console on a port of the system's choice, and the console's origin.
pub(crate) async fn serving(env: &TestEnv, auth: &str) -> Result<(Controller, String)> {
    let file = env.cluster().control_plane.data_dir().join(format!("console-of-{}", env.namespace()));
    let arguments = [
        "--namespaces",
        env.namespace(),
        "--console-address=127.0.0.1:0",
        &format!("--console-auth={auth}"),
        &format!("--console-address-file={}", file.display()),
    ];
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    let scheme = if auth == "none" { "http" } else { "https" };
    let address = fs::read_to_string(file)?;
    Ok((tagwatch, format!("{scheme}://{}", address.trim_end())))
}

/// A Deployment with two issues, and the key of that of `stale-pull-policy`.
async fn two_issues(env: &TestEnv) -> Result<String> {
    env.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    env.reported("Deployment", "web", &FAILS).await?.key_of("stale-pull-policy")
}

/// A request by curl, which trusts the certificate of our own making: status and body.
pub(crate) fn get(url: &str, token: Option<&str>) -> Result<(u16, String)> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--max-time", "10", "--write-out", "\n%{http_code}", url]);
    if let Some(token) = token {
        curl.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = curl.output().context("curl")?;
    let text = String::from_utf8(output.stdout)?;
    let (body, status) = text.rsplit_once('\n').context("no status")?;
    Ok((status.parse()?, body.to_owned()))
}

/// Waits until the address of one key leads to the issue that has another.
async fn leads_to(base: &str, old: &str, new: &str) -> Result<()> {
    eventually(LIMIT, "the old link leads to the issue", || async {
        let (status, _) = get(&format!("{base}/issues/{old}"), None)?;
        let (_, body) = get(&format!("{base}/api/v1/issues/{old}"), None)?;
        let issue: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        ensure!(status == 307 && issue["id"] == new, "{status} {body}");
        Ok(())
    })
    .await
}

/// How long the thread that serves the console has run, in nanoseconds.
fn time_of_pages(tagwatch: &Controller) -> Result<u64> {
    for thread in fs::read_dir(format!("/proc/{}/task", tagwatch.pid()))? {
        let thread = thread?.path();
        if fs::read_to_string(thread.join("comm"))?.trim_end() == "console" {
            let times = fs::read_to_string(thread.join("schedstat"))?;
            let time = times.split_whitespace().next().context("no time")?;
            return Ok(time.parse()?);
        }
    }
    bail!("there is no such thread")
}

/// Neither probes nor evaluations wait for a page.
async fn pages_are_made_by_a_thread_of_their_own(env: &TestEnv) -> Result<()> {
    let (tagwatch, base) = serving(env, "none").await?;
    two_issues(env).await?;
    let before = time_of_pages(&tagwatch)?;
    let (status, _) = get(&format!("{base}/issues"), None)?;
    assert_eq!(status, 200);
    ensure!(time_of_pages(&tagwatch)? > before, "it made no page");
    tagwatch.end().await
}

async fn pages_show_what_reports_say(env: &TestEnv) -> Result<()> {
    let (tagwatch, base) = serving(env, "none").await?;
    let id = two_issues(env).await?;

    let page = eventually(LIMIT, "the issue has a page", || async {
        let (status, page) = get(&format!("{base}/issues/{id}"), None)?;
        ensure!(status == 200, "{status}");
        Ok(page)
    })
    .await?;
    for shown in ["stale-pull-policy", "web", LATEST, "imagePullPolicy", "IfNotPresent"] {
        ensure!(page.contains(shown), "{shown} is not on the page");
    }
    let (status, body) = get(&format!("{base}/api/v1/issues?namespace={}", env.namespace()), None)?;
    let listed: Value = serde_json::from_str(&body)?;
    assert_eq!((status, &listed["total"]), (200, &json!(2)), "{body}");

    // Another result has another key; the link leads on to it, and back.
    let annotated = |rules: Value| {
        let reason = if rules.is_null() { Value::Null } else { json!("ticket OPS-12") };
        json!({ "metadata": { "annotations": { "tagwatch.dev/ignore": rules, "tagwatch.dev/ignore-reason": reason } } })
    };
    env.patch("Deployment", "web", annotated(json!("stale-pull-policy"))).await?;
    let exempt = env.reported("Deployment", "web", &EXEMPT).await?.key_of("stale-pull-policy")?;
    leads_to(&base, &id, &exempt).await?;
    env.patch("Deployment", "web", annotated(Value::Null)).await?;
    env.reported("Deployment", "web", &FAILS).await?;
    leads_to(&base, &exempt, &id).await?;

    // What is over stays on record, at the address that it had.
    env.patch("Deployment", "web", with_image(CLEAN, "IfNotPresent")).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    eventually(LIMIT, "the issue is over", || async {
        let (_, body) = get(&format!("{base}/api/v1/workloads/{}/Deployment/web", env.namespace()), None)?;
        let workload: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        let closed = workload["closed"].as_array().map_or(0, Vec::len);
        // One of them twice: it was exempt in between.
        ensure!(closed == 3 && workload["status"] == "compliant", "{body}");
        Ok(())
    })
    .await?;
    let (status, page) = get(&format!("{base}/issues/{id}"), None)?;
    ensure!(status == 200 && page.contains("Resolved"), "{status} {page}");
    tagwatch.end().await
}

/// The service account that may list the reports of the test's namespace, and one that may not: their tokens.
async fn reader_and_stranger(env: &TestEnv) -> Result<(String, String)> {
    for name in ["reader", "stranger"] {
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } });
        env.create(account).await?;
    }
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" },
        "rules": [{ "apiGroups": ["wgpolicyk8s.io"], "resources": ["policyreports"], "verbs": ["list"] }],
    }))
    .await?;
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": env.namespace() }],
    }))
    .await?;
    // tagwatch caches an answer for a minute, so it must ask after the authorizer knows the role.
    let account = format!("system:serviceaccount:{}:reader", env.namespace());
    let reports = "policyreports.wgpolicyk8s.io";
    let question = ["auth", "can-i", "list", reports, "-n", env.namespace(), "--as", &account];
    eventually(LIMIT, "the reader may list reports", || env.cluster().control_plane.kubectl(&question))
        .await?;
    let token = async |name: &str| {
        let identity = Identity::ServiceAccount { namespace: env.namespace(), name };
        env.cluster().control_plane.token_of(identity).await
    };
    Ok((token("reader").await?, token("stranger").await?))
}

/// Waits until the authorizer has heard of the reader's rights, and the console of the issues.
async fn reader_sees_issues_and_stranger_does_not(base: &str, reader: &str, stranger: &str) -> Result<()> {
    eventually(LIMIT, "the reader sees both issues, the stranger none", || async {
        for (token, wanted) in [(reader, 2), (stranger, 0)] {
            let (status, body) = get(&format!("{base}/api/v1/issues"), Some(token))?;
            let total = serde_json::from_str::<Value>(&body).map(|listed| listed["total"].clone());
            ensure!(status == 200 && total.ok() == Some(json!(wanted)), "{status} {body}");
        }
        Ok(())
    })
    .await
}

async fn a_token_sees_the_namespaces_whose_reports_it_may_list(env: &TestEnv) -> Result<()> {
    let (tagwatch, base) = serving(env, "token").await?;
    two_issues(env).await?;
    let (reader, stranger) = reader_and_stranger(env).await?;
    let issues = format!("{base}/api/v1/issues");
    assert_eq!(get(&issues, None)?.0, 401);
    assert_eq!(get(&issues, Some("made-up"))?.0, 401);
    reader_sees_issues_and_stranger_does_not(&base, &reader, &stranger).await?;
    tagwatch.end().await
}

async fn a_link_survives_the_login_in_a_browser(env: &TestEnv) -> Result<()> {
    let browser = Browser::install().await?.map_err(Skipped)?;
    let (tagwatch, base) = serving(env, "token").await?;
    let id = two_issues(env).await?;
    let (reader, stranger) = reader_and_stranger(env).await?;
    reader_sees_issues_and_stranger_does_not(&base, &reader, &stranger).await?;
    let account = |name: &str, token: &str| json!({ "user": format!("system:serviceaccount:{}:{name}", env.namespace()), "token": token });
    let given = json!({
        "origin": base, "path": format!("/issues/{id}"), "namespace": env.namespace(),
        "rule": "stale-pull-policy", "marked": "imagePullPolicy: IfNotPresent",
        "reader": account("reader", &reader), "stranger": account("stranger", &stranger),
    });
    browser.check("served_login", &given).await?;
    tagwatch.end().await
}

/// The addresses within the console that a page links to.
fn links(page: &str) -> impl Iterator<Item = String> {
    let addresses = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    addresses.filter(|address| address.starts_with('/')).map(|address| address.replace("&#38;", "&"))
}

/// The path of an address and the names of its fields: a page is made in the same way for any of their values.
type Shape = (String, BTreeSet<String>);

fn shape(address: &str) -> Shape {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let names = query.split('&').filter_map(|field| field.split('=').next()).filter(|name| !name.is_empty());
    (path.to_owned(), names.map(str::to_owned).collect())
}

/// Addresses that no page links to: of the JSON API, from its document, of what is not there, and of a form.
fn unlinked(api: &Value, namespace: &str, id: &str) -> Result<Vec<String>> {
    let paths = api["paths"].as_object().context("no paths in the document of the API")?;
    let mut addresses: Vec<String> = paths
        .keys()
        .map(|path| {
            let path = path.replace("{id}", id).replace("{namespace}", namespace);
            path.replace("{kind}", "Deployment").replace("{name}", "web")
        })
        .collect();
    ensure!(addresses.iter().all(|path| !path.contains('{')), "a field has no value: {addresses:?}");
    addresses.extend(
        ["/rules/gone", "/namespaces/gone", "/issues/0123456789abcdef0123", "/nothing", "/login"]
            .map(str::to_owned),
    );
    addresses.push(format!("/workloads/{namespace}/Deployment/gone"));
    // A form leads to it.
    addresses.push(format!("/issues/{id}/exemption.yaml"));
    Ok(addresses)
}

/// Requests some addresses and each page that can be reached from there by links. Returns an address of each shape.
fn visit_every_page(base: &str, token: &str, from: &[String]) -> Result<BTreeMap<Shape, String>> {
    let mut waiting = from.to_vec();
    let mut visited = BTreeMap::new();
    while let Some(address) = waiting.pop() {
        let Entry::Vacant(first) = visited.entry(shape(&address)) else { continue };
        first.insert(address.clone());
        ensure!(visited.len() < MAX_PAGES, "pages lead to ever more pages: {visited:?}");
        let (status, body) = get(&format!("{base}{address}"), Some(token))?;
        ensure!(matches!(status, 200 | 404), "{address}: {status}");
        waiting.extend(links(&body));
    }
    Ok(visited)
}

/// On a control plane that has no other tagwatch, so that each of its requests is by this one.
async fn no_page_asks_the_api_server_anything_but_for_rights(env: &TestEnv) -> Result<()> {
    let (tagwatch, base) = serving(env, "token").await?;
    env.create(deployment("fixed", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    let resolved = env.reported("Deployment", "fixed", &FAILS).await?.key_of("stale-pull-policy")?;
    env.patch("Deployment", "fixed", with_image(CLEAN, "IfNotPresent")).await?;
    env.reported("Deployment", "fixed", &PASSES).await?;
    let id = two_issues(env).await?;
    let (reader, stranger) = reader_and_stranger(env).await?;
    reader_sees_issues_and_stranger_does_not(&base, &reader, &stranger).await?;
    let audit = env.audit_log();
    // A watch is in the log when it ends; discovery names no resource.
    let asked = async |mark| -> Result<Requests> {
        let ours = audit.since(mark).await?.matching(|request| request.user_agent.starts_with(AGENT));
        Ok(ours.matching(|request| request.verb != "watch" && !request.resource().is_empty()))
    };
    eventually(LIMIT, "tagwatch has nothing to do of its own", || async {
        let mark = audit.mark().await?;
        get(&format!("{base}/issues"), Some(&reader))?;
        let requests = asked(mark).await?.without_leases_and_reviews();
        ensure!(requests.count() == 0, "{requests}");
        Ok(())
    })
    .await?;
    let (_, document) = get(&format!("{base}/api/v1/openapi.json"), Some(&reader))?;
    let (_, overview) = get(&format!("{base}/"), Some(&reader))?;
    let sections = overview.split_once("<nav").and_then(|(_, rest)| rest.split_once("</nav>"));
    let (sections, _) = sections.context("no sections")?;
    let (resolved, unlinked) =
        (format!("/issues/{resolved}"), unlinked(&serde_json::from_str(&document)?, env.namespace(), &id)?);

    let mark = audit.mark().await?;
    let visited = visit_every_page(&base, &reader, &[&unlinked[..], &["/".to_owned()]].concat())?;
    let addresses: Vec<String> = visited.values().cloned().collect();
    visit_every_page(&base, &stranger, &addresses)?;
    let requests = asked(mark).await?;

    let paths: BTreeSet<&str> = visited.keys().map(|(path, _)| path.as_str()).collect();
    let of_issue =
        ["", "/fix.sh", "/patch.yaml", "/exemption.yaml"].map(|file| format!("/issues/{id}{file}"));
    let exports = ["csv", "json", "md"].map(|extension| format!("/issues.{extension}"));
    let named = [
        resolved,
        "/rules/latest-tag".to_owned(),
        format!("/namespaces/{}", env.namespace()),
        format!("/workloads/{}/Deployment/web", env.namespace()),
        "/api/v1/openapi.json".to_owned(),
    ];
    let sections: Vec<String> = links(sections).collect();
    ensure!(sections.len() > 5, "{sections:?}");
    for expected in sections.iter().chain(&of_issue).chain(&exports).chain(&named).chain(&unlinked) {
        ensure!(paths.contains(expected.as_str()), "{expected} was not visited: {paths:?}");
    }
    for (path, field) in
        [("/issues", "image"), ("/images", "by"), ("/changes", "change"), ("/changes", "since")]
    {
        let is_visited = visited.keys().any(|(known, names)| known == path && names.contains(field));
        ensure!(is_visited, "no page of {path} with {field}: {visited:?}");
    }
    let others = requests.without_leases_and_reviews();
    ensure!(others.count() == 0, "pages asked for more than rights: {others}");
    // Whether they may see the namespace `gone` was asked, once for each.
    ensure!(requests.of_resource("subjectaccessreviews").count() >= 2, "{requests}");
    tagwatch.end().await
}

async fn a_caller_learns_why_a_workload_is_not_there(env: &TestEnv) -> Result<()> {
    let (tagwatch, base) = serving(env, "token").await?;
    two_issues(env).await?;
    let (reader, stranger) = reader_and_stranger(env).await?;
    reader_sees_issues_and_stranger_does_not(&base, &reader, &stranger).await?;
    let page = |path: &str, token: &str| -> Result<String> {
        let (status, page) = get(&format!("{base}{path}"), Some(token))?;
        ensure!(status == 404, "{path}: {status}");
        Ok(page)
    };
    let here = env.namespace();
    for (kind, reason) in [
        ("Deployment", "There is no Deployment gone with containers in the namespace"),
        ("Widget.example.com", "tagwatch does not watch the kind Widget.example.com."),
    ] {
        let path = format!("/workloads/{here}/{kind}/gone");
        let seen = page(&path, &reader)?;
        ensure!(seen.contains(reason), "{seen}");
        // Who may not see the namespace gets the answer of one that does not exist.
        let hidden = page(&path, &stranger)?;
        let none = page(&format!("/workloads/no-such-namespace/{kind}/gone"), &stranger)?;
        // The name of the account, which is on the page, holds the namespace too.
        let plain = |page: String| page.replace("no-such-namespace", here);
        assert_eq!(plain(hidden), plain(none));
    }
    tagwatch.end().await
}
