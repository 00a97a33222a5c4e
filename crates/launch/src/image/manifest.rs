//! What registries say of an image: which platforms there are, which layers, what it starts.

use std::collections::BTreeMap;

use fetch::images::is_digest;
use serde::Deserialize;

use crate::limits::{IMAGE_LAYERS_MAX, IMAGE_PLATFORMS_MAX};

/// Something with a digest.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) digest: String,
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default)]
    pub(super) media_type: String,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
}

/// What a manifest is.
#[derive(Debug)]
pub(super) enum Manifest {
    /// Where the image for this machine is.
    Elsewhere(Descriptor),
    /// The image.
    Image {
        config: Descriptor,
        layers: Vec<Descriptor>,
    },
}

/// What an image starts, and with what.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    pub(super) config: Option<Start>,
    #[serde(default)]
    pub(super) rootfs: Option<RootFs>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Start {
    pub(super) env: Option<Vec<String>>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) working_dir: Option<String>,
    pub(super) labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct RootFs {
    #[serde(default)]
    pub(super) diff_ids: Vec<String>,
}

/// What this machine runs, as images have it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

impl Manifest {
    /// # Errors
    /// It is none, or has nothing for this machine; in words.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let no_sense = |why: String| format!("its manifest makes no sense: {why}");
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| no_sense(error.to_string()))?;
        if let Some(all) = document.manifests {
            if all.len() > IMAGE_PLATFORMS_MAX {
                return Err(no_sense(format!("more than {IMAGE_PLATFORMS_MAX} images")));
            }
            let is_here = |one: &&Descriptor| {
                one.platform.as_ref().is_some_and(|platform| {
                    platform.os == "linux" && platform.architecture == architecture()
                })
            };
            let Some(here) = all.iter().find(is_here) else {
                let others: Vec<String> = all
                    .iter()
                    .filter_map(|one| one.platform.as_ref())
                    .filter(|platform| platform.os != "unknown")
                    .map(|platform| format!("{}/{}", platform.os, platform.architecture))
                    .take(8)
                    .collect();
                return Err(for_another(&others.join(", ")));
            };
            here.checked().map_err(no_sense)?;
            return Ok(Self::Elsewhere(here.clone()));
        }
        let (Some(config), Some(layers)) = (document.config, document.layers) else {
            return Err(no_sense("it names no layers".to_owned()));
        };
        if layers.len() > IMAGE_LAYERS_MAX {
            return Err(no_sense(format!("more than {IMAGE_LAYERS_MAX} layers")));
        }
        for one in layers.iter().chain([&config]) {
            one.checked().map_err(no_sense)?;
        }
        Ok(Self::Image { config, layers })
    }
}

impl Descriptor {
    fn checked(&self) -> Result<(), String> {
        match is_digest(&self.digest) {
            true => Ok(()),
            false => Err("one of its digests is none of SHA-256".to_owned()),
        }
    }
}

impl Config {
    /// # Errors
    /// It is none, or of an image for another machine; in words.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("its configuration makes no sense: {error}"))?;
        let is = |of_it: &str, here: &str| of_it.is_empty() || of_it == here;
        if !is(&config.os, "linux") || !is(&config.architecture, architecture()) {
            return Err(for_another(&format!(
                "{}/{}",
                plain(&config.os),
                plain(&config.architecture)
            )));
        }
        Ok(config)
    }

    /// What it would start.
    pub(super) fn program(&self, command: &[String]) -> Vec<String> {
        let start = self.config.clone().unwrap_or_default();
        let mut out = start.entrypoint.unwrap_or_default();
        match command.is_empty() {
            true => out.extend(start.cmd.unwrap_or_default()),
            false => out.extend_from_slice(command),
        }
        out
    }
}

fn for_another(which: &str) -> String {
    format!(
        "it is for {}, and this machine runs linux/{}; ask its publisher for one, or build it here",
        plain(which),
        architecture()
    )
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(c: &str) -> String {
        format!("sha256:{}", c.repeat(64))
    }

    #[test]
    fn the_image_for_this_machine_is_chosen() {
        let index = |arch: &str| {
            format!(
                r#"{{"manifests":[{{"digest":"{}","platform":{{"os":"linux","architecture":"s390x"}}}},{{"digest":"{}","platform":{{"os":"linux","architecture":"{arch}"}}}}]}}"#,
                digest("a"),
                digest("b")
            )
        };
        let Ok(Manifest::Elsewhere(here)) = Manifest::parse(index(architecture()).as_bytes())
        else {
            panic!("it is an index");
        };
        assert_eq!(here.digest, digest("b"));
        let why = Manifest::parse(index("mips").as_bytes()).unwrap_err();
        assert!(why.contains("linux/s390x, linux/mips"), "{why}");
        assert!(
            Config::parse(br#"{"os":"windows"}"#)
                .unwrap_err()
                .contains("it is for windows/")
        );
    }

    #[test]
    fn what_makes_no_sense_is_no_manifest() {
        let layer = format!(r#"{{"digest":"{}"}}"#, digest("a"));
        let many = vec![layer.clone(); IMAGE_LAYERS_MAX + 1].join(",");
        for bad in [
            "".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            format!(r#"{{"config":{layer}}}"#),
            format!(r#"{{"config":{layer},"layers":[{{"digest":"sha512:aa"}}]}}"#),
            format!(r#"{{"config":{layer},"layers":[{many}]}}"#),
        ] {
            assert!(Manifest::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let good = format!(r#"{{"config":{layer},"layers":[{layer}]}}"#);
        assert!(matches!(
            Manifest::parse(good.as_bytes()),
            Ok(Manifest::Image { .. })
        ));
    }
}
