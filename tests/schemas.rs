//! Every machine output is what its schema in `docs/schemas/` says, over every transcript and example that the repository holds; and
//! each schema refuses an output with a member too many or a value of another type.
//! Not here: what the outputs say (`suite/`).

use crate::harness::markdown::{Section, sections};
use crate::harness::run::{self, PROGRAM};
use crate::harness::{files, root};
use execpolicy_compiler::diagnostic::Code;
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// The formats, by the name of the schema.
const CHECK: &str = "docs/schemas/check-1.json";
const VERDICT: &str = "docs/schemas/verdict-1.json";
const STATUS: &str = "docs/schemas/status-1.json";
const DOCTOR: &str = "docs/schemas/doctor-1.json";
/// As OASIS publishes it.
const SARIF: &str = "tests/schemas/sarif-2.1.0.json";

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(root().join(name)).unwrap()).unwrap()
}

/// What validates one format; formats of strings (`uri`) are checked as well.
fn validator(name: &str) -> Validator {
    let status = read(STATUS);
    let id = status["$id"].as_str().unwrap().to_owned();
    let registry = Registry::new().add(id, status).unwrap().prepare().unwrap();
    let schema = read(name);
    assert!(jsonschema::meta::is_valid(&schema), "{name} is no schema");
    jsonschema::options().with_registry(&registry).should_validate_formats(true).build(&schema).unwrap()
}

#[track_caller]
fn valid(validator: &Validator, output: &Value, what: &str) {
    let faults: Vec<String> =
        validator.iter_errors(output).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{what}\n{}\n{output:#}", faults.join("\n"));
}

/// Standard output of the program.
fn output(words: &[String], directory: &Path) -> String {
    let output = Command::new(PROGRAM)
        .args(words)
        .current_dir(directory)
        .env_clear()
        .env("HOME", "/home/me")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Which format a command line prints, by what it asks for.
fn format(words: &[String]) -> Option<&'static str> {
    let has = |word: &str| words.iter().take_while(|known| *known != "--").any(|known| known == word);
    let after = |word: &str| {
        let at = words.iter().position(|known| known == word)?;
        words.get(at + 1).map(String::as_str)
    };
    match words.first()?.as_str() {
        "check" if ["--rules", "-r", "--policy", "--shell"].into_iter().any(has) => Some(VERDICT),
        "check" => match after("--format") {
            Some("json") => Some(CHECK),
            Some("sarif") => Some(SARIF),
            _ => None,
        },
        "doctor" if has("--json") => Some(DOCTOR),
        _ => None,
    }
}

/// The command lines of a case, each with every format that it can have.
fn lines(case: &Section) -> Vec<Vec<String>> {
    let consoles = case.fences.iter().filter(|fence| fence.language() == "console");
    let written =
        consoles.flat_map(|fence| fence.text.lines()).filter_map(|line| line.strip_prefix("$ execpolicy "));
    let mut found = Vec::new();
    for words in written.map(|line| shlex::split(line).unwrap()) {
        let decides = format(&words) == Some(VERDICT);
        if words[0] == "check" && !decides {
            let plain: Vec<String> = words[1..]
                .iter()
                .filter(|word| !["--format", "json", "sarif", "github"].contains(&word.as_str()))
                .cloned()
                .collect();
            for format in ["json", "sarif"] {
                let front = ["check", "--format", format].map(str::to_owned);
                found.push(front.into_iter().chain(plain.iter().cloned()).collect());
            }
        } else if decides && !words.iter().any(|word| word.starts_with("--codex") || word == "--details") {
            let front = ["check", "--details"].map(str::to_owned);
            found.push(front.into_iter().chain(words[1..].iter().cloned()).collect());
        }
        found.push(words);
    }
    found
}

/// Every output of every case, by format, with what printed it.
fn outputs() -> BTreeMap<&'static str, Vec<(String, Value)>> {
    let mut found: BTreeMap<&'static str, Vec<(String, Value)>> = BTreeMap::new();
    let mut take = |words: &[String], directory: &Path, place: &str| {
        let Some(format) = format(words) else { return };
        let text = output(words, directory);
        // A policy that cannot be used gives no verdict.
        if !text.is_empty() {
            let value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error}: {text}"));
            found.entry(format).or_default().push((format!("{place}: {words:?}"), value));
        }
    };
    let mut pages = files(&root().join("tests/suite/cli"), ".md");
    pages.extend(files(&root().join("tests/suite/codex"), ".md"));
    pages.extend(files(&root().join("docs"), ".md"));
    pages.push(root().join("README.md"));
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for case in sections(&text) {
            let directory = tempfile::tempdir().unwrap();
            run::write_files(&case.fences, directory.path());
            write_sandboxes(&case, directory.path());
            for words in lines(&case) {
                if format(&words).is_some() {
                    take(&words, directory.path(), &page.display().to_string());
                } else {
                    // It may write what a later one reads.
                    output(&words, directory.path());
                }
            }
        }
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in RARE_FILES {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    for line in RARE {
        take(&shlex::split(line).unwrap(), directory.path(), "the list of this file");
    }
    for code in Code::ALL {
        let page = sections(code.page());
        let Some(case) = page.iter().find(|section| section.heading == "Example") else { continue };
        let directory = tempfile::tempdir().unwrap();
        run::write_files(&case.fences, directory.path());
        write_sandboxes(case, directory.path());
        for format in ["json", "sarif"] {
            let words = ["check", "--format", format, "."].map(str::to_owned);
            take(&words, directory.path(), code.as_str());
        }
    }
    found
}

/// What no transcript prints: two places of which neither is within the other, another working directory, a trace.
const RARE: &[&str] = &[
    "check --details --rules a.rules --rules a.sandbox --shell 'x; ls'",
    "check --details --rules a.rules --rules a.sandbox --shell 'cd /usr && ls'",
    "check --format json trace.rules",
    "check --format sarif trace.rules",
];
const RARE_FILES: &[(&str, &str)] = &[
    ("a.rules", "sandbox_rule(pattern = [\"x\"], profile = \"b\")\nprefix_rule(pattern = [\"x\"])\n"),
    (
        "a.sandbox",
        "profile a extends read-only {\n write $WORKSPACE/a\n}\nprofile b extends read-only {\n write $WORKSPACE/b\n}\ndefault a\n",
    ),
    ("trace.rules", "def f():\n    prefix_rule(pattern = [])\nf()\n"),
];

/// Sandbox files of a page have no name where there is only one.
fn write_sandboxes(case: &Section, directory: &Path) {
    for fence in case.fences.iter().filter(|fence| fence.language() == "sandbox") {
        std::fs::write(directory.join(fence.value("name").unwrap_or("case.sandbox")), &fence.text).unwrap();
    }
}

#[test]
fn every_output_is_what_its_schema_says() {
    let found = outputs();
    for (format, least) in [(CHECK, 100), (SARIF, 100), (VERDICT, 50)] {
        let list = &found[format];
        assert!(list.len() >= least, "only {} outputs for {format}", list.len());
        let validator = validator(format);
        for (what, output) in list {
            valid(&validator, output, what);
            if format == SARIF {
                sarif(output, what);
            }
        }
        refuses(&validator, list);
    }
    // What the schemas describe is printed somewhere in here.
    let all = |format: &str| found[format].iter().map(|(_, output)| output.to_string()).collect::<String>();
    let verdicts = all(VERDICT);
    for member in [
        "placement",
        "disputed",
        "certainty",
        "opaque",
        "noAllow",
        "effects",
        "environment",
        "through",
        "cwd",
        "span",
        "resolvedProgram",
    ] {
        assert!(verdicts.contains(&format!("\"{member}\":")), "no verdict has `{member}`");
    }
    for member in ["labels", "trace", "hints", "suggestions"] {
        assert!(all(CHECK).contains(&format!("\"{member}\":")), "no finding has `{member}`");
    }
    assert!(all(SARIF).contains("\"fixes\":"), "no result has a fix");
}

/// Each object with one member too many, and each value with another type, must be refused: in a sample of the outputs, the
/// largest ones.
fn refuses(validator: &Validator, list: &[(String, Value)]) {
    let mut sample: Vec<&(String, Value)> = list.iter().collect();
    sample.sort_by_key(|(_, output)| std::cmp::Reverse(output.to_string().len().min(6000)));
    for (what, output) in sample.into_iter().take(6) {
        let mut paths = Vec::new();
        walk(output, String::new(), &mut paths);
        for path in paths.iter().take(400) {
            let mut wrong = output.clone();
            let place = wrong.pointer_mut(path).unwrap();
            match place {
                Value::Object(members) => {
                    members.insert("unknown member".to_owned(), json!(1));
                }
                other => *other = json!({ "of another type": 1 }),
            }
            assert!(!validator.is_valid(&wrong), "{what}: the schema does not look at `{path}`");
        }
    }
}

fn walk(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), paths);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, format!("{path}/{at}"), paths);
            }
        }
        _ => {}
    }
    paths.push(path);
}

/// What the schema of SARIF cannot say: indexes that lead to the rule, and relative URIs that have a base.
fn sarif(log: &Value, what: &str) {
    let run = &log["runs"][0];
    let bases = run["originalUriBaseIds"].as_object().unwrap();
    for base in bases.values() {
        let uri = base["uri"].as_str().unwrap();
        assert!(uri.starts_with("file:///") && uri.ends_with('/'), "{what}: {uri}");
    }
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"), "{what}");
    }
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"], "{what}");
        assert_eq!(result["partialFingerprints"].as_object().unwrap().len(), 1, "{what}");
    }
    let mut paths = Vec::new();
    walk(log, String::new(), &mut paths);
    for path in paths.iter().filter(|path| path.ends_with("/artifactLocation")) {
        let location = log.pointer(path).unwrap();
        let uri = location["uri"].as_str().unwrap();
        let relative = location.get("uriBaseId").is_some();
        assert!(relative || uri.contains(":/"), "{what}: {uri} has no base");
        assert!(!relative || bases.contains_key(location["uriBaseId"].as_str().unwrap()), "{what}: {uri}");
        assert!(!uri.contains("..") && !uri.contains("//."), "{what}: {uri} is not in normal form");
    }
}

/// `check --format sarif` in a directory.
fn results(arguments: &[&str], directory: &Path) -> Vec<Value> {
    let words: Vec<String> =
        ["check", "--format", "sarif"].iter().chain(arguments).map(|&word| word.to_owned()).collect();
    let log: Value = serde_json::from_str(&output(&words, directory)).unwrap();
    valid(&validator(SARIF), &log, "sarif");
    sarif(&log, "sarif");
    log["runs"][0]["results"].as_array().unwrap().clone()
}

#[test]
fn names_of_files_are_encoded() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("in");
    std::fs::create_dir(&inside).unwrap();
    let fault = "prefix_rule(pattern = [])\n";
    let names = [
        ("a b.rules", "a%20b.rules"),
        ("100%.rules", "100%25.rules"),
        ("c#.rules", "c%23.rules"),
        ("ü.rules", "%C3%BC.rules"),
        ("a:b.rules", "a%3Ab.rules"),
        ("what?.rules", "what%3F.rules"),
        ("[x].rules", "%5Bx%5D.rules"),
    ];
    for (name, uri) in names {
        std::fs::write(inside.join(name), fault).unwrap();
        let found = results(&[name], &inside);
        let location = &found[0]["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!((location["uri"].as_str(), location["uriBaseId"].as_str()), (Some(uri), Some("SRCROOT")));
    }
    // What is not below the working directory is absolute, however it is named.
    std::fs::write(directory.path().join("out.rules"), fault).unwrap();
    let found = results(&["../out.rules"], &inside);
    let location = &found[0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert!(location.get("uriBaseId").is_none(), "{location}");
    assert!(location["uri"].as_str().unwrap().ends_with("/out.rules"), "{location}");
    assert!(location["uri"].as_str().unwrap().starts_with("file:///"), "{location}");
    // And a file below it is relative, however it is named.
    let whole = inside.canonicalize().unwrap().join("a b.rules");
    let found = results(&[whole.to_str().unwrap()], &inside.canonicalize().unwrap());
    assert_eq!(found[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b.rules");
}

#[test]
fn fingerprints_stay_where_lines_move() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("p.rules");
    let rule = "prefix_rule(pattern = [\"a\"], decision = \"allowed\")\n";
    let prints = |text: &str| -> Vec<String> {
        std::fs::write(&file, text).unwrap();
        let found = results(&["p.rules"], directory.path());
        found
            .iter()
            .map(|result| {
                let (_, print) = result["partialFingerprints"].as_object().unwrap().iter().next().unwrap();
                print.as_str().unwrap().to_owned()
            })
            .collect()
    };
    let one = prints(rule);
    assert_eq!(prints(&format!("# A line.\n\n    \n{rule}# More.\n")), one);
    assert_eq!(prints(&rule.replace("], ", "],   ")), one, "blanks do not count");
    let two = prints(&format!("{rule}{rule}"));
    assert_eq!((two.len(), &two[0]), (2, &one[0]));
    assert_ne!(two[0], two[1], "two of one kind are two");
    assert_ne!(prints(&rule.replace("\"a\"", "\"b\"")), one, "another line is another finding");
}

#[cfg(target_os = "linux")]
mod status {
    use super::*;
    use std::fs;

    /// The lines that a command line writes to its status descriptor.
    fn events(words: &str, directory: &Path) -> Vec<Value> {
        let script = format!("exec 3>status; exec {PROGRAM} {words} 2>/dev/null >/dev/null </dev/null");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).current_dir(directory).env("HOME", directory);
        command.status().unwrap();
        let text = fs::read_to_string(directory.join("status")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_status_line_is_what_its_schema_says() {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        fs::write(
            here.join("p.rules"),
            "prefix_rule(pattern = [\"true\"])\nprefix_rule(pattern = [\"ask\"], decision = \"prompt\", justification = \"why\")\nprefix_rule(pattern = [\"rm\"], decision = \"forbidden\")\n",
        )
        .unwrap();
        let run = "run --status-fd 3 --rules p.rules";
        let mut all = Vec::new();
        // Without a sandbox: each reason that a policy can give.
        for (words, reason) in [
            (format!("{run} -- rm -rf /"), "forbidden"),
            (format!("{run} -- sh -c 'true; rm x'"), "forbidden"),
            (format!("{run} --approval never -- ask"), "prompt"),
            (format!("{run} --approval never -- sh -c '$X'"), "prompt"),
            (format!("{run} --approval ask-unmatched -- ls"), "unmatched"),
            (format!("{run} --profile nonsense -- true"), "policy"),
            ("run --status-fd 3 --rules missing.rules -- true".to_owned(), "policy"),
            ("sandbox --status-fd 3 --workspace /missing -- true".to_owned(), "profile"),
        ] {
            let events = events(&words, here);
            assert_eq!(events.len(), 1, "{words}: {events:?}");
            assert_eq!(
                (&events[0]["event"], &events[0]["reason"]),
                (&json!("refused"), &json!(reason)),
                "{words}"
            );
            all.extend(events.into_iter().map(|event| (words.clone(), event)));
        }
        if execpolicy_confine::Helper::at(Path::new(PROGRAM))
            .and_then(|helper| execpolicy_confine::detect(&helper))
            .is_ok()
        {
            for words in [
                "sandbox --status-fd 3 --profile read-only -- true",
                "sandbox --status-fd 3 --profile read-only -- sh -c 'kill -9 $$'",
                "sandbox --status-fd 3 --profile read-only -- touch /etc/passwd",
                "sandbox --status-fd 3 --profile workspace-write -- curl https://example.org",
                "sandbox --status-fd 3 --profile read-only -- no-such-program",
            ] {
                let events = events(words, here);
                assert!(!events.is_empty(), "{words}");
                all.extend(events.into_iter().map(|event| (words.to_owned(), event)));
            }
            let hinted = |evidence: &str| {
                all.iter().any(|(_, event)| {
                    event["hints"]
                        .as_array()
                        .is_some_and(|hints| hints.iter().any(|hint| hint["evidence"] == evidence))
                })
            };
            assert!(hinted("not-writable") && hinted("network"), "{all:?}");
            let words = ["doctor", "--json"].map(str::to_owned);
            let report: Value = serde_json::from_str(&output(&words, here)).unwrap();
            let list = [("doctor".to_owned(), report)];
            valid(&validator(DOCTOR), &list[0].1, "doctor");
            refuses(&validator(DOCTOR), &list);
        } else {
            eprintln!("SKIPPED: started and ended lines: this host builds no sandboxes");
        }
        let validator = validator(STATUS);
        for (what, event) in &all {
            valid(&validator, event, what);
        }
        for event in &all {
            refuses(&validator, std::slice::from_ref(event));
        }
    }
}
