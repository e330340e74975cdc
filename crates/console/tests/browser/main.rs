//! The console in a real Chromium. Each check is a script in `e2e/browser/checks`; what they need is installed by
//! `hack/browser.sh`, and where it cannot be, they are named as ignored.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "helpers of tests are no tests to clippy")]

#[path = "../fixture/mod.rs"]
mod fixture;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use tagwatch_console::{Authorizer, Facts, OpenToAll, Options, router};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::fixture::{Fixed, Tokens};

/// Every check.
const CHECKS: [&str; 11] = [
    "accessible",
    "donuts_filter",
    "fits_the_window",
    "hostile_text",
    "issue_page",
    "keyboard",
    "login",
    "no_foreign_request",
    "screenshots",
    "ten_thousand_issues",
    "without_script",
];

/// Status of `hack/browser.sh` where there is no browser to be had.
const CANNOT_INSTALL: i32 = 3;

fn main() -> Result<()> {
    let arguments = Arguments::from_args();
    // A list needs no browser.
    if arguments.list {
        let trials = CHECKS.map(|name| Trial::test(name, || Ok(()))).into();
        libtest_mimic::run(&arguments, trials).exit();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let packages = packages(&root)?;
    let runtime = Runtime::new()?;
    let consoles = serde_json::to_string(&runtime.block_on(serve_all())?)?;
    let trials = CHECKS.map(|name| {
        let (root, packages, consoles) = (root.clone(), packages.clone(), consoles.clone());
        let is_ignored = packages.is_none();
        let check = move || {
            let packages = packages.context("no browser is installed").map_err(failed)?;
            run(name, &root, &packages, &consoles).map_err(failed)
        };
        Trial::test(name, check).with_ignored_flag(is_ignored)
    });
    // One browser at a time: they are large, and one of the checks takes times.
    let mut arguments = Arguments { test_threads: Some(arguments.test_threads.unwrap_or(1)), ..arguments };
    if packages.is_none() {
        // Whoever asks for ignored tests means those of others, which this machine has what it takes for.
        (arguments.include_ignored, arguments.ignored) = (false, false);
    }
    libtest_mimic::run(&arguments, trials.into()).exit();
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn failed(error: anyhow::Error) -> Failed {
    Failed::from(format!("{error:#}"))
}

/// The folder of the packages; `None` where they cannot be installed, which has been said then.
fn packages(root: &Path) -> Result<Option<PathBuf>> {
    let script = root.join("hack/browser.sh");
    let output = Command::new(&script).stderr(Stdio::inherit()).output().context("hack/browser.sh")?;
    if output.status.code() == Some(CANNOT_INSTALL) {
        return Ok(None);
    }
    ensure!(output.status.success(), "hack/browser.sh: {}", output.status);
    Ok(Some(PathBuf::from(String::from_utf8(output.stdout)?.trim())))
}

fn run(name: &str, root: &Path, packages: &Path, consoles: &str) -> Result<()> {
    let output = Command::new("node")
        .arg(root.join("e2e/browser/check.mjs"))
        .arg(name)
        .env("TAGWATCH_BROWSER", packages)
        .env("TAGWATCH_CONSOLES", consoles)
        .stdin(Stdio::null())
        .output()
        .context("node")?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("{}\n{said}", output.status);
    }
    print!("{said}");
    Ok(())
}

/// One console for each fixture, by name.
async fn serve_all() -> Result<BTreeMap<&'static str, String>> {
    let open: Arc<dyn Authorizer> = Arc::new(OpenToAll);
    let consoles: [(&str, Facts, Arc<dyn Authorizer>); 7] = [
        ("demo", fixture::demo(), open.clone()),
        ("three", fixture::three(), open.clone()),
        ("many", fixture::many(10_000), open.clone()),
        ("empty", fixture::empty(), open.clone()),
        ("green", fixture::green(), open.clone()),
        ("hostile", fixture::hostile(), open),
        ("guarded", fixture::demo(), Arc::new(Tokens::new())),
    ];
    let mut addresses = BTreeMap::new();
    for (name, facts, authorizer) in consoles {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        addresses.insert(name, format!("http://{}", listener.local_addr()?));
        let console = router(Fixed::new(facts), authorizer, Options::default());
        let service = console.into_make_service_with_connect_info::<SocketAddr>();
        // Ends with the runtime, that is with this process.
        tokio::spawn(async move { axum::serve(listener, service).await });
    }
    Ok(addresses)
}
