//! Runs the fences of one case in a directory of its own.

use super::markdown::Fence;
use execpolicy_compiler::compile::{self, Input};
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::loader::{LoadFault, Loader};
use execpolicy_compiler::policy::matches;
use execpolicy_compiler::policy::scripts::decide_command;
use execpolicy_compiler::rules::evaluate::InProcess;
use execpolicy_compiler::source::SourceMap;
use execpolicy_runtime::{Context, Mode};
use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::process::Command;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_execpolicy");

/// Files in a directory, as a loader.
pub struct Directory<'a>(pub &'a Path);

impl Loader for Directory<'_> {
    fn read(&self, name: &str) -> Result<Vec<u8>, LoadFault> {
        std::fs::read(self.0.join(name)).map_err(|_| LoadFault::NotFound)
    }
}

/// Writes the files that a case's fences hold.
pub fn write_files(fences: &[Fence], directory: &Path) {
    for fence in fences {
        let default = match fence.language() {
            "rules" => "policy.rules",
            "toml" => "execpolicy.toml",
            _ => continue,
        };
        let path = directory.join(fence.value("name").unwrap_or(default));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes =
            if fence.has("escapes") { unescape(&fence.text) } else { fence.text.clone().into_bytes() };
        std::fs::write(path, bytes).unwrap();
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('t') {
            bytes.push(b'\t');
            rest = after;
        } else if let Some(hex) = rest.strip_prefix('x') {
            bytes.push(u8::from_str_radix(&hex[..2], 16).unwrap());
            rest = &hex[2..];
        } else {
            bytes.push(b'\\');
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Checks `policy.rules` in this process.
pub fn check(
    directory: &Path,
    codex: bool,
) -> (Option<execpolicy_compiler::check::CheckedPolicy>, Diagnostics, SourceMap) {
    let mut diagnostics = Diagnostics::new();
    let input = Input { rules: vec!["policy.rules".to_owned()], sandboxes: Vec::new(), codex };
    let result =
        compile::check(&input, &Directory(directory), &InProcess, SourceMap::new(), &mut diagnostics);
    diagnostics.sort();
    match result {
        Ok(policy) => {
            let sources = policy.sources().clone();
            (Some(policy), diagnostics, sources)
        }
        Err((_, sources)) => (None, diagnostics, sources),
    }
}

/// What a fence should hold; `None` if it is input.
pub fn result(fence: &Fence, directory: &Path) -> Option<String> {
    match fence.language() {
        "diagnostics" => Some(diagnostics(directory, fence.has("codex"))),
        "decide" => Some(decide(fence, directory)),
        "console" => Some(console(fence, directory)),
        _ => None,
    }
}

fn diagnostics(directory: &Path, codex: bool) -> String {
    let (_, diagnostics, sources) = check(directory, codex);
    let mut text = String::new();
    for d in diagnostics.as_slice() {
        let place = d.span.map_or_else(
            || d.file.clone().unwrap_or_default(),
            |span| {
                let source = sources.get(span.source);
                let file = if source.name() == "policy.rules" {
                    String::new()
                } else {
                    format!("{}:", source.name())
                };
                format!("{file}{}", source.position(span.start))
            },
        );
        writeln!(text, "{} {place} {}", d.code, d.message).unwrap();
    }
    text
}

fn decide(fence: &Fence, directory: &Path) -> String {
    let codex = fence.has("codex");
    let (policy, diagnostics, _) = check(directory, codex);
    let policy = policy.unwrap_or_else(|| panic!("the policy has errors: {:#?}", diagnostics.as_slice()));
    let mode =
        if codex { Mode::Codex { resolve_host_executables: fence.has("resolve") } } else { Mode::Strict };
    let context = Context { mode, cwd: Some(b"/work"), home: Some(b"/home/me") };
    let lines: Vec<&str> = fence
        .text
        .lines()
        .map(|line| line.rsplit_once("=>").map_or(line, |(command, _)| command).trim_end())
        .collect();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let argv = shlex::split(line).unwrap_or_else(|| panic!("`{line}` is no command line"));
        let conclusion = match mode {
            Mode::Strict => decide_command(policy.policy(), &argv, context.cwd).conclusion,
            Mode::Codex { .. } => matches::decide(policy.policy(), &argv, &context).conclusion,
        };
        writeln!(text, "{line:width$} => {conclusion}").unwrap();
    }
    text
}

fn console(fence: &Fence, directory: &Path) -> String {
    let mut text = String::new();
    for line in fence.text.lines().filter(|line| line.starts_with("$ ")) {
        writeln!(text, "{line}").unwrap();
        let words = shlex::split(&line[2..]).unwrap_or_else(|| panic!("`{line}` is no command line"));
        assert_eq!(words[0], "execpolicy", "a transcript runs nothing but execpolicy");
        let (output, status) = run(&words[1..], directory);
        text.push_str(&output);
        if !output.is_empty() && !output.ends_with('\n') {
            text.push('\n');
        }
        if status != 0 {
            writeln!(text, "[exit {status}]").unwrap();
        }
    }
    text
}

/// Runs the program; standard output and error come through one pipe, as on a terminal.
pub fn run<S: AsRef<std::ffi::OsStr>>(words: &[S], directory: &Path) -> (String, i32) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(PROGRAM);
    command
        .args(words)
        .current_dir(directory)
        .env_clear()
        .env("HOME", "/home/me")
        .stdin(std::process::Stdio::null());
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut output = Vec::new();
    reader.read_to_end(&mut output).unwrap();
    let status = child.wait().unwrap();
    let real = directory.canonicalize().unwrap();
    let text = String::from_utf8_lossy(&output).replace(&*real.to_string_lossy(), "/policy");
    // Trailing blanks would not survive an editor.
    let text = text
        .split_inclusive('\n')
        .map(|line| format!("{}{}", line.trim_end(), if line.ends_with('\n') { "\n" } else { "" }))
        .collect();
    (text, status.code().unwrap_or(-1))
}
