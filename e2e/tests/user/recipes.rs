//! What docs/ci.md, `action.yml` and `.pre-commit-hooks.yaml` tell others to run, run as their tools do.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tagwatch_e2e::{checkout, tagwatch_binary};
use tempfile::TempDir;

fn manifest(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{{name: web, image: '{image}'}}]}}\n"
    )
}

/// A repository with `deploy/` and an image that fails, and `tagwatch` on a PATH.
struct Repository {
    folder: TempDir,
}

impl Repository {
    fn new() -> Result<Self> {
        let folder = TempDir::with_prefix("tagwatch-recipes-")?;
        fs::create_dir_all(folder.path().join("deploy"))?;
        fs::create_dir_all(folder.path().join("bin"))?;
        std::os::unix::fs::symlink(tagwatch_binary()?, folder.path().join("bin/tagwatch"))?;
        fs::write(folder.path().join("deploy/web.yaml"), manifest("nginx:latest"))?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.path(name)).with_context(|| name.to_owned())
    }

    fn bash(&self, script: &str, variables: &BTreeMap<String, String>) -> Result<Output> {
        let path = std::env::var("PATH").context("PATH")?;
        let mut bash = Command::new("bash");
        // As the runner of GitHub calls it.
        bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]);
        bash.current_dir(self.folder.path()).env_clear().envs(variables);
        bash.env("PATH", format!("{}:{path}", self.path("bin").display()));
        Ok(bash.output()?)
    }
}

fn yaml(path: &Path) -> Result<Value> {
    Ok(serde_saphyr::from_str(&fs::read_to_string(path)?)?)
}

/// The blocks of docs/ci.md in a language.
fn blocks(language: &str) -> Result<Vec<String>> {
    let page = fs::read_to_string(checkout().join("docs/ci.md"))?;
    let fence = format!("```{language}\n");
    page.split(&fence)
        .skip(1)
        .map(|rest| Ok(rest.split_once("```").context("a block ends")?.0.to_owned()))
        .collect()
}

/// The block that holds a text, as an object.
fn block(text: &str) -> Result<Value> {
    let block = blocks("yaml")?.into_iter().find(|block| block.contains(text));
    Ok(serde_saphyr::from_str(&block.with_context(|| text.to_owned())?)?)
}

fn words(list: &Value) -> Result<Vec<String>> {
    let list = list.as_array().context("a list")?;
    list.iter().map(|word| Ok(word.as_str().context("a word")?.to_owned())).collect()
}

/// Runs the steps of `action.yml` with inputs, as the runner of GitHub does.
fn action(repository: &Repository, inputs: &[(&str, &str)]) -> Result<Output> {
    let action = yaml(&checkout().join("action.yml"))?;
    let defaults = action["inputs"].as_object().context("inputs")?;
    for (name, _) in inputs {
        ensure!(defaults.contains_key(*name), "no input {name}");
    }
    let mut variables = BTreeMap::new();
    for (name, file) in
        [("GITHUB_STEP_SUMMARY", "summary.md"), ("GITHUB_OUTPUT", "output"), ("GITHUB_PATH", "path")]
    {
        variables.insert(name.to_owned(), repository.path(file).display().to_string());
    }
    variables.insert("RUNNER_TEMP".to_owned(), repository.folder.path().display().to_string());
    variables.insert("GITHUB_ACTION_PATH".to_owned(), checkout().display().to_string());
    let mut last = None;
    for step in action["runs"]["steps"].as_array().context("steps")? {
        assert_eq!(step["shell"], "bash");
        let script = step["run"].as_str().context("a script")?;
        ensure!(!script.contains("${{"), "an expression in a script is text of a workflow in it: {script}");
        let mut variables = variables.clone();
        for (name, expression) in step["env"].as_object().into_iter().flatten() {
            let input =
                expression.as_str().and_then(|text| text.strip_prefix("${{ inputs.")?.strip_suffix(" }}"));
            let input = input.with_context(|| format!("{name} is no input: {expression}"))?;
            let given = inputs.iter().find(|(given, _)| *given == input).map(|(_, value)| *value);
            let default = defaults[input]["default"].as_str().context("every input has a default")?;
            variables.insert(name.clone(), given.unwrap_or(default).to_owned());
        }
        let output = repository.bash(script, &variables)?;
        let is_over = !output.status.success();
        last = Some(output);
        if is_over {
            break;
        }
    }
    last.context("a step")
}

#[test]
fn the_action_annotates_summarises_and_fails() -> Result<()> {
    let repository = Repository::new()?;
    let output = action(&repository, &[("paths", "deploy/\n"), ("sarif", "out.sarif")])?;
    let printed = String::from_utf8(output.stdout)?;
    assert_eq!(output.status.code(), Some(1), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.starts_with("::error file=deploy/web.yaml,line=4,col="), "{printed}");
    assert!(repository.read("summary.md")?.starts_with("### tagwatch: 1 fail, 0 error, 0 warn\n"));
    assert_eq!(repository.read("output")?, "exit-code=1\n");
    let sarif: Value = serde_json::from_str(&repository.read("out.sarif")?)?;
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(1));
    assert!(!repository.path("path").exists(), "what is on the PATH is not built");
    Ok(())
}

#[test]
fn the_action_passes_on_what_it_is_given_and_no_more() -> Result<()> {
    let repository = Repository::new()?;
    fs::create_dir(repository.path("a b; touch hacked"))?;
    fs::write(repository.path("a b; touch hacked/$(touch hacked).yaml"), manifest("nginx:1.27.3"))?;
    let paths = "a b; touch hacked/$(touch hacked).yaml\n\ndeploy/web.yaml\n";
    let clean =
        action(&repository, &[("paths", paths), ("fail-on", "never"), ("args", "--require-workloads\n")])?;
    assert_eq!(clean.status.code(), Some(0), "{clean:?}");
    assert!(repository.read("summary.md")?.contains("2 files, 2 documents"));
    assert!(!repository.path("hacked").exists());
    let wrong = action(&Repository::new()?, &[("fail-on", "sometimes")])?;
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    Ok(())
}

#[test]
fn the_pre_commit_hook_scans_the_folder() -> Result<()> {
    let hooks = yaml(&checkout().join(".pre-commit-hooks.yaml"))?;
    let hook = &hooks[0];
    // `language: system` runs what is on the PATH, and these names are those of pre-commit's manifest.
    for field in ["id", "name", "entry", "language", "files"] {
        ensure!(hook[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
    }
    assert_eq!((&hook["language"], &hook["pass_filenames"]), (&"system".into(), &false.into()));
    let documented = block("- id: tagwatch")?;
    let used = &documented["repos"][0]["hooks"][0];
    assert_eq!(used["id"], hook["id"]);
    for arguments in [&hook["args"], &used["args"]] {
        let repository = Repository::new()?;
        let command = format!("{} {}", hook["entry"].as_str().context("entry")?, words(arguments)?.join(" "));
        let output = repository.bash(&command, &BTreeMap::new())?;
        assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
        assert!(String::from_utf8(output.stdout)?.contains("latest-tag"));
    }
    Ok(())
}

#[test]
fn the_job_of_gitlab_writes_the_reports_that_it_names() -> Result<()> {
    let job = &block("codequality:")?["tagwatch"];
    let repository = Repository::new()?;
    let output = repository.bash(&words(&job["script"])?.join("\n"), &BTreeMap::new())?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let file = |kind: &str| job["artifacts"]["reports"][kind].as_str().context("a report").map(str::to_owned);
    let entries: Value = serde_json::from_str(&repository.read(&file("codequality")?)?)?;
    assert_eq!(entries[0]["location"]["path"], "deploy/web.yaml");
    assert!(repository.read(&file("junit")?)?.contains("failures=\"1\""));
    Ok(())
}

#[test]
fn the_task_of_tekton_runs() -> Result<()> {
    let task = block("kind: Task")?;
    let step = &task["spec"]["steps"][0];
    let repository = Repository::new()?;
    let command = words(&step["command"])?.join(" ").replace("/tagwatch", "tagwatch");
    let output =
        repository.bash(&format!("{command} {}", words(&step["args"])?.join(" ")), &BTreeMap::new())?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(repository.read("tagwatch.xml")?.contains("<testsuites name=\"tagwatch\""));
    Ok(())
}

#[test]
fn a_baseline_lets_the_next_scan_pass() -> Result<()> {
    let repository = Repository::new()?;
    let script = blocks("sh")?.into_iter().find(|block| block.contains("--baseline")).context("the block")?;
    let output = repository.bash(&script, &BTreeMap::new())?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    fs::write(repository.path("deploy/new.yaml"), manifest("busybox").replace("name: web", "name: new"))?;
    let again = script.lines().last().context("a command")?;
    assert_eq!(repository.bash(again, &BTreeMap::new())?.status.code(), Some(1));
    Ok(())
}

/// krew's own validator, which its index runs on each change, takes the manifest and refuses one with a mistake.
fn validated_by_krew(repository: &Repository, manifest: &str) -> Result<()> {
    let built = Command::new(checkout().join("e2e/krew/build.sh")).output()?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let validator = String::from_utf8(built.stdout)?;
    // The file must have the name of the plugin. The archives are on no server.
    let file = repository.path("tagwatch.yaml");
    let validate = |manifest: &str| -> Result<Output> {
        fs::write(&file, manifest)?;
        let mut validate = Command::new(validator.trim());
        Ok(validate.args(["-skip-install", "-manifest"]).arg(&file).output()?)
    };
    let valid = validate(manifest)?;
    ensure!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stderr));
    for (right, wrong) in [
        ("shortDescription:", "summary:"),
        ("version: v", "version: "),
        ("os: linux", "os: plan9"),
        ("name: tagwatch", "name: tag_watch"),
    ] {
        let refused = validate(&manifest.replace(right, wrong))?;
        ensure!(!refused.status.success(), "{wrong}: {}", String::from_utf8_lossy(&refused.stderr));
    }
    Ok(())
}

/// What krew asks of a manifest (kubernetes-sigs/krew, `pkg/index/validation`).
#[test]
fn the_manifest_for_krew_names_archives_by_their_checksums() -> Result<()> {
    let repository = Repository::new()?;
    let script = checkout().join("hack/krew.sh");
    let run = |arguments: &[&str]| -> Result<Output> {
        Ok(Command::new(&script).args(arguments).current_dir(repository.folder.path()).output()?)
    };
    fs::create_dir(repository.path("dist"))?;
    for arch in ["amd64", "arm64"] {
        let made = run(&["--archive", "bin/tagwatch", "linux", arch, "dist"])?;
        ensure!(made.status.success(), "{made:?}");
    }
    let made = run(&["dist", "https://example.com/v0.1.0/"])?;
    ensure!(made.status.success(), "{made:?}");
    let manifest = String::from_utf8(made.stdout)?;
    let plugin: Value = serde_saphyr::from_str(&manifest)?;
    validated_by_krew(&repository, &manifest)?;
    assert_eq!(plugin["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!((&plugin["kind"], &plugin["metadata"]["name"]), (&"Plugin".into(), &"tagwatch".into()));
    assert_eq!(plugin["spec"]["version"], concat!("v", env!("CARGO_PKG_VERSION")));
    ensure!(plugin["spec"]["shortDescription"].as_str().is_some_and(|text| !text.is_empty()), "{plugin}");
    let platforms = plugin["spec"]["platforms"].as_array().context("platforms")?;
    assert_eq!(platforms.len(), 2);
    for platform in platforms {
        let labels = &platform["selector"]["matchLabels"];
        let name = format!("tagwatch-linux-{}.tar.gz", labels["arch"].as_str().context("arch")?);
        assert_eq!(labels["os"], "linux");
        assert_eq!(platform["uri"], format!("https://example.com/v0.1.0/{name}"));
        let archive = repository.path("dist").join(name);
        let sum = repository.bash(&format!("sha256sum < {}", archive.display()), &BTreeMap::new())?;
        let sum = String::from_utf8(sum.stdout)?;
        assert_eq!(platform["sha256"].as_str(), sum.split_whitespace().next());
        let listed = repository.bash(&format!("tar -tzf {}", archive.display()), &BTreeMap::new())?;
        let listed = String::from_utf8(listed.stdout)?;
        let files = platform["files"].as_array().context("files")?;
        let from: Vec<&str> = files.iter().filter_map(|file| file["from"].as_str()).collect();
        assert_eq!(listed.lines().collect::<Vec<_>>(), from);
        assert!(from.contains(&platform["bin"].as_str().context("bin")?));
    }
    let none = run(&["bin", "https://example.com"])?;
    assert!(none.stdout.is_empty());
    assert_eq!(none.status.code(), Some(1), "{none:?}");
    Ok(())
}
