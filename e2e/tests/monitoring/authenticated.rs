//! A real Prometheus reads `/metrics` by TLS and a token, as docs/monitoring.md says.

use std::fs;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{CERTIFICATE_NAME, Identity, checkout, eventually, samples::config, write_certificate};
use tempfile::TempDir;

use crate::{
    programs::{folder, prometheus},
    runner::test,
    stage::{LIMIT, Stage},
};

const NAMESPACE: &str = "monitoring";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(the_readers_token_is_let_in_and_another_is_not),
        test(the_documented_scrape_reads_a_tagwatch_with_a_certificate_of_its_own),
    ]
}

impl Stage {
    /// The accounts `prometheus`, which may read the metrics by the role that we ship, and `without-rights`, who may not.
    async fn with_accounts(&self) -> Result<()> {
        let role = config("rbac/metrics_reader.yaml").display().to_string();
        let bind = documented("kubectl create clusterrolebinding")?;
        for command in [
            &format!("create namespace {NAMESPACE}"),
            &format!("create serviceaccount prometheus -n {NAMESPACE}"),
            &format!("create serviceaccount without-rights -n {NAMESPACE}"),
            &format!("apply -f {role}"),
            bind.trim().strip_prefix("kubectl ").context("no kubectl")?,
        ] {
            self.kubectl.run(command.split(' ')).await?;
        }
        Ok(())
    }

    /// A token of an account, in a file.
    async fn token_file(&self, name: &str, folder: &TempDir) -> Result<String> {
        let account = Identity::ServiceAccount { namespace: NAMESPACE, name };
        let file = folder.path().join(name);
        fs::write(&file, self.control_plane.token_of(account).await?)?;
        Ok(file.display().to_string())
    }

    /// The documented scrape of this tagwatch, with this token.
    fn documented_scrape(&self, token_file: &str) -> Result<Value> {
        let mut config: Value = serde_saphyr::from_str(&documented("scrape_configs:")?)?;
        config["global"] = json!({ "scrape_interval": "1s" });
        config["rule_files"] = json!([checkout().join("config/monitoring/rules.yaml")]);
        let job = &mut config["scrape_configs"][0];
        for (pointer, value) in [
            ("/authorization/credentials_file", json!(token_file)),
            ("/static_configs/0/targets/0", json!(self.tagwatch.address().to_string())),
        ] {
            *job.pointer_mut(pointer).with_context(|| format!("no {pointer} in docs/monitoring.md"))? = value;
        }
        Ok(config)
    }
}

/// The block of docs/monitoring.md that begins so.
fn documented(begin: &str) -> Result<String> {
    let page = fs::read_to_string(checkout().join("docs/monitoring.md"))?;
    let blocks = page.split("```").skip(1).step_by(2);
    let mut texts = blocks.filter_map(|block| block.split_once('\n')).map(|(_language, text)| text);
    let found = texts.find(|text| text.trim_start().starts_with(begin));
    Ok(found.with_context(|| format!("docs/monitoring.md: no block {begin}"))?.to_owned())
}

/// A scrape needs to verify the certificate and to send the token of an account with the right.
async fn the_readers_token_is_let_in_and_another_is_not() -> Result<()> {
    folder().await?;
    let files = TempDir::with_prefix("tagwatch-scrape-")?;
    let path = |name: &str| files.path().join(name).display().to_string();
    let (certificate, key) = (path("tls.crt"), path("tls.key"));
    write_certificate(files.path())?;
    let arguments = ["--metrics-auth=token", "--metrics-tls-cert", &certificate, "--metrics-tls-key", &key];
    let stage = Stage::start(&arguments).await?;
    stage.with_accounts().await?;

    let mut config = stage.documented_scrape(&stage.token_file("prometheus", &files).await?)?;
    config["scrape_configs"][0]["tls_config"] =
        json!({ "ca_file": certificate, "server_name": CERTIFICATE_NAME });
    let reader = prometheus(&config, &[]).await?;
    reader.scrapes().await?;
    eventually(LIMIT, "what was read can be asked for", async || {
        let found = reader.query("tagwatch_build_info").await?;
        ensure!(found.len() == 1, "{found:?}");
        Ok(())
    })
    .await?;
    reader.end().await?;

    let wrong = stage.token_file("without-rights", &files).await?;
    config["scrape_configs"][0]["authorization"]["credentials_file"] = json!(wrong);
    let refused = prometheus(&config, &[]).await?;
    // Its first scrape may take longer than it waits.
    eventually(LIMIT, "the target is down for want of the right", async || {
        let target = refused.target_is("down").await?;
        ensure!(target["lastError"].as_str().is_some_and(|reason| reason.contains("403")), "{target}");
        Ok(())
    })
    .await?;
    assert_eq!(refused.query("tagwatch_build_info").await?, [Value::Null; 0]);
    refused.end().await?;
    stage.end().await
}

async fn the_documented_scrape_reads_a_tagwatch_with_a_certificate_of_its_own() -> Result<()> {
    folder().await?;
    let files = TempDir::with_prefix("tagwatch-scrape-")?;
    let stage = Stage::start(&["--metrics-auth=token"]).await?;
    stage.with_accounts().await?;
    let config = stage.documented_scrape(&stage.token_file("prometheus", &files).await?)?;
    let reader = prometheus(&config, &[]).await?;
    reader.scrapes().await?;
    reader.end().await?;
    stage.end().await
}
