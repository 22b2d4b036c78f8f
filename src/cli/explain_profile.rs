//! `execpolicy explain --profile NAME [PATH|HOST|VARIABLE]…`: what a profile says about a thing, answered by the
//! reference model; without a thing, the profile itself.

use super::args::Explain;
use super::exit::Exit;
use super::output::{Colour, Style, paint, sanitize, stderr, stdout};
use super::policy::{self, From};
use super::survey;
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::diagnostic::text::list;
use execpolicy_compiler::policy::profile::Profiles;
use execpolicy_compiler::sandbox;
use execpolicy_compiler::source::SourceMap;
use execpolicy_profile::model::{Explanation, Model, Path, Question, Roots, Tree, explain};
use execpolicy_profile::{Origin, Phase, Platform, Profile, Promise};
use std::fmt::Write;
use std::path::PathBuf;

/// Runs the command.
pub fn run(name: &str, arguments: &Explain, style: Style) -> Exit {
    let Some(profiles) = profiles(arguments, style) else {
        stderr("execpolicy: the policy cannot be used, so there is nothing to explain\n");
        return Exit::Findings;
    };
    let phase = if arguments.setup { Phase::Setup } else { Phase::Run };
    let platform = match arguments.on {
        Some(super::args::System::Macos) => Platform::Macos,
        Some(super::args::System::Linux) => Platform::Linux,
        None if cfg!(target_os = "macos") => Platform::Macos,
        None => Platform::Linux,
    };
    let Some(profile) = profiles.get(name, phase, platform) else {
        let names: Vec<&str> = profiles.names().collect();
        let meant =
            profiles.nearest(name).map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
        let hint = format!("{meant}the profiles are {}", list(&names));
        stderr(&format!("execpolicy: there is no profile `{}`; {hint}\n", sanitize(name)));
        return Exit::Usage;
    };
    if arguments.what.is_empty() {
        stdout(&whole(profile, style.stdout));
        return Exit::Good;
    }
    let Some(roots) = roots(arguments, platform) else {
        stderr(
            "execpolicy: $WORKSPACE and ~ must be absolute paths in UTF-8; name them with --workspace and $HOME\n",
        );
        return Exit::Usage;
    };
    for (number, word) in arguments.what.iter().enumerate() {
        let Some(text) = word.to_str() else {
            stderr("execpolicy: the statements of a profile are UTF-8, and this is not\n");
            return Exit::Usage;
        };
        let mut named = Tree::new();
        survey::add_path(&mut named, &Path::parse(&roots.workspace).join(text));
        let subject = Question::guess(&Model::new(profile, &roots, &named), text);
        let model = Model::new(profile, &roots, &tree(profile, &roots, &subject));
        if number > 0 {
            stdout("\n");
        }
        stdout(&answer(&explain(&model, subject), text, name, style.stdout));
    }
    Exit::Good
}

/// The profiles of the policy that is named or lies here; the standard library's if it has none.
fn profiles(arguments: &Explain, style: Style) -> Option<Profiles> {
    let named = arguments.sources.named();
    let from = From::named(arguments.sources.policy.as_deref(), &named);
    let compiled = policy::load(from, false, style)?;
    if let Some(profiles) = compiled.policy.artifact().profiles() {
        return Some(profiles.into());
    }
    let (mut sources, mut findings) = (SourceMap::new(), Diagnostics::new());
    let profiles = sandbox::load(&mut sources, &[], &mut findings);
    findings.ok().ok().map(|()| profiles)
}

/// What the roots stand for here.
fn roots(arguments: &Explain, platform: Platform) -> Option<Roots> {
    let workspace = match &arguments.workspace {
        Some(named) => std::path::absolute(named).ok()?,
        None => std::env::current_dir().ok()?,
    };
    let text = |path: PathBuf| path.into_os_string().into_string().ok().filter(|path| path.starts_with('/'));
    Some(Roots {
        workspace: text(workspace)?,
        home: text(std::env::var_os("HOME").map(PathBuf::from)?)?,
        tmpdir: text(std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from))?,
        ignore_case: platform == Platform::Macos,
    })
}

/// The files of this host that the answer depends on: what the statements name, what is asked about,
/// and the links on the way there.
fn tree(profile: &Profile, roots: &Roots, subject: &Question) -> Tree {
    let mut tree = Tree::new();
    let statements =
        profile.paths.iter().map(|rule| &rule.place).chain(profile.globs.iter().map(|rule| &rule.place));
    for place in statements {
        survey::add_path(&mut tree, &roots.bind(place));
    }
    if let Question::Path(path) = subject {
        survey::add_path(&mut tree, path);
    }
    tree
}

fn at(origin: &Origin, on: bool) -> String {
    paint(&sanitize(&format!("{}:{}", origin.file, origin.line)), Colour::Cyan, on)
}

fn answer(found: &Explanation, asked: &str, profile: &str, on: bool) -> String {
    let mut text = String::new();
    let colour = match found.outcome {
        "deny" | "absent" => Colour::Red,
        "write" | "private" | "allow" | "pass" | "set" => Colour::Green,
        _ => Colour::Yellow,
    };
    let (what, shown) = match &found.question {
        Question::Path(path) => ("path", path.to_string()),
        Question::Host(destination) => ("destination", destination.to_string()),
        Question::Variable(name) => ("environment variable", name.clone()),
    };
    let _ =
        writeln!(text, "{}: {}", paint(&sanitize(asked), Colour::Bold, on), paint(found.outcome, colour, on));
    let _ = writeln!(text, "  the {what} `{}` in the profile `{}`", sanitize(&shown), sanitize(profile));
    if let Some(origin) = &found.origin {
        let _ = writeln!(text, "  decided by `{}` at {}", sanitize(&found.statement), at(origin, on));
    }
    if found.promise == Promise::Detect {
        text.push_str(
            "  it does not exist yet: making it is detected when the command has ended, not prevented\n",
        );
    }
    if let Some(note) = &found.note {
        let _ = writeln!(text, "  {}", sanitize(note));
    }
    text
}

/// The statements of a profile, with their places.
fn whole(profile: &Profile, on: bool) -> String {
    let mut text = format!(
        "profile {} ({}, {}) at {}\n",
        paint(&sanitize(&profile.name), Colour::Bold, on),
        profile.platform.as_str(),
        profile.phase.as_str(),
        at(&profile.origin, on)
    );
    for (clause, origin) in profile.clauses() {
        let place = origin.map_or_else(String::new, |origin| format!("  {}", at(origin, on)));
        let _ = writeln!(text, "  {:<42}{place}", sanitize(&clause.to_string()));
    }
    text
}
