//! Commands that need a cluster, without one.

use crate::support::{folder, run, tagwatch, transcript};

/// A kubeconfig for an API server that does not listen: nothing listens on port 1 of the loopback device.
const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
current-context: here
contexts: [{ name: here, context: { cluster: here, user: me, namespace: shop } }]
clusters: [{ name: here, cluster: { server: 'https://127.0.0.1:1' } }]
users: [{ name: me, user: { token: none } }]
";

#[test]
fn no_cluster_exits_with_4() {
    let folder = folder(&[]);
    let home = folder.path().to_str().unwrap().to_owned();
    for arguments in [&["issues"][..], &["scan", "--cluster"], &["run", "--metrics-address", "127.0.0.1:0"]] {
        let printed = run(folder.path(), arguments).replace(&home, "HOME");
        assert!(printed.starts_with("exit code: 4\n"), "{printed}");
        let line = "error: no cluster to talk to: there is no file HOME/.kube/config; set KUBECONFIG, pass --kubeconfig or \
                    --context, or run inside a cluster\n";
        assert!(printed.contains(line), "{printed}");
    }
}

#[test]
fn an_api_server_that_is_away_exits_with_4() {
    let folder = folder(&[(".kube/config", KUBECONFIG)]);
    insta::assert_snapshot!(run(folder.path(), &["issues"]), @"
    exit code: 4
    ----- stderr
    error: the connection was refused: are host and port right? (server https://127.0.0.1:1, context here)
    ");
    let scanned = run(folder.path(), &["scan", "--cluster", "-A", "-o", "sarif"]);
    assert_eq!(scanned, run(folder.path(), &["issues"]), "nothing is written");
    let watched = run(folder.path(), &["issues", "-A", "--watch"]);
    assert_eq!(watched, run(folder.path(), &["issues"]), "a watch begins with the list");
}

/// `run` goes on while an API server is away. What it cannot make a client for ends it, with the server and the context.
#[test]
fn a_configuration_of_no_use_exits_with_4_and_names_the_server() {
    let broken = KUBECONFIG
        .replace("token: none", "client-certificate-data: bm90aGluZw==, client-key-data: bm90aGluZw==");
    let folder = folder(&[(".kube/config", &broken)]);
    let run_errors = ["run", "--log-level", "error", "--metrics-address", "127.0.0.1:0"];
    for arguments in
        [&run_errors[..], &["issues"], &["scan", "--cluster"], &["policy", "baseline", "--cluster"]]
    {
        let printed = run(folder.path(), arguments);
        let is_named = printed.trim_end().ends_with(" (server https://127.0.0.1:1, context here)");
        assert!(printed.starts_with("exit code: 4\n") && is_named, "{arguments:?}: {printed}");
        assert!(printed.contains("error: cannot make a client from the configuration: "), "{printed}");
    }
}

#[test]
fn a_kubeconfig_is_named_on_the_command_line() {
    let other = KUBECONFIG.replace("127.0.0.1:1", "127.0.0.1:2").replace("here", "there");
    let folder = folder(&[(".kube/config", KUBECONFIG), ("other.yaml", &other)]);
    for (arguments, server) in [
        (&["issues", "--kubeconfig", "other.yaml"][..], "(server https://127.0.0.1:2, context there)"),
        (&["issues", "--context", "here"], "(server https://127.0.0.1:1, context here)"),
        (&["scan", "--cluster", "--context", "here"], "(server https://127.0.0.1:1, context here)"),
        (
            &["policy", "baseline", "--cluster", "--kubeconfig", "other.yaml"],
            "(server https://127.0.0.1:2, context there)",
        ),
    ] {
        let printed = run(folder.path(), arguments);
        assert!(printed.starts_with("exit code: 4\n") && printed.contains(server), "{printed}");
    }
    insta::assert_snapshot!(run(folder.path(), &["issues", "--kubeconfig", "absent.yaml"]), @"
    exit code: 4
    ----- stderr
    error: cannot use the kubeconfig: there is no file absent.yaml
    ");
}

/// As kubectl: files of the list that are missing are left out, and an empty current context is none.
#[test]
fn kubeconfigs_of_a_list_are_merged() {
    let unset = KUBECONFIG.replace("current-context: here", "current-context: ''").replace("here", "there");
    let folder = folder(&[("here.yaml", KUBECONFIG), ("unset.yaml", &unset), ("broken.yaml", "clusters: [")]);
    let run = |list: &str| {
        let mut command = tagwatch(folder.path(), &["issues"]);
        transcript(&command.env("KUBECONFIG", list).output().unwrap())
    };
    let refused = "(server https://127.0.0.1:1, context here)";
    for list in ["absent.yaml:here.yaml", "here.yaml:absent.yaml", ":unset.yaml::here.yaml"] {
        let printed = run(list);
        assert!(printed.starts_with("exit code: 4\n") && printed.contains(refused), "{list}: {printed}");
    }
    let printed = run("absent.yaml:other.yaml");
    assert!(printed.contains("there is no file absent.yaml"), "{printed}");
    assert!(!run("here.yaml:broken.yaml").contains(refused), "what is no kubeconfig is an error");
}

#[test]
fn an_unknown_context_exits_with_4() {
    let folder = folder(&[(".kube/config", KUBECONFIG)]);
    insta::assert_snapshot!(run(folder.path(), &["issues", "--context", "\u{1b}[31mthere"]), @r#"
    exit code: 4
    ----- stderr
    error: cannot use the kubeconfig: it has no context "\u{1b}[31mthere"; `kubectl config get-contexts` lists them
    "#);
}

#[test]
fn what_a_context_names_and_a_server_without_a_scheme_are_taken_as_by_kubectl() {
    for (from, to, complaint) in [
        (
            "user: me, namespace",
            "user: you, namespace",
            "cannot use the kubeconfig: its context \"here\" names the user \"you\", which it does not have",
        ),
        (
            "cluster: here",
            "cluster: there",
            "cannot use the kubeconfig: its context \"here\" names the cluster \"there\", which it does not have",
        ),
        (
            "https://127.0.0.1:1",
            "127.0.0.1:1",
            "the connection was refused: are host and port right? (server http://127.0.0.1:1, context here)",
        ),
        (
            "https://127.0.0.1:1",
            "/tmp/socket",
            "cannot use the kubeconfig: the server of its cluster \"here\" is \"/tmp/socket\": expected a URL with http or https, or host:port",
        ),
        (
            "https://127.0.0.1:1",
            "no-host..invalid:1",
            "cannot connect to the server: failed to lookup address information: ",
        ),
    ] {
        let folder = folder(&[("config.yaml", &KUBECONFIG.replacen(from, to, 1))]);
        for arguments in [&["issues"][..], &["scan", "--cluster", "-A"]] {
            let printed = run(folder.path(), &[arguments, &["--kubeconfig", "config.yaml"]].concat());
            let line = format!("error: {complaint}");
            assert!(printed.starts_with("exit code: 4\n") && printed.contains(&line), "{printed}");
            assert_eq!(printed.lines().count(), 3, "{printed}");
        }
    }
}

#[test]
fn an_address_that_is_taken_exits_with_2() {
    let folder = folder(&[(".kube/config", KUBECONFIG)]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let printed = run(folder.path(), &["run", "--log-level", "error", "--metrics-address", &address]);
    insta::assert_snapshot!(printed.replace(&address, "ADDRESS"), @"
    exit code: 2
    ----- stderr
    error: cannot listen on ADDRESS: Address already in use (os error 98)
    ");
}

#[test]
fn logs_are_json_on_request() {
    let folder = folder(&[(".kube/config", KUBECONFIG)]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["run", "--log-format", "json", "--metrics-address", &address];
    let logged = tagwatch(folder.path(), &arguments).output().unwrap().stderr;
    let first = String::from_utf8(logged).unwrap().lines().next().unwrap().to_owned();
    let line: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"tagwatch is starting".into()));
    assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_certificate_that_cannot_be_used_exits_with_2() {
    let files = [(".kube/config", KUBECONFIG), ("tls.crt", "no certificate"), ("tls.key", "no key")];
    let folder = folder(&files);
    let start = ["run", "--log-level", "error", "--metrics-address", "127.0.0.1:0"];
    for (certificate, complaint) in [
        ("missing.crt", "error: TLS: cannot read missing.crt: No such file or directory"),
        ("tls.crt", "error: TLS: tls.crt holds no certificate as PEM: "),
    ] {
        let files = ["--metrics-tls-cert", certificate, "--metrics-tls-key", "tls.key"];
        let printed = run(folder.path(), &[&start[..], &files].concat());
        assert!(printed.starts_with("exit code: 2\n") && printed.contains(complaint), "{printed}");
    }
}

#[test]
fn a_certificate_for_no_endpoint_exits_with_2() {
    let folder = folder(&[(".kube/config", KUBECONFIG)]);
    let plain = ["run", "--metrics-auth", "none", "--metrics-tls-cert", "a", "--metrics-tls-key", "b"];
    let console = ["--console-address", "127.0.0.1:0"];
    for arguments in [plain.to_vec(), [&plain[..], &console, &["--console-auth", "none"]].concat()] {
        let printed = run(folder.path(), &arguments);
        assert!(
            printed.starts_with("exit code: 2\n") && printed.contains("--metrics-auth=none speaks no TLS"),
            "{printed}"
        );
    }
    // The console would show it: these files are only missing.
    let printed = run(folder.path(), &[&plain[..], &console, &["--metrics-address", "127.0.0.1:0"]].concat());
    assert!(printed.starts_with("exit code: 2\n") && printed.contains("TLS: cannot read a: "), "{printed}");
    let printed = run(folder.path(), &["run", "--metrics-tls-cert", "a"]);
    assert!(
        printed.starts_with("exit code: 2\n") && printed.contains("--metrics-tls-key <FILE>"),
        "{printed}"
    );
}

#[test]
fn a_cluster_takes_the_place_of_manifests() {
    let folder = folder(&[]);
    for (arguments, message) in [
        (&["scan", "--cluster", "deploy/"][..], "the argument '--cluster' cannot be used with '[PATH]...'"),
        (&["scan", "--cluster", "--render"], "the argument '--cluster' cannot be used with '--render'"),
        (&["scan", "--all-namespaces"], "the following required arguments were not provided:\n  --cluster"),
        (&["scan", "--context", "here"], "the following required arguments were not provided:\n  --cluster"),
        (
            &["scan", "--cluster", "--policy-name", "a", "--profile", "strict"],
            "the argument '--policy-name <NAME>' cannot be used with '--profile <NAME>'",
        ),
    ] {
        let printed = run(folder.path(), arguments);
        assert!(printed.starts_with("exit code: 2\n") && printed.contains(message), "{printed}");
    }
}
