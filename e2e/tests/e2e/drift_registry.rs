//! `outdated-image`: what a registry says of a tag, and what comes of registries that say something else.

use std::{
    fs,
    io::Cursor,
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use libtest_mimic::Trial;
use serde_json::json;
use sha2::{Digest, Sha256};
use tagwatch_e2e::{Kubelet, eventually};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::{Child, Command},
    task::JoinHandle,
};

use crate::{
    controller::Controller,
    drift_fleet::{PROVEN, known_apart},
    objects::{PASSES, deployment, pulled},
    policies::TagPolicy,
    report::Report,
    runner::shared,
    test_env::{LIMIT, Skipped, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(registry_with_another_image_is_reported),
        shared(answer_older_than_a_rollout_is_not_compared_with_it),
        shared(registries_that_do_not_answer_well_are_unknown),
        shared(private_address_that_is_not_listed_is_not_asked),
    ]
}

const PROGRAM: &str = "docker-registry";
/// The port is free when it is chosen, but another process may take it first.
const ATTEMPTS: usize = 3;

/// A real registry on the loopback interface. It ends when this is dropped.
struct Registry {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Cursor<Vec<u8>>>>,
    _process: Child,
    _folder: TempDir,
}

impl Registry {
    /// # Errors
    /// [`Skipped`] where there is no such program.
    async fn start() -> Result<Self> {
        let mut failure = anyhow!("no attempt");
        for _ in 0..ATTEMPTS {
            match Self::start_on_a_port().await {
                Err(error) if !error.is::<Skipped>() => failure = error,
                outcome => return outcome,
            }
        }
        Err(failure)
    }

    async fn start_on_a_port() -> Result<Self> {
        let folder = TempDir::with_prefix("tagwatch-registry-")?;
        let address = free_address().await?;
        let configuration = folder.path().join("config.yml");
        let text = json!({
            "version": 0.1, "log": { "level": "error" },
            "storage": { "filesystem": { "rootdirectory": folder.path().join("data") } },
            "http": { "addr": address.to_string() },
        });
        fs::write(&configuration, text.to_string())?;
        let started = Command::new(PROGRAM)
            .arg("serve")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut process = match started {
            Err(failure) if failure.kind() == std::io::ErrorKind::NotFound => {
                return Err(
                    Skipped(format!("there is no {PROGRAM}; hack/docker-registry.sh installs it")).into()
                );
            }
            started => started.context(PROGRAM)?,
        };
        let client = Client::builder(TokioExecutor::new()).build_http();
        let url: Uri = format!("http://{address}/v2/").parse()?;
        let serves = eventually(LIMIT, "the registry serves", || async {
            let answer = client.get(url.clone()).await?;
            ensure!(answer.status().is_success(), "{}", answer.status());
            Ok(())
        });
        tokio::select! {
            outcome = serves => outcome?,
            ended = process.wait() => bail!("the registry ended: {}", ended?),
        }
        Ok(Self { address, client, _process: process, _folder: folder })
    }

    async fn send(&self, method: Method, path: &str, kind: &str, body: Vec<u8>) -> Result<header::HeaderMap> {
        let uri = if path.starts_with("http://") {
            path.to_owned()
        } else {
            format!("http://{}{path}", self.address)
        };
        let request = Request::builder().method(method).uri(&uri).header(header::CONTENT_TYPE, kind);
        let response = self.client.request(request.body(Full::new(Cursor::new(body)))?).await?;
        let (parts, body) = response.into_parts();
        let text = body.collect().await?.to_bytes();
        ensure!(parts.status.is_success(), "{uri}: {}: {}", parts.status, String::from_utf8_lossy(&text));
        Ok(parts.headers)
    }

    /// Pushes an image without layers, with content of its own, and returns its digest.
    async fn push(&self, repository: &str, tag: &str, content: &str) -> Result<String> {
        let config = json!({ "architecture": "amd64", "os": "linux", "author": content }).to_string();
        let config_digest = digest(config.as_bytes());
        let begun =
            self.send(Method::POST, &format!("/v2/{repository}/blobs/uploads/"), "", Vec::new()).await?;
        let place = begun.get(header::LOCATION).context("no place to upload to")?.to_str()?.to_owned();
        let joint = if place.contains('?') { '&' } else { '?' };
        let place = format!("{place}{joint}digest={config_digest}");
        self.send(Method::PUT, &place, "application/octet-stream", config.clone().into_bytes()).await?;
        let kind = "application/vnd.docker.distribution.manifest.v2+json";
        let manifest = json!({
            "schemaVersion": 2, "mediaType": kind, "layers": [],
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": config.len(), "digest": config_digest,
            },
        })
        .to_string();
        let path = format!("/v2/{repository}/manifests/{tag}");
        self.send(Method::PUT, &path, kind, manifest.clone().into_bytes()).await?;
        Ok(digest(manifest.as_bytes()))
    }
}

fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold("sha256:".to_owned(), |digest, byte| digest + &format!("{byte:02x}"))
}

async fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?)
}

/// tagwatch that may ask these registries on the loopback interface.
async fn asking(env: &TestEnv, registries: &[SocketAddr], networks: &[&str]) -> Result<Controller> {
    let policy = TagPolicy::of(env);
    policy.create(json!({ "rules": { "outdated-image": {} } })).await?;
    let registries: Vec<String> = registries.iter().map(|address| format!("http://{address}")).collect();
    let registries = registries.join(",");
    let mut arguments =
        vec!["--namespaces", env.namespace(), "--policy", policy.name(), "--registries", &registries];
    arguments.extend(networks);
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    Ok(tagwatch)
}

/// A Deployment whose pod runs the last of these digests of an image. Its node has pulled the others before.
async fn running(env: &TestEnv, name: &str, image: &str, digests: &[&str]) -> Result<()> {
    let node = format!("{}-{name}", env.namespace());
    let digest = (*digests.last().context("no digest")?).to_owned();
    let kubelet = Kubelet::new(env.client(), &node).with_digests(move |_| digest.clone()).binding();
    let (repository, _tag) = image.rsplit_once(':').context("no tag")?;
    kubelet.register_node(known_apart(repository, digests.iter().map(|&digest| digest.to_owned()))).await?;
    env.create(deployment(name, 1, &[pulled("web", image, "IfNotPresent")])).await?;
    let pod = env.pod_of(name).await?;
    kubelet.run_pod(env.namespace(), &pod).await.map(drop)
}

fn message(report: &Report) -> Result<String> {
    let found = report.results().iter().find(|result| result["rule"] == "outdated-image");
    Ok(found.context("no outdated-image")?["message"].as_str().unwrap_or_default().to_owned())
}

async fn registry_with_another_image_is_reported(env: &TestEnv) -> Result<()> {
    let registry = Registry::start().await?;
    let same = registry.push("shop/web", "1.27.3", "first").await?;
    let old = registry.push("shop/api", "1.27.3", "first api").await?;
    let new = registry.push("shop/api", "1.27.3", "pushed again").await?;
    let image = |repository: &str| format!("{}/{repository}:1.27.3", registry.address);
    running(env, "web", &image("shop/web"), &[&same]).await?;
    running(env, "api", &image("shop/api"), &[&old]).await?;
    running(env, "gone", &image("shop/gone"), &[&old]).await?;
    let tagwatch = asking(env, &[registry.address], &["--registry-networks", "127.0.0.0/8"]).await?;
    let outdated = [PASSES[0], PASSES[1], "web outdated-image warn"];
    let report = env.reported("Deployment", "api", &outdated).await?;
    let said = message(&report)?;
    assert!(said.contains(&new[..19]) && said.contains("which no pod runs"), "{said}");
    let unknown = [PASSES[0], PASSES[1], "web outdated-image error"];
    let report = env.reported("Deployment", "gone", &unknown).await?;
    let said = message(&report)?;
    assert!(said.contains("it has no such tag (404)"), "{said}");
    tagwatch.counts("tagwatch_registry_requests_total", &[("outcome", "ok")], 2.0).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    tagwatch.end().await
}

async fn answer_older_than_a_rollout_is_not_compared_with_it(env: &TestEnv) -> Result<()> {
    let registry = Registry::start().await?;
    let old = registry.push("shop/web", "1.27.3", "first").await?;
    let image = format!("{}/shop/web:1.27.3", registry.address);
    running(env, "before", &image, &[&old]).await?;
    let tagwatch = asking(env, &[registry.address], &["--registry-networks", "127.0.0.0/8"]).await?;
    tagwatch.counts("tagwatch_registry_requests_total", &[("outcome", "ok")], 1.0).await?;
    let new = registry.push("shop/web", "1.27.3", "pushed again").await?;
    running(env, "after", &image, &[&old, &new]).await?;
    // The registry is asked again long before the hour is over: else `after` would be the outdated one.
    tagwatch.counts("tagwatch_registry_requests_total", &[("outcome", "ok")], 2.0).await?;
    env.reported("Deployment", "after", &[PROVEN[0], PROVEN[1], "web moved-tag fail"]).await?;
    let both = [PROVEN[0], PROVEN[1], "web moved-tag fail", "web outdated-image warn"];
    env.reported("Deployment", "before", &both).await?;
    tagwatch.end().await
}

/// Answers every connection with these bytes, or never.
async fn stand_in(answer: Option<&'static str>) -> Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            match answer {
                Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                None => held.push(stream),
            }
        }
    });
    Ok((address, serving))
}

async fn registries_that_do_not_answer_well_are_unknown(env: &TestEnv) -> Result<()> {
    let redirect = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/latest/meta-data\r\n\
        Content-Length: 0\r\nConnection: close\r\n\r\n";
    let nothing = "HTTP/1.1 200 OK\r\nDocker-Content-Digest: latest\r\nConnection: close\r\n\r\n";
    let busy = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let refuses = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let cases = [
        ("redirects", Some(redirect), "it redirects, which is not followed (307)"),
        ("nonsense", Some("\u{1b}[31m220 hello\r\n"), "its answer is no HTTP"),
        ("no-digest", Some(nothing), "it names no digest"),
        ("busy", Some(busy), "it limits requests (429)"),
        ("refuses", Some(refuses), "it asks for credentials (401)"),
        ("silent", None, "no answer within 10 s"),
    ];
    let mut registries = Vec::new();
    for (name, answer, _) in cases {
        let (address, serving) = stand_in(answer).await?;
        running(env, name, &format!("{address}/shop/web:1.27.3"), &[&digest(b"any")]).await?;
        registries.push((address, serving));
    }
    let addresses: Vec<SocketAddr> = registries.iter().map(|(address, _)| *address).collect();
    let tagwatch = asking(env, &addresses, &["--registry-networks", "127.0.0.0/8"]).await?;
    let unknown = [PASSES[0], PASSES[1], "web outdated-image error"];
    for (name, _, reason) in cases {
        let report = env.reported_within(Duration::from_mins(1), "Deployment", name, &unknown).await?;
        let said = message(&report)?;
        ensure!(said.contains(reason), "{name}: {said}");
    }
    tagwatch.end().await?;
    for (_, serving) in registries {
        serving.abort();
    }
    Ok(())
}

async fn private_address_that_is_not_listed_is_not_asked(env: &TestEnv) -> Result<()> {
    let (address, serving) = stand_in(Some("HTTP/1.1 200 OK\r\n\r\n")).await?;
    running(env, "web", &format!("{address}/shop/web:1.27.3"), &[&digest(b"any")]).await?;
    let tagwatch = asking(env, &[address], &[]).await?;
    let report =
        env.reported("Deployment", "web", &[PASSES[0], PASSES[1], "web outdated-image error"]).await?;
    let said = message(&report)?;
    assert!(said.contains("its address is private and not listed"), "{said}");
    tagwatch.end().await?;
    serving.abort();
    Ok(())
}
