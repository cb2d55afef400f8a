//! The images as such: what is in them, and that Docker's classic builder makes the same of the Dockerfile.
use crate::engines::{ENGINES, FULL, Kind, NFT, NONROOT, Want, docker, images, version};
use crate::node::{Node, said};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

fn archive(image: &'static str) -> String {
    Want { image, ..Want::nft() }.archive()
}

fn part(archive: &str, name: &str) -> Value {
    let part = said(Command::new("tar").args(["-xOf", archive, name]));
    serde_json::from_str(&part.stdout).unwrap_or_else(|e| panic!("{archive}: {name}: {e}"))
}

fn config(image: &'static str) -> Value {
    let archive = archive(image);
    let manifest = part(&archive, "manifest.json");
    part(&archive, manifest[0]["Config"].as_str().unwrap())["config"].take()
}

#[test]
fn labels_user_and_health() {
    for (image, user) in [(NFT, "0:0"), (FULL, "0:0"), (NONROOT, "65534:0")] {
        let config = config(image);
        assert_eq!(config["User"], user, "{config:#}");
        assert_eq!(config["Entrypoint"], serde_json::json!(["/chainkeeper"]));
        assert_eq!(
            config["Healthcheck"]["Test"],
            serde_json::json!(["CMD", "/chainkeeper", "check", "--live"])
        );
        for label in ["title", "description", "version", "revision", "created", "licenses"] {
            let value = config["Labels"][format!("org.opencontainers.image.{label}")].as_str();
            let known = value.is_some_and(|value| !["", "unknown"].contains(&value));
            assert!(known, "{label}: {config:#}");
        }
        assert_eq!(config["Labels"]["org.opencontainers.image.version"], version());
    }
}

#[test]
fn nothing_but_the_binary_is_in_nft() {
    let archive = archive(NFT);
    let layers = part(&archive, "manifest.json")[0]["Layers"].clone();
    let layer = layers[0].as_str().unwrap();
    assert_eq!(layers.as_array().unwrap().len(), 1, "{layers}");
    let names =
        said(Command::new("sh").args(["-ec", &format!("tar -xOf {archive} {layer} | tar -tf -")]));
    assert_eq!(names.stdout, "chainkeeper\n");
}

/// Docker's builder knows nothing of the archives: only the Dockerfile, and the folder that was filled for it.
#[test]
fn docker_builds_the_same() {
    let node = Node::new();
    let engine = Kind::Docker.start(&node);
    let folder = images() + "/context";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docker/Dockerfile");
    for (target, image) in [("nft", NFT), ("full", FULL)] {
        let ours = config(image);
        let label = |name: &str| {
            ours["Labels"][format!("org.opencontainers.image.{name}")].as_str().unwrap()
        };
        let tag = format!("chainkeeper:built{image}");
        let set = [("VERSION", "version"), ("REVISION", "revision"), ("CREATED", "created")];
        let set = set.map(|(name, of)| format!("--build-arg={name}={}", label(of)));
        let mut build = docker(&node);
        build
            .env("DOCKER_BUILDKIT", "0")
            .args(["build", "--target", target, "--file", file, "--tag", &tag]);
        let built = said(build.args(set).arg(&folder));
        assert_eq!(built.code, 0, "{built:?}");
        let text = said(docker(&node).args(["inspect", "--format={{json .Config}}", &tag])).stdout;
        let theirs: Value = serde_json::from_str(&text).unwrap();
        for key in ["User", "Entrypoint", "Cmd", "Healthcheck"] {
            assert_eq!(theirs[key], ours[key], "{target}: {key}");
        }
        // The order has no meaning.
        let environment = |config: &Value| -> BTreeSet<String> {
            config["Env"].as_array().unwrap().iter().map(Value::to_string).collect()
        };
        assert_eq!(environment(&theirs), environment(&ours), "{target}");
        for name in ["title", "description", "version", "revision", "created", "licenses"] {
            let key = format!("org.opencontainers.image.{name}");
            assert_eq!(theirs["Labels"][&key], ours["Labels"][&key], "{target}: {key}");
        }
        let want = Want { version: "built".into(), image, ..Want::nft() };
        let said = engine.ck(&want, "--version").stdout;
        assert!(said.contains(label("version")), "{said}");
        let done = engine.ck(&want, "apply");
        assert_eq!(done.code, 0, "{done:?}");
    }
}

/// Whoever runs it in a container of his own sees the same version in each.
#[test]
fn each_engine_runs_what_the_label_says() {
    for kind in ENGINES {
        let node = Node::new();
        let engine = kind.start(&node);
        for image in [NFT, FULL, NONROOT] {
            let want = Want { image, no_new_privs: image != NONROOT, ..Want::nft() };
            let said = engine.ck(&want, "--version");
            assert!(
                said.stdout.contains(&format!("chainkeeper {}", version())),
                "{image}: {said:?}"
            );
        }
    }
}
