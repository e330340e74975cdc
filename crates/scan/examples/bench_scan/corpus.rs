//! Trees of files that are made up from a seed.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files of the tree of workloads, and folders that hold them.
const WORKLOAD_FILES: u64 = 5000;
const FOLDERS: u64 = 50;

/// Files of each kind in the mixed tree.
const MIXED_WORKLOADS: u64 = 1500;
const DEFINITIONS: u64 = 60;
const CHARTS: u64 = 40;

/// Fields of a definition of a custom resource.
const DEFINITION_FIELDS: u64 = 900;

pub(crate) struct Corpus {
    pub(crate) name: &'static str,
    pub(crate) folder: PathBuf,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) bytes: u64,
}

impl Corpus {
    fn new(name: &'static str, folder: &Path) -> Self {
        Self { name, folder: folder.to_path_buf(), files: Vec::new(), bytes: 0 }
    }

    fn add(&mut self, name: &str, text: &str) -> io::Result<()> {
        let path = self.folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text)?;
        self.bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.files.push(path);
        Ok(())
    }
}

/// `SplitMix64` (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Deployments with their services and settings.
pub(crate) fn workloads(folder: &Path) -> io::Result<Corpus> {
    let mut corpus = Corpus::new("workloads", folder);
    for number in 0..WORKLOAD_FILES {
        corpus.add(&format!("team-{}/app-{number}.yaml", number % FOLDERS), &application(number))?;
    }
    Ok(corpus)
}

/// The same documents in one file.
pub(crate) fn stream(folder: &Path, workloads: &Corpus) -> io::Result<Corpus> {
    let texts: io::Result<Vec<String>> = workloads.files.iter().map(fs::read_to_string).collect();
    let mut corpus = Corpus::new("one stream", folder);
    corpus.add("all.yaml", &texts?.join("---\n"))?;
    Ok(corpus)
}

/// Workloads beside what repositories hold more of: definitions of custom resources, charts, values, data.
pub(crate) fn mixed(folder: &Path) -> io::Result<Corpus> {
    let mut corpus = Corpus::new("mixed", folder);
    for number in 0..MIXED_WORKLOADS {
        corpus.add(&format!("apps/{}/app-{number}.yaml", number % FOLDERS), &application(number))?;
    }
    for number in 0..DEFINITIONS {
        corpus.add(&format!("crds/definition-{number}.yaml"), &definition(number))?;
    }
    for number in 0..CHARTS {
        let chart = format!("charts/chart-{number}");
        corpus.add(
            &format!("{chart}/Chart.yaml"),
            &format!("apiVersion: v2\nname: chart-{number}\nversion: 1.0.0\n"),
        )?;
        corpus.add(
            &format!("{chart}/values.yaml"),
            "image:\n  repository: registry.example.com/web\n  tag: 1.0.0\n",
        )?;
        let template = application(number).replace("replicas: ", "replicas: {{ .Values.replicas }} # ");
        corpus.add(&format!("{chart}/templates/app.yaml"), &template)?;
        corpus.add(&format!("data/records-{number}.json"), &"{\"a\": 1, \"b\": [1, 2, 3]}\n".repeat(200))?;
    }
    Ok(corpus)
}

/// One Deployment as people write it.
pub(crate) fn one(folder: &Path) -> io::Result<PathBuf> {
    let mut corpus = Corpus::new("one file", folder);
    corpus.add("app.yaml", &application(1))?;
    Ok(corpus.folder.join("app.yaml"))
}

fn application(number: u64) -> String {
    let mut random = Random(number);
    let mut text = format!(
        "# Application {number}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  namespace: team-{}\n  \
         labels:\n    app.kubernetes.io/name: app-{number}\n    app.kubernetes.io/part-of: shop\n  annotations:\n    \
         example.com/owner: \"team {}\"\n    example.com/checksum: {:016x}\nspec:\n  replicas: {}\n  selector:\n    \
         matchLabels:\n      app.kubernetes.io/name: app-{number}\n  template:\n    metadata:\n      labels:\n        \
         app.kubernetes.io/name: app-{number}\n    spec:\n      serviceAccountName: app-{number}\n      securityContext:\n        \
         runAsNonRoot: true\n        seccompProfile:\n          type: RuntimeDefault\n      containers:\n",
        number % FOLDERS,
        number % FOLDERS,
        random.below(u64::MAX),
        1 + random.below(5),
    );
    for container in 0..=random.below(3) {
        add_container(&mut text, &mut random, container);
    }
    text.push_str("      volumes:\n        - name: tmp\n          emptyDir: {}\n        - name: settings\n          configMap:\n");
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "            name: app-{number}\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: app-{number}\nspec:\n  selector:\n    \
         app.kubernetes.io/name: app-{number}\n  ports:\n    - name: http\n      port: 80\n      targetPort: http\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{number}\ndata:\n  application.yaml: |\n"
    );
    for line in 0..random.below(50) {
        let _ = writeln!(text, "    setting-{line}: value {:x} # of the application", random.below(u64::MAX));
    }
    text
}

fn add_container(text: &mut String, random: &mut Random, container: u64) {
    let repository =
        ["nginx", "registry.example.com/shop/web", "quay.io/example/worker", "ghcr.io/example/proxy"]
            [usize::try_from(random.below(4)).unwrap_or_default()];
    let version = random.below(30);
    let tag = match random.below(20) {
        0 => ":latest".to_owned(),
        1 => String::new(),
        2 => ":stable".to_owned(),
        3..6 => format!("@sha256:{version:064x}"),
        _ => format!(":1.{version}.{}", random.below(10)),
    };
    let _ = write!(
        text,
        "        - name: container-{container}\n          image: {repository}{tag}\n          imagePullPolicy: IfNotPresent\n          \
         args: [\"--config\", \"/etc/app/application.yaml\", \"--port=8080\"]\n          ports:\n            - name: http-{container}\n              \
         containerPort: {}\n          env:\n",
        8080 + container,
    );
    for variable in 0..8 + random.below(8) {
        let _ = write!(
            text,
            "            - name: VARIABLE_{variable}\n              value: \"{:x}\"\n",
            random.below(u64::MAX)
        );
    }
    text.push_str(
        "          readinessProbe:\n            httpGet:\n              path: /ready\n              port: http\n            \
         periodSeconds: 10\n          livenessProbe:\n            httpGet:\n              path: /live\n              port: http\n          \
         resources:\n            requests:\n              cpu: 100m\n              memory: 128Mi\n            limits:\n              \
         memory: 256Mi\n          securityContext:\n            allowPrivilegeEscalation: false\n            capabilities:\n              \
         drop:\n                - ALL\n          volumeMounts:\n            - name: tmp\n              mountPath: /tmp\n            \
         - name: settings\n              mountPath: /etc/app\n",
    );
}

fn definition(number: u64) -> String {
    let mut random = Random(number);
    let mut text = format!(
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things{number}.example.com\n\
         spec:\n  group: example.com\n  names:\n    kind: Thing{number}\n    plural: things{number}\n  scope: Namespaced\n  versions:\n    \
         - name: v1\n      served: true\n      storage: true\n      schema:\n        openAPIV3Schema:\n          type: object\n          \
         properties:\n            spec:\n              type: object\n              properties:\n"
    );
    for field in 0..DEFINITION_FIELDS / 30 {
        let _ = write!(
            text,
            "                group{field}:\n                  type: object\n                  properties:\n"
        );
        for inner in 0..30 {
            let _ = write!(
                text,
                "                    field{inner}:\n                      description: |-\n                        Field {inner} of the \
                 group says how many of them there are.\n                        More than {} is refused: it's too many.\n                      \
                 format: int32\n                      type: integer\n",
                random.below(1000)
            );
        }
    }
    text
}
