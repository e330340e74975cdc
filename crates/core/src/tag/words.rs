//! The words that tags are made of: data, in groups, with the source of each.
//!
//! Everything goes through `listed`, so that a policy's own words have one place to join. A word counts as a
//! whole part, and is compared without case. Names of applications (`web`, `worker`, `nginx`), environments
//! without a convention (`blue`, `demo`) and code names that are words of their own (Node's and ROS's
//! `iron`, `hydrogen`) are left out on purpose: they do not say whether a tag moves.

#![expect(clippy::doc_markdown, reason = "the sources are names of products, which are no code")]

use std::cmp::Ordering;

/// Whether a word may have a version behind it: `java11`, `ubuntu22.04`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Versions {
    Never,
    Optional,
    Required,
}

struct Group {
    name: &'static str,
    versions: Versions,
    words: &'static [&'static str],
}

/// The group's name of a listed word, with a version behind it or without one.
pub(super) fn listed(word: &str, with_version: bool) -> Option<&'static str> {
    let unwanted = if with_version { Versions::Never } else { Versions::Required };
    GROUPS
        .iter()
        .find(|group| group.versions != unwanted && contains(group.words, word))
        .map(|group| group.name)
}

/// Whether a sorted list holds a word, compared without case.
pub(super) fn contains(words: &[&str], word: &str) -> bool {
    words.binary_search_by(|listed| compare(listed, word)).is_ok()
}

fn compare(listed: &str, word: &str) -> Ordering {
    listed.bytes().cmp(word.bytes().map(|byte| byte.to_ascii_lowercase()))
}

const GROUPS: [Group; 9] = [
    Group { name: "channel or branch", versions: Versions::Never, words: CHANNELS },
    Group { name: "channel or branch", versions: Versions::Optional, words: PRE_RELEASES },
    Group { name: "release train", versions: Versions::Never, words: RELEASE_TRAINS },
    Group { name: "distribution", versions: Versions::Optional, words: DISTRIBUTIONS },
    Group { name: "distribution release", versions: Versions::Optional, words: CODE_NAMES },
    Group { name: "variant", versions: Versions::Optional, words: VARIANTS },
    Group { name: "runtime", versions: Versions::Optional, words: RUNTIMES },
    Group { name: "platform", versions: Versions::Optional, words: PLATFORMS },
    Group { name: "component version", versions: Versions::Required, words: ONLY_WITH_VERSION },
];

/// Whether a word names a channel or a branch, in any group.
pub(super) fn is_channel(word: &str) -> bool {
    [CHANNELS, PRE_RELEASES, RELEASE_TRAINS].iter().any(|words| contains(words, word))
}

/// Channels, branches and environments that every build or release of theirs overwrites. A number makes another word
/// of them (`mainline2`), so they stand alone.
// rustfmt would give each word of the lists a line of its own.
#[rustfmt::skip]
const CHANNELS: &[&str] = &[
    "canary", "current", "dev", "devel", "develop", "development", "edge", "experimental", "head",
    "integration", "latest", "lts", "main", "mainline", "master", "next", "nightly", "preprod",
    "preproduction", "prod", "production", "qa", "release", "rolling", "sandbox", "snapshot", "stable",
    "stage", "staging", "test", "testing", "trunk", "uat", "unstable",
];

/// Stages before a release, which Semantic Versioning and PEP 440 number (`rc1`, `beta3`). Without a version before
/// them they float with their number as they do without one: nothing says of which version they are.
const PRE_RELEASES: &[&str] = &["alpha", "beta", "preview", "rc"];

/// Channels as single publishers name them. Debian: `oldstable`, `oldoldstable`, `backports`; Fedora:
/// `rawhide`; Mageia: `cauldron`; openSUSE: `leap`, `tumbleweed`; Go: `tip`; OpenJDK: `ea` (early access);
/// MySQL: `innovation`; Varnish: `fresh`; GitLab Runner: `bleeding`.
#[rustfmt::skip]
const RELEASE_TRAINS: &[&str] = &[
    "backports", "bleeding", "cauldron", "ea", "fresh", "innovation", "leap", "oldoldstable", "oldstable",
    "rawhide", "tip", "tumbleweed",
];

/// Words that move a version although all of its numbers are written: a build of the branch that becomes this
/// version, overwritten until it does (Maven's `SNAPSHOT` most of all). `alpha`, `beta`, `rc` and `preview`
/// are numbered releases, and `devel` is a variant (CUDA), so they are not here.
#[rustfmt::skip]
pub(super) const MOVING_SUFFIXES: &[&str] = &[
    "canary", "dev", "develop", "edge", "head", "latest", "main", "master", "next", "nightly", "snapshot",
    "testing", "trunk", "unstable",
];

/// Distributions: the official images of Docker Hub, the base images of Red Hat (`ubi`, `rhel`, `el`), Amazon,
/// Microsoft (`mariner`, `azurelinux`, `nanoserver`, `servercore`), Oracle, SUSE (`bci`), VMware (`photon`),
/// Chainguard (`wolfi`), Google (`distroless`) and Bitnami (`minideb`), and what the tags of other images name
/// as their base.
#[rustfmt::skip]
const DISTRIBUTIONS: &[&str] = &[
    "alma", "almalinux", "alpine", "alt", "amazonlinux", "amzn", "anolis", "archlinux", "azurelinux", "bci",
    "busybox", "centos", "chainguard", "clearlinux", "debian", "distroless", "el", "fedora", "gentoo", "kali",
    "mageia", "mariner", "minideb", "nanoserver", "nixos", "openeuler", "opensuse", "oracle", "oraclelinux",
    "photon", "raspbian", "redhat", "rhel", "rocky", "rockylinux", "scratch", "servercore", "sles", "suse",
    "ubi", "ubuntu", "voidlinux", "windowsservercore", "wolfi",
];

/// Code names of all releases of Debian (`buzz` to `forky`, and `sid`) and Ubuntu (`warty` to `resolute`), by
/// the first word as images have it. Source: the Debian wiki's "DebianReleases" and Ubuntu's "Releases".
#[rustfmt::skip]
const CODE_NAMES: &[&str] = &[
    "artful", "bionic", "bo", "bookworm", "breezy", "bullseye", "buster", "buzz", "cosmic", "dapper", "disco",
    "duke", "edgy", "eoan", "etch", "feisty", "focal", "forky", "groovy", "gutsy", "hamm", "hardy", "hirsute",
    "hoary", "impish", "intrepid", "jammy", "jaunty", "jessie", "karmic", "kinetic", "lenny", "lucid",
    "lunar", "mantic", "maverick", "natty", "noble", "oneiric", "oracular", "plucky", "potato", "precise",
    "quantal", "questing", "raring", "resolute", "rex", "sarge", "saucy", "sid", "slink", "squeeze",
    "stretch", "trixie", "trusty", "utopic", "vivid", "warty", "wheezy", "wily", "woody", "xenial", "yakkety",
    "zesty",
];

/// Variants: the flavours in which one release is published, for which there is a new build with each. Docker
/// Hub's official images (PHP and the applications on it: `apache`, `cli`, `fpm`, `zts`; Docker: `dind`,
/// `rootless`; RabbitMQ: `management`; BusyBox: `glibc`, `musl`, `uclibc`; nginx: `otel`, `perl`; Perl:
/// `threaded`; Redmine: `passenger`; Mosquitto: `openssl`; Caddy: `builder`; Neo4j and SonarQube: `community`,
/// `enterprise`), .NET (`aot`, `chiseled`, `composite`, `extra`), distroless (`debug`, `nonroot`, `static`),
/// Paketo (`base`, `full`, `tiny`), CUDA (`devel` is a channel too, `runtime`), UBI (`micro`, `minimal`).
#[rustfmt::skip]
const VARIANTS: &[&str] = &[
    "aot", "apache", "base", "builder", "buildpackless", "chiseled", "cli", "community", "composite", "debug",
    "dind", "enterprise", "extra", "fips", "fpm", "full", "glibc", "headless", "management", "micro",
    "minimal", "musl", "nonroot", "onbuild", "openssl", "otel", "passenger", "rootless", "runtime", "slim",
    "static", "threaded", "tiny", "uclibc", "unprivileged", "zts",
];

/// Language runtimes, their distributions and toolchains, as the official images and those of the languages
/// themselves are named, and as tags of other images name what they hold (`jdk17`, `node20`).
#[rustfmt::skip]
const RUNTIMES: &[&str] = &[
    "amazoncorretto", "aspnet", "bun", "clang", "clojure", "corretto", "cpython", "crystal", "dart", "deno",
    "dotnet", "dragonwell", "elixir", "erlang", "gcc", "ghc", "go", "golang", "graalvm", "haskell", "hotspot",
    "ibmjava", "java", "jdk", "jre", "jruby", "julia", "kotlin", "lein", "liberica", "llvm", "lua", "luajit",
    "mono", "node", "nodejs", "openj9", "openjdk", "otp", "perl", "php", "py", "pypy", "python", "ruby",
    "rust", "sapmachine", "scala", "sdk", "semeru", "swift", "temurin", "truffleruby", "zulu",
];

/// What an image runs on: Go's and Docker's names of operating systems and architectures, with Debian's and
/// the kernel's spellings (`x86_64` is `x86` with a number), and accelerators by their vendors' names.
#[rustfmt::skip]
const PLATFORMS: &[&str] = &[
    "aarch64", "amd64", "arm", "arm32", "arm32v5", "arm32v6", "arm32v7", "arm64", "arm64v8", "armel", "armhf",
    "armv5", "armv6", "armv6l", "armv7", "armv7l", "armv8", "cann", "cpu", "cuda", "cudnn", "gpu", "hip",
    "hpu", "i386", "i686", "igpu", "jetpack", "l4t", "linux", "loong64", "loongarch64", "mips", "mips64",
    "mips64el", "mips64le", "mipsle", "multiarch", "nccl", "npu", "nvidia", "oneapi", "openvino", "ppc64",
    "ppc64el", "ppc64le", "riscv", "riscv64", "rocm", "s390x", "tensorrt", "tpu", "trt", "vulkan", "wasi",
    "wasm", "windows", "x64", "x86", "xpu",
];

/// Abbreviations that say something only with a version: Amazon Linux (`al2023`), CPython ABI (`cp311`), CUDA
/// (`cu118`), Debian (`deb12`), Fedora (`fc39`), Windows long-term servicing (`ltsc2022`), Oracle Linux
/// (`ol9`), PostgreSQL (`pg16`), CentOS Stream (`stream9`), Windows (`win2019`).
const ONLY_WITH_VERSION: &[&str] = &["al", "cp", "cu", "deb", "fc", "ltsc", "ol", "pg", "stream", "win"];

/// Words that a build number follows, of one digit or more.
pub(super) const BUILD_COUNTERS: &[&str] = &["build", "ci", "run"];

/// Words that the number of a change request or ticket follows: such an image is built again with every push.
pub(super) const CHANGE_REQUESTS: &[&str] = &["issue", "mr", "pr", "pull", "ticket"];

/// Vendors' build metadata of Kubernetes versions (`v1.27.3-gke.2700`): Google (`gke`), Amazon (`eks`,
/// `eksbuild`), Microsoft (`aks`), Alibaba (`aliyun`), IBM (`iks`), Tencent (`tke`), VMware (`tkg`, `vmware`).
#[rustfmt::skip]
pub(super) const VENDOR_BUILDS: &[&str] =
    &[
    "aks", "aliyun", "eks", "eksbuild", "gke", "iks", "tke", "tkg", "vmware",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_fit_for_a_binary_search() {
        let others = [MOVING_SUFFIXES, BUILD_COUNTERS, CHANGE_REQUESTS, VENDOR_BUILDS];
        for words in GROUPS.iter().map(|group| group.words).chain(others) {
            assert!(words.is_sorted_by(|a, b| a < b), "not sorted: {words:?}");
            for word in words {
                assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{word}");
            }
        }
    }

    #[test]
    fn a_word_stands_in_one_group() {
        let mut words: Vec<_> = GROUPS.iter().flat_map(|group| group.words).collect();
        words.sort_unstable();
        assert!(words.is_sorted_by(|a, b| a < b), "listed twice: {words:?}");
    }

    #[test]
    fn every_listed_word_is_found_in_any_case() {
        for group in &GROUPS {
            for word in group.words {
                let with_version = group.versions == Versions::Required;
                assert_eq!(listed(word, with_version), Some(group.name), "{word}");
                assert_eq!(listed(&word.to_uppercase(), with_version), Some(group.name), "{word}");
            }
        }
    }
}
