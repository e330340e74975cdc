//! The dependencies between the crates are those that CONTRIBUTING.md lists, and run one way as the pages say.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tagwatch_e2e::checkout;

/// Pages that show the layers as one line.
const WITH_LAYERS: [&str; 3] = ["README.md", "CONTRIBUTING.md", "docs/design/architecture.md"];
/// On top of everything, and part of no layer: they run the binary or the controller, hold no code, or measure what the
/// crates keep.
const ABOVE: [&str; 5] = ["e2e", "e2e/allocations", "e2e/faults", "e2e/features", "e2e/footprint"];

/// For each crate the crates of the workspace that it uses, tests apart.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn of_cargo() -> Result<Graph> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(checkout());
    let output = metadata.output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let mut graph = Graph::new();
    for package in packages {
        let manifest = package["manifest_path"].as_str().context("no manifest")?;
        graph.insert(name(Path::new(manifest).parent())?, dependencies(package)?);
    }
    Ok(graph)
}

fn dependencies(package: &Value) -> Result<BTreeSet<String>> {
    let all = package["dependencies"].as_array().context("no dependencies")?;
    let of_program = all.iter().filter(|found| found["kind"].is_null());
    of_program.filter_map(|found| found["path"].as_str()).map(|path| name(Some(Path::new(path)))).collect()
}

/// The folder of a crate from the checkout, without the one that most share.
fn name(folder: Option<&Path>) -> Result<String> {
    let folder = folder.context("no folder")?.strip_prefix(checkout())?;
    Ok(folder.strip_prefix("crates").unwrap_or(folder).display().to_string())
}

/// The rows `| folder | … | dependencies |` of a page.
fn of_table(page: &str) -> Graph {
    let mut graph = Graph::new();
    for row in page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")) {
        let Some((folder, cells)) = row.split_once('`') else { continue };
        let name = folder.strip_prefix("crates/").unwrap_or(folder);
        let dependencies = cells.rsplit_once('|').map_or("", |(_, last)| last);
        let names = dependencies.split('`').skip(1).step_by(2).map(str::to_owned);
        graph.insert(name.to_owned(), names.collect());
    }
    graph
}

/// `a ← {b, c} ← d`, from the bottom.
fn layers<'a>(page: &'a str) -> Option<Vec<Vec<&'a str>>> {
    let line = page.split('`').find(|code| code.contains('←') && !code.contains('\n'))?;
    let names = |layer: &'a str| layer.trim().trim_matches(['{', '}']).split(',').map(str::trim).collect();
    Some(line.split('←').map(names).collect())
}

/// What a line of layers gets wrong: a crate that it lacks or invents, or one that uses another of its own layer or of a
/// higher one.
fn mistakes(layers: &[Vec<&str>], graph: &Graph) -> Vec<String> {
    let height: BTreeMap<&str, usize> =
        layers.iter().enumerate().flat_map(|(at, layer)| layer.iter().map(move |name| (*name, at))).collect();
    let mut mistakes: Vec<String> = Vec::new();
    let invented = height.keys().filter(|name| !graph.contains_key(**name));
    mistakes.extend(invented.map(|name| format!("there is no crate {name}")));
    for (name, dependencies) in graph.iter().filter(|(name, _)| !ABOVE.contains(&name.as_str())) {
        let Some(own) = height.get(name.as_str()) else {
            mistakes.push(format!("{name} is in no layer"));
            continue;
        };
        for other in dependencies {
            if height.get(other.as_str()).is_none_or(|other| other >= own) {
                mistakes.push(format!("{name} uses {other}, which is not below it"));
            }
        }
    }
    mistakes
}

#[test]
fn contributing_lists_what_each_crate_uses() -> Result<()> {
    let page = fs::read_to_string(checkout().join("CONTRIBUTING.md"))?;
    assert_eq!(of_table(&page), of_cargo()?, "left: CONTRIBUTING.md, right: cargo metadata");
    Ok(())
}

#[test]
fn dependencies_run_one_way_as_the_pages_say() -> Result<()> {
    let graph = of_cargo()?;
    for page in WITH_LAYERS {
        let text = fs::read_to_string(checkout().join(page))?;
        let layers = layers(&text).with_context(|| format!("{page} shows no layers"))?;
        assert_eq!(mistakes(&layers, &graph), [""; 0], "{page}");
    }
    Ok(())
}

#[test]
fn a_wrong_layer_is_a_mistake() {
    let graph = of_table(
        "| `crates/core` | pure | – |\n| `crates/k8s` | types | `core` |\n| `e2e` | tests | `k8s` |\n",
    );
    let found = |line: &str| mistakes(&layers(line).unwrap(), &graph);
    assert_eq!(found("`core ← k8s`"), [""; 0]);
    assert_eq!(found("`k8s ← core`"), ["k8s uses core, which is not below it"]);
    assert_eq!(
        found("`{core, k8s} ← scan`"),
        ["there is no crate scan", "k8s uses core, which is not below it"]
    );
    assert_eq!(found("`core ← scan`"), ["there is no crate scan", "k8s is in no layer"]);
}
