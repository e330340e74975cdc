//! `make demo`: on a control plane of its own, and on a cluster that was there before.

use std::{
    env,
    process::{Output, Stdio},
};

use anyhow::{Context, Result};
use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use tagwatch_e2e::{ControlPlane, Options, get, monitoring::Prometheus};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::{
    readme,
    shell::{LIMIT, Shell, finish},
};

async fn demo(shell: &Shell, env: &[(&str, &str)], input: &str) -> Result<(Output, String)> {
    let mut command = shell.command(env!("CARGO_BIN_EXE_demo"))?;
    command.env("DEMO_ONCE", "1").envs(env.iter().copied());
    let output = finish(command, input).await?;
    let printed = String::from_utf8(output.stdout.clone())? + &String::from_utf8(output.stderr.clone())?;
    Ok((output, printed))
}

/// What differs from run to run: generated parts of names, ages, ports, durations, and how wide columns are.
fn stable(line: &str) -> String {
    let word = |word: &str| {
        let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
        if let Some((name, end)) = word.rsplit_once('-')
            && [8, 20].contains(&end.len())
            && end.chars().all(|c| c.is_ascii_hexdigit())
        {
            return format!("{name}-UID");
        }
        if let Some((before, port)) = word.split_once("127.0.0.1:") {
            return format!(
                "{before}127.0.0.1:PORT{}",
                port.trim_start_matches(|c: char| c.is_ascii_digit())
            );
        }
        // `7s`, `0.3s`, and from two minutes on `2m5s`.
        let spans = |text: &str| text.split(['d', 'h', 'm']).all(|span| span.is_empty() || number(span));
        if number(word) && word.contains('.') || word.strip_suffix(['s', 'm', 'h']).is_some_and(spans) {
            return "TIME".to_owned();
        }
        word.to_owned()
    };
    line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn shows_what_the_readme_shows() -> Result<()> {
    let prometheus = Prometheus::installed().await.ok();
    let mut shown = readme::block("text", "==> A control plane")?;
    let mut shell = Shell::new().await?;
    if let Some(folder) = prometheus.clone() {
        shell = shell.with_programs(folder);
        shown += &readme::block("text", "==> Prometheus")?;
    }
    let printed = until_ctrl_c(&shell).await?;
    let mut lines = printed.lines().map(stable);
    // `…` marks lines left out; all others are there, in this order.
    for shown in shown.lines().filter(|line| line.trim() != "…") {
        let wanted = stable(shown);
        lines
            .find(|line| *line == wanted)
            .with_context(|| format!("not in this place: {shown}\n\n{printed}"))?;
    }
    let queries = printed.lines().filter(|line| line.contains("?g0.expr=")).count();
    assert_eq!(queries, if prometheus.is_some() { 6 } else { 0 }, "{printed}");
    Ok(())
}

/// Output of the demo until it is complete. It then stays up until Ctrl-C, with the console.
async fn until_ctrl_c(shell: &Shell) -> Result<String> {
    let mut demo = shell.command(env!("CARGO_BIN_EXE_demo"))?.stderr(Stdio::inherit()).spawn()?;
    let mut lines = BufReader::new(demo.stdout.take().context("no standard output")?).lines();
    let (mut printed, mut console) = (String::new(), None);
    let reading = async {
        while console.is_none() {
            let line = lines.next_line().await?.with_context(|| format!("it ended:\n{printed}"))?;
            console = line.strip_prefix("The console, with everything that was found: ").map(str::to_owned);
            printed.extend([line.as_str(), "\n"]);
        }
        anyhow::Ok(())
    };
    timeout(LIMIT, reading).await.context("the demo does not come to its end")??;
    assert!(printed.contains("\nIt stays up until Ctrl-C."), "{printed}");
    let page = get(console.context("no console")?.parse()?).await?;
    assert_eq!(page.status(), StatusCode::OK, "{printed}");

    let id = i32::try_from(demo.id().context("the demo has ended")?)?;
    kill_process(Pid::from_raw(id).context("no process id")?, Signal::INT)?;
    while let Some(line) = lines.next_line().await? {
        printed.extend([line.as_str(), "\n"]);
    }
    assert!(demo.wait().await?.success(), "{printed}");
    Ok(printed)
}

/// What the demo says of Prometheus in a shell with nothing but our PATH.
fn about_prometheus() -> Result<&'static str> {
    let path = env::var_os("PATH").context("no PATH")?;
    let there = env::split_paths(&path).any(|folder| folder.join("prometheus").is_file());
    Ok(if there {
        "scrapes tagwatch"
    } else {
        "left out: no prometheus on the PATH; hack/prometheus.sh downloads one"
    })
}

#[tokio::test]
async fn leaves_an_existing_cluster_as_it_was() -> Result<()> {
    let cluster = ControlPlane::start(Options::default()).await?;
    let shell = Shell::on(&cluster).await?;
    let context = cluster.kubectl(&["config", "current-context"]).await?;
    let on_it = [("DEMO_CONTEXT", context.trim())];
    let objects = "crd,namespaces,clusterroles,clusterrolebindings";
    let before = cluster.kubectl(&["get", objects, "-o=name"]).await?;

    let (output, printed) = demo(&shell, &on_it, "no\n").await?;
    assert!(!output.status.success() && printed.contains("not confirmed"), "{printed}");
    assert_eq!(cluster.kubectl(&["get", objects, "-o=name"]).await?, before);

    let (output, printed) = demo(&shell, &on_it, "yes\n").await?;
    assert!(output.status.success() && printed.contains("each as the rules say"), "{printed}");
    assert!(printed.contains(about_prometheus()?), "{printed}");
    assert_eq!(cluster.kubectl(&["get", objects, "-o=name"]).await?, before, "{printed}");

    cluster.kubectl(&["create", "namespace", "shop"]).await?;
    let (output, printed) = demo(&shell, &on_it, "yes\n").await?;
    assert!(!output.status.success() && printed.contains("has already:\nnamespace/shop"), "{printed}");
    cluster.kubectl(&["get", "namespace", "shop"]).await?;
    cluster.shutdown().await
}

#[tokio::test]
async fn names_a_context_that_is_not_there() -> Result<()> {
    let cluster = ControlPlane::start(Options::default()).await?;
    let (output, printed) = demo(&Shell::on(&cluster).await?, &[("DEMO_CONTEXT", "nowhere")], "").await?;
    assert!(!output.status.success() && printed.contains("no context \"nowhere\""), "{printed}");
    cluster.shutdown().await
}
