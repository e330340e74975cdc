//! The console in a real Chromium. Each check is a script in `e2e/browser/checks`. `hack/browser.sh` installs what they
//! need; where it cannot, the checks are reported as ignored.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "helpers of tests are no tests to clippy")]

mod fixture;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::json;
use tagwatch_console::{Authorizer, Options, router};
use tagwatch_e2e::Browser;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::fixture::{Fixed, Tokens};

/// Every check of a console that shows a fixture.
const CHECKS: [&str; 13] = [
    "accessible",
    "changes",
    "donuts_filter",
    "fits_the_window",
    "hostile_text",
    "issue_page",
    "keyboard",
    "login",
    "long_images",
    "no_foreign_request",
    "screenshots",
    "ten_thousand_issues",
    "without_script",
];

fn main() -> Result<()> {
    let arguments = Arguments::from_args();
    // Listing the tests needs no browser.
    if arguments.list {
        let trials = CHECKS.map(|name| Trial::test(name, || Ok(()))).into();
        libtest_mimic::run(&arguments, trials).exit();
    }
    let runtime = Runtime::new()?;
    let browser = runtime.block_on(Browser::install())?;
    let given = json!({ "consoles": runtime.block_on(serve_all())? });
    let trials = CHECKS.map(|name| {
        let (browser, given, runtime) = (browser.clone(), given.clone(), runtime.handle().clone());
        Trial::ignorable_test(name, move || match browser {
            Ok(browser) => {
                let checked = runtime.block_on(browser.check(name, &given)).map_err(failed)?;
                println!("{}", checked.said);
                Ok(Completion::Completed)
            }
            Err(reason) => Ok(Completion::ignored_with(reason)),
        })
    });
    // One browser at a time: they are large.
    let arguments = Arguments { test_threads: Some(arguments.test_threads.unwrap_or(1)), ..arguments };
    libtest_mimic::run(&arguments, trials.into()).exit();
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn failed(error: anyhow::Error) -> Failed {
    Failed::from(format!("{error:#}"))
}

/// The name of a fixture, what it shows, and who may see it.
type Served = (&'static str, Arc<Fixed>, Option<Arc<dyn Authorizer>>);

/// One console for each fixture, by name.
async fn serve_all() -> Result<BTreeMap<&'static str, String>> {
    let consoles: [Served; 9] = [
        ("demo", Fixed::new(fixture::demo()), None),
        ("three", Fixed::new(fixture::three()), None),
        ("many", Fixed::new(fixture::many(10_000)), None),
        ("empty", Fixed::new(fixture::empty()), None),
        ("green", Fixed::new(fixture::green()), None),
        ("hostile", Fixed::new(fixture::hostile()), None),
        ("long", Fixed::new(fixture::long()), None),
        ("sick", Fixed::with_health(fixture::with_failed(), fixture::sick()), None),
        ("guarded", Fixed::new(fixture::demo()), Some(Arc::new(Tokens::new()))),
    ];
    let mut addresses = BTreeMap::new();
    for (name, source, authorizer) in consoles {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        addresses.insert(name, format!("http://{}", listener.local_addr()?));
        let console = router(source, authorizer, Options::default());
        let service = console.into_make_service_with_connect_info::<SocketAddr>();
        // Ends with the process.
        tokio::spawn(async move { axum::serve(listener, service).await });
    }
    Ok(addresses)
}
