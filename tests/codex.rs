//! `--codex` against verified answers of Codex 0.169: every case in `../shared`, where that folder is.

use crate::harness::{root, run, skip};
use std::path::PathBuf;

/// The folder of shared material, or a loud word that it is not there.
pub fn shared(what: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(what);
    if path.exists() {
        return Some(path);
    }
    skip(std::thread::current().name().unwrap_or("codex"), "../shared is not here");
    None
}

/// The kind of error that Codex gives where we give this code.
fn kind(code: &str, message: &str) -> &'static str {
    match code {
        "EP0209" | "EP0211" | "EP0212" | "EP0213" | "EP0214" => "InvalidRule",
        "EP0205" | "EP0206" | "EP0207" => "InvalidPattern",
        "EP0208" => "InvalidDecision",
        "EP0210" => "InvalidExample",
        "EP0202" => "MissingParameter",
        "EP0201" => "UnknownParameter",
        "EP0301" => "ExampleDidNotMatch",
        "EP0302" => "ExampleDidMatch",
        "EP0107" => "StarlarkName",
        "EP0105" | "EP0106" => "StarlarkParse",
        "EP0119" => "StarlarkLoad",
        "EP0111" => "StarlarkStackOverflow",
        other => panic!("no kind for {other}: {message}"),
    }
}

#[test]
fn agrees_with_every_verified_case() {
    let Some(path) = shared("cases/execpolicy_check.json") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    for case in cases {
        let directory = tempfile::tempdir().unwrap();
        let policies: Vec<&str> = match &case["policy"] {
            serde_json::Value::String(text) => vec![text],
            several => several.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect(),
        };
        let mut words = vec!["check".to_owned(), "--codex".to_owned()];
        let mut check = vec!["check".to_owned(), "--codex".to_owned(), "--format=json".to_owned()];
        for (number, policy) in policies.iter().enumerate() {
            let name = format!("p{number}.rules");
            std::fs::write(directory.path().join(&name), policy).unwrap();
            words.extend(["--rules".to_owned(), name.clone()]);
            check.push(name);
        }
        let strings = |value: &serde_json::Value| {
            value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        words.extend(strings(&case["flags"]));
        words.push("--".to_owned());
        words.extend(strings(&case["command"]));
        let (output, status) = run::run(&words, directory.path());
        let id = &case["id"];
        assert_eq!(i64::from(status), case["exit_code"].as_i64().unwrap(), "{id}: {output}");
        if case["actual_json"].is_null() {
            let (output, _) = run::run(&check, directory.path());
            let found: serde_json::Value = serde_json::from_str(&output).unwrap();
            let first = &found["diagnostics"][0];
            let ours = kind(first["code"].as_str().unwrap(), first["message"].as_str().unwrap());
            assert_eq!(ours, case["error_kind"].as_str().unwrap(), "{id}: {output}");
        } else {
            assert_eq!(output, format!("{}\n", case["actual_json"]), "{id}");
        }
    }
    assert!(cases.len() >= 100);
}

/// The real files of the corpus load, or are refused, as Codex does; a refusal in the strict mode
/// that Codex does not share is named in `docs/semantics.md`.
#[test]
fn real_files_load_as_in_codex() {
    let Some(path) = shared("corpus/rules") else { return };
    let refused_by_codex = [
        "damienbenveniste+RepoGuard__.codex_rules_validation.rules",
        "junozx+learn-codex__.codex_rules_security.rules",
    ];
    let files = crate::harness::files(&path, ".rules");
    assert_eq!(files.len(), 39);
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        for mode in [&["check", "--quiet", "--codex"][..], &["check", "--quiet"]] {
            let words: Vec<&str> = mode.iter().copied().chain([file.to_str().unwrap()]).collect();
            let (output, status) = run::run(&words, root());
            assert_eq!(status != 0, refused_by_codex.contains(&name), "{name} {mode:?}: {output}");
        }
    }
}
