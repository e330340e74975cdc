//! What the long help of each command says below its options: examples, and exit codes.

pub(super) const ROOT: &str = "\
Examples:
  tagwatch scan deploy/
  tagwatch issues -A --min-severity high
  tagwatch explain latest-tag

Exit codes:
  0  clean
  1  findings at or above `scan --fail-on`; any other failure
  2  wrong usage or configuration
  3  input that could not be read, or not all of it
  4  the API server, or the connection to it

Where several apply, 2 goes before 3 and 4, and these before 1.";

pub(super) const RUN: &str = "\
Examples:
  tagwatch run --metrics-auth none --metrics-address 127.0.0.1:8080
  tagwatch run --namespaces shop,payments --console-address 127.0.0.1:8081 --console-auth none

Exit codes: 0 ended by SIGTERM or SIGINT; 1 a part of it failed; 2 wrong usage or configuration; 4 no cluster.";

pub(super) const SCAN: &str = "\
Examples:
  tagwatch scan deploy/
  helm template web charts/web | tagwatch scan -n shop - --require-workloads
  tagwatch scan -o table -o json=findings.json --fail-on warn deploy/
  tagwatch scan -o github -o sarif=tagwatch.sarif deploy/
  tagwatch scan --baseline findings.json --min-severity high deploy/
  tagwatch scan --cluster -A --context prod

Exit codes: 0 clean; 1 findings at or above --fail-on; 2 wrong usage or configuration; 3 input that could not be \
read, or not all of it; 4 with --cluster, the API server or the connection to it.";

pub(super) const ISSUES: &str = "\
Examples:
  tagwatch issues -n shop
  tagwatch issues -A --min-severity high
  tagwatch issues -A --rule latest-tag,missing-tag -o name
  tagwatch issues -n shop -o json
  tagwatch issues -A --drift --context prod
  tagwatch issues -n shop -w

Exit codes: 0 the reports were read, with or without issues; 2 wrong usage; 4 the API server or the connection to \
it, or no report API.";

pub(super) const RULES: &str = "\
Examples:
  tagwatch rules
  tagwatch rules -o json

Exit codes: 0 listed; 2 wrong usage.";

pub(super) const EXPLAIN: &str = "\
Examples:
  tagwatch explain stale-pull-policy
  tagwatch explain stale-pull-policy -o json

Exit codes: 0 explained; 2 no such rule.";

pub(super) const POLICY: &str = "\
Examples:
  tagwatch policy check .tagwatch.yaml
  tagwatch policy show --for shop/Deployment/web
  tagwatch policy baseline -o .tagwatch.yaml

Exit codes: 0 done; 2 wrong usage or an invalid policy; 3 and 4 as `tagwatch policy baseline --help` says.";

pub(super) const POLICY_CHECK: &str = "\
Examples:
  tagwatch policy check .tagwatch.yaml

Exit codes: 0 valid; 2 invalid, or not readable.";

pub(super) const POLICY_SHOW: &str = "\
Examples:
  tagwatch policy show
  tagwatch policy show --for shop/Deployment/web
  tagwatch policy show --profile strict

Exit codes: 0 shown; 2 the policy is invalid, or not readable.";

pub(super) const POLICY_BASELINE: &str = "\
Examples:
  tagwatch policy baseline deploy/ -o .tagwatch.yaml
  tagwatch policy baseline --min-severity high deploy/
  tagwatch policy baseline --cluster --context prod --expires 2027-03-31

Exit codes: 0 written; 2 wrong usage or an invalid policy; 3 input that could not be read, so nothing is written; 4 \
the API server or the connection to it.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  tagwatch completions bash > ~/.local/share/bash-completion/completions/tagwatch
  tagwatch completions zsh > ~/.zfunc/_tagwatch
  tagwatch completions fish > ~/.config/fish/completions/tagwatch.fish

Exit codes: 0 written; 2 no such shell.";

pub(super) const GENERATE: &str = "\
Examples:
  tagwatch generate
  tagwatch generate docs schema
  tagwatch generate --check

Exit codes: 0 written, or nothing differs; 1 with --check, a file differs; 2 wrong usage.";
