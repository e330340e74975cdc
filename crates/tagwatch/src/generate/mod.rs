//! `tagwatch generate`: the files of the repository that are generated from the code.

mod cli_reference;
mod man;
mod metrics_page;
mod monitoring;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use tagwatch_core::policy::Profile;
use tagwatch_core::{docs, rules};
use tagwatch_k8s::crd::{cluster_policy_report_crd, crd_yaml, policy_report_crd, tag_policy_crd};
use tagwatch_k8s::rbac;
use tagwatch_scan::report::json_schema;

use crate::args::{GenerateArgs, Target};
use crate::explain::ExplainedRule;
use crate::issues::IssueList;
use crate::messages;
use crate::rules::RuleList;
use crate::status::Failure;

/// Path from the repository's root, and content.
type Files = BTreeMap<PathBuf, String>;

/// Not in the crds/ of the chart, which Helm always installs: in most clusters another tool has installed these CRDs.
const REPORT_CRD: [&str; 2] = [
    "config/crd/wgpolicyk8s.io_policyreports.yaml",
    "charts/tagwatch/files/crds/wgpolicyk8s.io_policyreports.yaml",
];
const CLUSTER_REPORT_CRD: [&str; 2] = [
    "config/crd/wgpolicyk8s.io_clusterpolicyreports.yaml",
    "charts/tagwatch/files/crds/wgpolicyk8s.io_clusterpolicyreports.yaml",
];
const CUSTOM_KINDS_ROLE: &str = "config/rbac/custom-kinds/cluster_role.yaml";
const CUSTOM_KINDS_RULES: &str = "charts/tagwatch/files/custom-kinds-rules.yaml";
const CUSTOM_KINDS_PAGE: &str = "docs/custom-kinds.md";
const POLICY_CRD: [&str; 2] =
    ["config/policy/tagwatch.dev_tagpolicies.yaml", "charts/tagwatch/crds/tagwatch.dev_tagpolicies.yaml"];
const RULE_PAGES: &str = "docs/rules";
const PROFILE_PAGES: &str = "docs/profiles";
const CLI_REFERENCE: &str = "docs/cli.md";
const METRICS_PAGE: &str = "docs/metrics.md";
const SCAN_SCHEMA: &str = "docs/schema/scan-v1.schema.json";
const ISSUES_SCHEMA: &str = "docs/schema/issues-v1.schema.json";
const RULES_SCHEMA: &str = "docs/schema/rules-v1.schema.json";
const RULE_SCHEMA: &str = "docs/schema/rule-v1.schema.json";
const README: &str = "README.md";
const TABLE_BEGIN: &str = "<!-- rules: written by `tagwatch generate docs` -->\n";
const TABLE_END: &str = "<!-- rules end -->";

pub(crate) fn generate(args: &GenerateArgs) -> Result<ExitCode, Failure> {
    let GenerateArgs { target, check, root } = args;
    let is_wanted = |one: Target| target.is_empty() || target.contains(&one);
    let mut files = Files::new();
    if is_wanted(Target::Crds) {
        files.extend(crds()?);
    }
    if is_wanted(Target::Rbac) {
        files.extend(custom_kinds_rights());
    }
    if is_wanted(Target::Docs) {
        files.extend(docs(root)?);
    }
    if is_wanted(Target::Man) {
        files.extend(man::pages()?);
    }
    if is_wanted(Target::Schema) {
        files.extend(schemas()?);
    }
    if is_wanted(Target::Dashboards) {
        files.extend(monitoring::dashboards()?);
    }
    if is_wanted(Target::Rules) {
        files.extend(monitoring::rules());
    }
    let differing = differing(root, &files)?;
    if *check {
        return Ok(report(&differing));
    }
    for path in &differing {
        write(&root.join(path), &files[path]).map_err(Failure::Other)?;
        writeln!(io::stdout(), "wrote {}", path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn crds() -> Result<Files, Failure> {
    let mut files = Files::new();
    for (paths, definition) in [
        (REPORT_CRD, policy_report_crd()),
        (CLUSTER_REPORT_CRD, cluster_policy_report_crd()),
        (POLICY_CRD, tag_policy_crd()),
    ] {
        let yaml = definition.and_then(|definition| crd_yaml(&definition));
        let yaml = yaml.map_err(|error| Failure::Other(anyhow!(error)))?;
        let text = format!("# Written by `tagwatch generate crds`.\n{}\n", yaml.trim_end());
        files.extend(paths.map(|path| (path.into(), text.clone())));
    }
    Ok(files)
}

fn custom_kinds_rights() -> Files {
    let written = |yaml: String| format!("# Written by `tagwatch generate rbac`.\n{yaml}");
    Files::from([
        (CUSTOM_KINDS_ROLE.into(), written(rbac::custom_kinds_role_yaml())),
        (CUSTOM_KINDS_RULES.into(), written(rbac::custom_kinds_rules_yaml())),
    ])
}

fn docs(root: &Path) -> Result<Files, Failure> {
    let mut files = Files::new();
    for rule in rules::all() {
        let page = Path::new(RULE_PAGES).join(format!("{}.md", rule.id));
        files.insert(page, docs::render_rule_markdown(rule));
    }
    for profile in Profile::ALL {
        let page = Path::new(PROFILE_PAGES).join(format!("{profile}.md"));
        files.insert(page, docs::render_profile_markdown(profile, "../rules"));
    }
    files.insert(Path::new(PROFILE_PAGES).join("README.md"), docs::render_profile_index());
    files.insert(CUSTOM_KINDS_PAGE.into(), docs::render_kinds_markdown());
    files.insert(CLI_REFERENCE.into(), cli_reference::render());
    files.insert(METRICS_PAGE.into(), metrics_page::render()?);
    let readme = fs::read_to_string(root.join(README)).context(README).map_err(Failure::Usage)?;
    files.insert(README.into(), with_rules_table(&readme).map_err(Failure::Usage)?);
    Ok(files)
}

/// The README with an up-to-date table of rules.
fn with_rules_table(readme: &str) -> anyhow::Result<String> {
    let missing = || anyhow!("{README} has no {} … {TABLE_END}", TABLE_BEGIN.trim_end());
    let (before, rest) = readme.split_once(TABLE_BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(TABLE_END).ok_or_else(missing)?;
    let table = docs::render_rule_markdown_table(RULE_PAGES);
    Ok(format!("{before}{TABLE_BEGIN}{table}{TABLE_END}{after}"))
}

fn schemas() -> Result<Files, Failure> {
    let schemas = [
        (SCAN_SCHEMA, json_schema()),
        (ISSUES_SCHEMA, schema_of::<IssueList>("issues", IssueList::SCHEMA)),
        (RULES_SCHEMA, schema_of::<RuleList>("rules", RuleList::SCHEMA)),
        (RULE_SCHEMA, schema_of::<ExplainedRule>("explain", ExplainedRule::SCHEMA)),
    ];
    let text = |schema: &Schema| {
        serde_json::to_string_pretty(schema).map_err(|error| Failure::Other(anyhow!(error)))
    };
    schemas.iter().map(|(path, schema)| Ok((path.into(), text(schema)? + "\n"))).collect()
}

/// JSON Schema (draft 2020-12) of a command's `-o json`. It allows fields that it does not know, since later versions may
/// add some.
fn schema_of<T: JsonSchema>(command: &str, contract: &str) -> Schema {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), format!("Output of `tagwatch {command} -o json` ({contract})").into());
    schema
}

/// Files that differ from what would be written, or are missing.
fn differing(root: &Path, files: &Files) -> Result<Vec<PathBuf>, Failure> {
    let mut differing = Vec::new();
    for (path, content) in files {
        match fs::read_to_string(root.join(path)) {
            Ok(found) if found == *content => {}
            Ok(_) => differing.push(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => differing.push(path.clone()),
            Err(error) => return Err(Failure::Usage(anyhow!(error).context(path.display().to_string()))),
        }
    }
    Ok(differing)
}

fn report(differing: &[PathBuf]) -> ExitCode {
    for path in differing {
        messages::error(&format!("{}: not as `tagwatch generate` writes it", path.display()));
    }
    if differing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(path, content).with_context(|| path.display().to_string())
}
