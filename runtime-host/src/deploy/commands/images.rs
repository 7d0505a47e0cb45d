//! `runtime-host images`: which images run in an environment, and which it is to run.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use serde_json::Value;

use crate::deploy::args::{Folder, Images};
use crate::deploy::push::target::Target;
use crate::digest::Digest;
use crate::error::misconfigured;
use kit::say;

pub async fn run(args: &Images) -> Result<()> {
    match args {
        Images::Live(Folder { env, config }) => {
            say::text(live(env, config).await?)?;
        }
        Images::Pin { folder: Folder { env, config }, images } => {
            pin(&config.join(env), images)?;
            say::note(format!("{} names these images now", config.join(env).display()));
        }
    }
    Ok(())
}

/// An image by its digest, and what it is for.
#[derive(Clone, Copy)]
struct Image<'a> {
    program: Program,
    repository: &'a str,
    digest: &'a str,
}

#[derive(Clone, Copy)]
enum Program {
    Host,
    Postgres,
}

impl<'a> Image<'a> {
    /// Reads `NAME REPOSITORY@DIGEST`, as `make images` writes it.
    fn parse(line: &'a str) -> Option<Self> {
        let (name, image) = line.split_once(' ')?;
        let program = match name {
            "runtime-host" => Program::Host,
            "postgres" => Program::Postgres,
            _ => return None,
        };
        let (repository, digest) = image.split_once('@')?;
        let is_of = |text: &str, more: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_digit() || c.is_ascii_lowercase() || more.contains(c))
        };
        let is_digest = Digest::parse(digest).is_ok_and(|read| read.full() == digest);
        (is_of(repository, ".:/_-") && is_digest).then_some(Self { program, repository, digest })
    }
}

/// What the pods were made with, and not what the next ones would be.
async fn live(env: &str, config: &Path) -> Result<String> {
    let target = Target::connect_as_configured(env, config).await?;
    let database: toml::Table = toml::from_str(&text(&config.join(env).join("postgres.toml"))?)?;
    let name = database.get("name").and_then(toml::Value::as_str);
    let name = name.context("read the name in postgres.toml")?;
    let edge = format!("app.kubernetes.io/name={},app.kubernetes.io/component=edge", target.app);
    let members = format!(
        "app.kubernetes.io/name=postgres,app.kubernetes.io/instance={name},todoozle.dev/set"
    );
    let mut lines = String::new();
    for (program, selector) in [("runtime-host", edge), ("postgres", members)] {
        let pods = target.api::<Pod>().list(&ListParams::default().labels(&selector)).await;
        let pods = pods.context("list the pods")?.items;
        lines += &line(program, env, &selector, &pods)?;
    }
    Ok(lines)
}

fn line(program: &str, env: &str, selector: &str, pods: &[Pod]) -> Result<String> {
    let image = |pod: &Pod| pod.spec.as_ref()?.containers.first()?.image.clone();
    let all: Vec<_> = pods.iter().filter_map(image).collect::<BTreeSet<_>>().into_iter().collect();
    let [image] = all.as_slice() else {
        let all = if all.is_empty() { "no".to_owned() } else { all.join(" and ") };
        bail!(
            "in {env} run {all} pods of {selector}: wait until all run one image, or make deploy ENV={env}"
        );
    };
    let line = format!("{program} {image}");
    ensure!(
        Image::parse(&line).is_some(),
        "in {env} runs {line}, which names no digest: make pin ENV={env}, and deploy"
    );
    Ok(line + "\n")
}

/// Writes images into the files of an environment, in which all else stays.
fn pin(folder: &Path, images: &Path) -> Result<()> {
    let list = text(images)?;
    let read = list.lines().map(Image::parse).collect::<Option<Vec<_>>>();
    let read = read.filter(|read| !read.is_empty()).ok_or_else(|| {
        misconfigured!(
            "{}: write NAME REPOSITORY@sha256:… in each line, as make images does",
            images.display()
        )
    })?;
    for image in read {
        let (file, edit): (_, fn(&str, Image) -> Option<String>) = match image.program {
            Program::Host => ("values.yaml", in_values),
            Program::Postgres => ("postgres.toml", in_postgres),
        };
        let path = folder.join(file);
        let edited = edit(&text(&path)?, image).ok_or_else(|| {
            misconfigured!(
                "{}: write image in lines of its own, as config/dev has it",
                path.display()
            )
        })?;
        std::fs::write(&path, edited).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// The block `image` keeps its other keys. Nothing, if it isn't what is read afterwards.
fn in_values(text: &str, Image { repository, digest, .. }: Image) -> Option<String> {
    let block = format!("image:\n  repository: {repository}\n  digest: {digest}\n");
    let (mut edited, mut inside) = (String::new(), false);
    for line in text.lines() {
        if line.starts_with("image:") {
            inside = true;
            edited += &block;
            continue;
        }
        inside &= line.is_empty() || line.starts_with([' ', '#']);
        let key = line.split_whitespace().next();
        if !inside || !matches!(key, Some("repository:" | "tag:" | "digest:")) {
            edited = edited + line + "\n";
        }
    }
    if !edited.contains(&block) {
        edited += &block;
    }
    let read = |text: &str| serde_saphyr::from_str::<Value>(text).ok();
    let (mut before, after) = (read(text)?, read(&edited)?);
    before["image"]["repository"] = repository.into();
    before["image"]["digest"] = digest.into();
    before["image"].as_object_mut()?.remove("tag");
    (before == after).then_some(edited)
}

fn in_postgres(text: &str, Image { repository, digest, .. }: Image) -> Option<String> {
    let image = format!("{repository}@{digest}");
    let is_it = |line: &str| {
        line.strip_prefix("image").is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let line = |line: &str| {
        if is_it(line) { format!("image = \"{image}\"\n") } else { format!("{line}\n") }
    };
    let edited: String = text.lines().map(line).collect::<Vec<_>>().concat();
    let read = |text: &str| toml::from_str::<toml::Table>(text).ok();
    let (mut before, after) = (read(text)?, read(&edited)?);
    before.insert("image".to_owned(), image.into());
    (before == after).then_some(edited)
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| misconfigured!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    /// Pins in a copy of an environment: its two files, before and after.
    fn pinned(env: &Path, images: &str) -> Result<[[String; 2]; 2]> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("images"), images)?;
        let files = ["values.yaml", "postgres.toml"];
        for file in files {
            std::fs::copy(env.join(file), folder.path().join(file))?;
        }
        for _ in ["once", "again"] {
            pin(folder.path(), &folder.path().join("images"))?;
        }
        Ok(files.map(|file| [env, folder.path()].map(|it| text(&it.join(file)).unwrap())))
    }

    fn config() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../config")
    }

    #[test]
    fn of_every_environment_the_images_are_pinned_and_nothing_else_changes() {
        let images = format!(
            "runtime-host registry.example/a/runtime-host@{}\npostgres registry.example:5000/postgres@{}\n",
            hex('1'),
            hex('2')
        );
        let mut count = 0;
        for env in std::fs::read_dir(config()).unwrap() {
            let [values, postgres] = pinned(&env.unwrap().path(), &images).unwrap();
            let ours = ["image", "  repository:", "  tag:", "  digest:"];
            let rest = |text: &str| -> Vec<String> {
                let all = text.lines().filter(|line| !ours.iter().any(|it| line.starts_with(it)));
                all.map(str::to_owned).collect()
            };
            for [before, after] in [&values, &postgres] {
                assert_eq!(rest(before), rest(after));
            }
            let block =
                "image:\n  repository: registry.example/a/runtime-host\n  digest: sha256:1111";
            assert_eq!(values[1].matches("image:").count(), 1, "{}", values[1]);
            assert!(values[1].contains(block) && !values[1].contains("  tag:"), "{}", values[1]);
            let line = format!("image = \"registry.example:5000/postgres@{}\"\n", hex('2'));
            assert_eq!(postgres[1].matches(&line).count(), 1, "{}", postgres[1]);
            count += 1;
        }
        assert!(count >= 3);
    }

    #[test]
    fn the_other_keys_of_a_block_stay_and_what_cannot_be_pinned_is_refused() {
        let line = format!("runtime-host a@{}", hex('1'));
        let image = Image::parse(&line).unwrap();
        let values = "image:\n  # why\n  tag: dev\n  pullPolicy: Always\n\nreplicas: 1\n";
        let edited = in_values(values, image).unwrap();
        assert!(edited.ends_with("  # why\n  pullPolicy: Always\n\nreplicas: 1\n"), "{edited}");
        assert!(in_values("image:\n    tag: dev\n    pullPolicy: Always\n", image).is_none());
        assert!(in_postgres("name = \"a\"\n", image).is_none());
        for wrong in [
            String::new(),
            "runtime-host registry.example/a:latest\n".to_owned(),
            format!("other registry.example/a@{}\n", hex('1')),
            "postgres registry.example/a@sha256:12\n".to_owned(),
        ] {
            assert!(pinned(&config().join("dev"), &wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_runs_is_one_image_by_its_digest() {
        let pod = |image: &str| -> Pod {
            serde_json::from_value(serde_json::json!({
                "spec": { "containers": [{ "name": "a", "image": image }, { "name": "b", "image": "c" }] }
            }))
            .unwrap()
        };
        let image = format!("registry.example/a@{}", hex('1'));
        let told =
            |pods: &[Pod]| line("postgres", "prod", "a=b", pods).map_err(|it| it.to_string());
        let same = told(&[pod(&image), pod(&image)]);
        assert_eq!(same.unwrap(), format!("postgres {image}\n"));
        assert!(told(&[pod("a:latest")]).is_err_and(|it| it.contains("names no digest")));
        for pods in [&[pod(&image), pod("other")][..], &[]] {
            assert!(told(pods).is_err_and(|it| it.contains("wait until all run one image")));
        }
    }
}
