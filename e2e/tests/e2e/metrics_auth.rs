//! Who may read `/metrics`, decided by a real API server.

use std::{
    fs,
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::future;
use http::StatusCode;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams};
use libtest_mimic::Trial;
use serde_json::json;
use tagwatch_e2e::{Component, Identity, Request, eventually, get, samples::config, write_certificate};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};

use crate::{
    controller::Controller,
    https::Connection,
    runner::{own, shared},
    test_env::{AGENT, LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(none_is_401_wrong_is_403_right_is_200),
        shared(probes_need_no_token_and_plain_http_gets_nothing),
        own(made_up_tokens_cause_few_reviews_and_lock_out_no_reader),
        own(tokens_from_a_scrapers_own_address_lock_out_none_of_its_renewed_ones),
        own(access_is_denied_while_the_api_server_is_down),
        shared(a_new_certificate_is_shown_without_a_restart),
        shared(a_token_for_tagwatch_opens_nothing_else),
        shared(silent_connections_keep_no_scraper_and_no_probe_out),
    ]
}

const WITH_TOKEN: &str = "--metrics-auth=token";

impl TestEnv {
    /// `tagwatch run` that asks for tokens.
    async fn guarded(&self, arguments: &[&str]) -> Result<Controller> {
        let all = [&[WITH_TOKEN, "--namespaces", self.namespace()], arguments].concat();
        self.tagwatch_with(&all).await
    }

    /// A service account of the test's namespace, and a token of it.
    async fn account(&self, name: &str) -> Result<String> {
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } });
        self.create(account).await?;
        self.token(name).await
    }

    /// Another token of an account.
    async fn token(&self, name: &str) -> Result<String> {
        self.token_for(name, &[]).await
    }

    /// Another token of an account for these audiences, as `kubectl create token --audience` requests it; without one for
    /// the API server.
    async fn token_for(&self, name: &str, audiences: &[&str]) -> Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), self.namespace());
        let audiences = Some(audiences.iter().map(|&audience| audience.to_owned()).collect());
        let spec =
            TokenRequestSpec { expiration_seconds: Some(3_600), audiences, ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await?;
        Ok(answer.status.and_then(|status| status.token).unwrap_or_default())
    }

    /// An account that may read, by the role that we ship.
    async fn reader(&self) -> Result<String> {
        let role = config("rbac/metrics_reader.yaml").display().to_string();
        self.cluster().control_plane.kubectl(&["apply", "-f", &role]).await?;
        let token = self.account("prometheus").await?;
        let name = format!("metrics-reader-{}", self.namespace());
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tagwatch-metrics-reader" },
            "subjects": [{ "kind": "ServiceAccount", "name": "prometheus", "namespace": self.namespace() }],
        });
        self.create_cluster_wide(binding).await?;
        Ok(token)
    }

    /// Reviews that tagwatch has asked for since the test began, by resource.
    async fn reviews(&self) -> Result<[usize; 2]> {
        let requests = self.requests().await?.by_agent(AGENT)?;
        Ok(["tokenreviews", "subjectaccessreviews"].map(|resource| requests.of_resource(resource).count()))
    }
}

/// Waits until a token is let in: what RBAC grants takes a moment, and a refusal is remembered for ten seconds.
async fn let_in(tagwatch: &Controller, token: &str) -> Result<String> {
    eventually(LIMIT, "the token is let in", || async {
        let (status, body) = Connection::open(tagwatch.address()).await?.get("/metrics", Some(token)).await?;
        ensure!(status == StatusCode::OK, "{status}: {body}");
        Ok(body)
    })
    .await
}

async fn none_is_401_wrong_is_403_right_is_200(env: &TestEnv) -> Result<()> {
    let tagwatch = env.guarded(&[]).await?;
    let right = env.reader().await?;
    let wrong = env.account("without-rights").await?;
    let mut connection = Connection::open(tagwatch.address()).await?;
    for (token, expected) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("made-up"), StatusCode::UNAUTHORIZED),
        (Some(wrong.as_str()), StatusCode::FORBIDDEN),
    ] {
        let (status, body) = connection.get("/metrics", token).await?;
        assert_eq!(status, expected, "{body}");
        ensure!(!body.contains("tagwatch_"), "{body}");
    }
    let metrics = let_in(&tagwatch, &right).await?;
    ensure!(metrics.contains("\ntagwatch_build_info{"), "{metrics}");
    tagwatch.end().await
}

async fn probes_need_no_token_and_plain_http_gets_nothing(env: &TestEnv) -> Result<()> {
    let tagwatch = env.guarded(&[]).await?;
    let mut connection = Connection::open(tagwatch.address()).await?;
    for path in ["/livez", "/readyz"] {
        let answers = eventually(LIMIT, path, async || {
            let (status, body) = Connection::open(tagwatch.address()).await?.get(path, None).await?;
            ensure!(status == StatusCode::OK, "{status}: {body}");
            Ok(())
        });
        answers.await?;
    }
    assert_eq!(connection.get("/elsewhere", None).await?.0, StatusCode::NOT_FOUND);
    ensure!(tagwatch.get("/metrics").await.is_err(), "plain HTTP was answered");
    tagwatch.end().await
}

/// Both kinds of reviews, by whatever account is known.
pub(crate) async fn asks_for_a_review(env: &TestEnv) -> Result<()> {
    let tagwatch = env.guarded(&[]).await?;
    let known = env.account("known").await?;
    let mut connection = Connection::open(tagwatch.address()).await?;
    let (status, body) = connection.get("/metrics", Some(&known)).await?;
    assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
    tagwatch.end().await
}

async fn a_token_for_tagwatch_opens_nothing_else(env: &TestEnv) -> Result<()> {
    let tagwatch = env.guarded(&[]).await?;
    let for_the_api = env.reader().await?;
    let for_us = env.token_for("prometheus", &["tagwatch"]).await?;
    let for_others = env.token_for("prometheus", &["vault"]).await?;
    for token in [&for_us, &for_the_api] {
        let_in(&tagwatch, token).await?;
    }
    let mut connection = Connection::open(tagwatch.address()).await?;
    assert_eq!(connection.get("/metrics", Some(&for_others)).await?.0, StatusCode::UNAUTHORIZED);
    // A client that intercepts it gets nothing from the API server.
    let review = async |token: &str| {
        let client = env.cluster().control_plane.client_as(Identity::Token(token)).await?;
        let review = http::Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
            .header("content-type", "application/json")
            .body(br#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#.to_vec())?;
        anyhow::Ok(client.request_text(review).await.map_err(|error| format!("{error:?}")))
    };
    ensure!(review(&for_the_api).await?.is_ok());
    let refused = review(&for_us).await?.expect_err("the API server takes a token for tagwatch");
    ensure!(refused.contains("401"), "{refused}");

    // The name is a choice.
    let other = env.guarded(&["--token-audience=vault"]).await?;
    let_in(&other, &for_others).await?;
    let mut connection = Connection::open(other.address()).await?;
    assert_eq!(connection.get("/metrics", Some(&for_us)).await?.0, StatusCode::UNAUTHORIZED);
    other.end().await?;
    tagwatch.end().await
}

/// More than may be open at a time.
const SILENT: usize = 300;
/// A kubelet waits so long for a probe, in what `config/controller` says.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

async fn silent_connections_keep_no_scraper_and_no_probe_out(env: &TestEnv) -> Result<()> {
    let folder = TempDir::with_prefix("tagwatch-health-")?;
    let file = folder.path().join("address");
    let health_file = format!("--health-address-file={}", file.display());
    let tagwatch = env.guarded(&["--health-address=127.0.0.1:0", &health_file]).await?;
    let reader = env.reader().await?;
    let_in(&tagwatch, &reader).await?;
    // The metrics may be served first.
    let health = async || -> Result<SocketAddr> { Ok(fs::read_to_string(&file)?.trim_end().parse()?) };
    let health = eventually(LIMIT, "the probes are served", health).await?;
    let mut silent = Vec::new();
    for address in [tagwatch.address(), health] {
        for _ in 0..SILENT {
            silent.push(TcpStream::connect(address).await?);
        }
    }
    let scrape = async { Connection::open(tagwatch.address()).await?.get("/metrics", Some(&reader)).await };
    let (status, metrics) = timeout(PROBE_LIMIT, scrape).await.context("no scrape in time")??;
    assert_eq!(status, StatusCode::OK, "{metrics}");
    ensure!(
        metrics.contains("\ntagwatch_server_connections_closed_total{reason=\"bound\",server=\"metrics\"}")
    );
    let probe = get(format!("http://{health}/livez").parse()?);
    assert_eq!(timeout(PROBE_LIMIT, probe).await.context("no probe in time")??.status(), StatusCode::OK);
    // The metrics are not served there.
    let elsewhere = get(format!("http://{health}/metrics").parse()?).await?;
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
    drop(silent);
    tagwatch.end().await
}

/// Tokens that the API server did not issue.
const MADE_UP: usize = 10_000;
/// Reviews of unknown tokens at once; after that one a second.
const BURST: usize = 10;

async fn made_up_tokens_cause_few_reviews_and_lock_out_no_reader(env: &TestEnv) -> Result<()> {
    let tagwatch = env.guarded(&[]).await?;
    let right = env.reader().await?;
    let_in(&tagwatch, &right).await?;
    let [before, _] = env.reviews().await?;

    let began = Instant::now();
    let mut connection = Connection::open(tagwatch.address()).await?;
    let mut refused = 0;
    for number in 0..MADE_UP {
        let (status, body) = connection.get("/metrics", Some(&format!("made-up-{number}"))).await?;
        ensure!(
            matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS),
            "{status}: {body}"
        );
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    let [after, _] = env.reviews().await?;
    let budget = BURST + usize::try_from(began.elapsed().as_secs())? + 1;
    ensure!((1..=budget).contains(&(after - before)), "{} reviews of {budget}", after - before);
    ensure!(refused >= MADE_UP - budget, "{refused} were refused unseen");

    // One token in many requests at once is reviewed once, and allowed tokens stay allowed.
    let mut connections = future::try_join_all((0..8).map(|_| Connection::open(tagwatch.address()))).await?;
    let scrapes = connections.iter_mut().map(|connection| connection.get("/metrics", Some(&right)));
    for (status, body) in future::try_join_all(scrapes).await? {
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    tagwatch.end().await
}

/// Connections of others, and how many of their tokens are refused unseen before the scraper's token is renewed.
const OTHERS: usize = 8;
const REFUSED: usize = 2_000;
/// A scrape times out after this, by Prometheus' default.
const SCRAPE_LIMIT: Duration = Duration::from_secs(10);

/// A token that the API server did not issue: none of its form, or one with its header, the scraper's claims and another
/// signature.
fn made_up(genuine: &str, number: usize) -> Result<String> {
    if number.is_multiple_of(4) {
        return Ok(format!("made-up-{number}"));
    }
    let (signed, signature) = genuine.rsplit_once('.').context("no JSON Web Token")?;
    let digits = format!("{number:08}");
    ensure!(signature.len() > 2 * digits.len(), "{signature}");
    Ok(format!("{signed}.{digits}{}", &signature[digits.len()..]))
}

/// Everything here comes from one address, as with `hostNetwork` or behind a proxy.
async fn tokens_from_a_scrapers_own_address_lock_out_none_of_its_renewed_ones(env: &TestEnv) -> Result<()> {
    let tagwatch = env.guarded(&[]).await?;
    let first = env.reader().await?;
    let_in(&tagwatch, &first).await?;
    let [before, _] = env.reviews().await?;
    let began = Instant::now();
    let (refused, sent, is_over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let others = (0..OTHERS).map(async |_| {
        let mut connection = Connection::open(tagwatch.address()).await?;
        while !is_over.load(Ordering::Relaxed) {
            let token = made_up(&first, sent.fetch_add(1, Ordering::Relaxed))?;
            let (status, body) = connection.get("/metrics", Some(&token)).await?;
            let is_refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS);
            ensure!(is_refused, "{status}: {body}");
            refused.fetch_add(usize::from(status == StatusCode::TOO_MANY_REQUESTS), Ordering::Relaxed);
        }
        anyhow::Ok(())
    });
    let renewals = async {
        for audiences in [&[] as &[&str], &["tagwatch"], &[]] {
            let already = refused.load(Ordering::Relaxed);
            eventually(LIMIT, "the budget of the address is spent", async || {
                let now = refused.load(Ordering::Relaxed);
                ensure!(now >= already + REFUSED, "{now} of {already} + {REFUSED}");
                Ok(())
            })
            .await?;
            let renewed = env.token_for("prometheus", audiences).await?;
            let scrape =
                async { Connection::open(tagwatch.address()).await?.get("/metrics", Some(&renewed)).await };
            let (status, body) = timeout(SCRAPE_LIMIT, scrape).await.context("no scrape in time")??;
            assert_eq!(status, StatusCode::OK, "{body}");
        }
        // Of an account that tagwatch has not seen before, which may not read them.
        let newcomer = env.account("newcomer").await?;
        let (status, body) =
            Connection::open(tagwatch.address()).await?.get("/metrics", Some(&newcomer)).await?;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
        is_over.store(true, Ordering::Relaxed);
        anyhow::Ok(())
    };
    future::try_join(future::try_join_all(others), renewals).await?;
    let [after, _] = env.reviews().await?;
    let elapsed = usize::try_from(began.elapsed().as_secs())?;
    // Those of the address, the genuine tokens, and the first one, whose decision may expire.
    let budget = BURST + elapsed + 1 + 4 + 1 + elapsed / 60;
    ensure!((1..=budget).contains(&(after - before)), "{} reviews of {budget}", after - before);
    let keys = env.requests().await?.by_agent(AGENT)?.matching(|request| request.uri == "/openid/v1/jwks");
    assert_eq!(keys.matching(Request::is_ok).count(), keys.count(), "{keys}");
    ensure!((1..=1 + elapsed / 60).contains(&keys.count()), "{keys}");
    tagwatch.logs_once("new tokens of service accounts are recognised by their signatures").await?;
    tagwatch.end().await
}

async fn access_is_denied_while_the_api_server_is_down(env: &TestEnv) -> Result<()> {
    let tagwatch = env.guarded(&[]).await?;
    env.reader().await?;
    let fresh = env.token("prometheus").await?;
    let control_plane = &env.cluster().control_plane;
    control_plane.kill(Component::ApiServer).await?;
    let mut connection = Connection::open(tagwatch.address()).await?;
    let (status, body) = connection.get("/metrics", Some(&fresh)).await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(connection.get("/metrics", None).await?.0, StatusCode::UNAUTHORIZED);
    assert_eq!(connection.get("/livez", None).await?.0, StatusCode::OK);
    control_plane.restart(Component::ApiServer).await?;
    let_in(&tagwatch, &fresh).await?;
    tagwatch.end().await
}

/// A file is read again within this.
const ROTATED: Duration = Duration::from_secs(15);

async fn a_new_certificate_is_shown_without_a_restart(env: &TestEnv) -> Result<()> {
    let folder = TempDir::with_prefix("tagwatch-tls-")?;
    let first = write_certificate(folder.path())?;
    let [certificate, key] =
        ["tls.crt", "tls.key"].map(|name| folder.path().join(name).display().to_string());
    let tagwatch = env.guarded(&["--metrics-tls-cert", &certificate, "--metrics-tls-key", &key]).await?;
    let shown = async || anyhow::Ok(Connection::open(tagwatch.address()).await?.certificate().to_vec());
    assert_eq!(shown().await?, first);

    // Half a pair is no pair: the old one stays.
    fs::write(&certificate, "no certificate")?;
    let reported = eventually(ROTATED, "the broken file is reported", async || {
        let stays = tagwatch.logged("the certificate of the metrics stays as it was")?;
        ensure!(stays > 0, "nothing is logged");
        Ok(())
    });
    reported.await?;
    assert_eq!(shown().await?, first);

    let second = write_certificate(folder.path())?;
    let rotated = eventually(ROTATED, "the new certificate is shown", async || {
        ensure!(shown().await? == second, "the old one is");
        Ok(())
    });
    rotated.await?;
    tagwatch.end().await
}
