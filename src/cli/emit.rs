//! `execpolicy compile --emit FORMAT=FILE` and `--explain-targets`: a profile for other tools, and what each of them carries.
//! Not here: the texts (`emit/`), and the knowledge about targets (`lower/targets`).

use super::args::Emit;
use super::exit::Exit;
use super::output::{Colour, Style, paint, sanitize, stderr, stdout};
use super::report::human::{self, Limit};
use super::{files, survey};
use execpolicy_compiler::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use execpolicy_compiler::emit::{self, Emitted, gap_lines};
use execpolicy_compiler::lower::places::Host;
use execpolicy_compiler::lower::targets::{
    ClauseKind, Finding, Kept, Support, Target, clauses, feature, support, unmet,
};
use execpolicy_compiler::policy::Policy;
use execpolicy_compiler::policy::profile::Profiles;
use execpolicy_compiler::source::SourceMap;
use execpolicy_profile::model::Roots;
use execpolicy_profile::{FeatureRule, Phase, Platform, Profile, Stance};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

/// One `--emit FORMAT=FILE`.
struct Wanted {
    target: Target,
    file: PathBuf,
}

/// What was asked for, ready to be written.
struct Ready<'p> {
    target: Target,
    file: PathBuf,
    emitted: Emitted<'p>,
}

/// Does what the options ask for. `None`: there were none, or all is well and the compilation goes on.
pub fn run(options: &Emit, policy: &Policy, sources: &SourceMap, style: Style) -> Option<Exit> {
    if options.emit.is_empty() && !options.explain_targets {
        // A profile that never runs anything is worth knowing before its first command.
        let mut sink = Diagnostics::new();
        let own = policy.profiles.iter().filter(|profile| !profile.origin.file.starts_with("@stdlib"));
        let names: BTreeSet<&str> = own.map(|profile| &*profile.name).collect();
        for name in names {
            requirements(name, &policy.profiles, options, &mut sink);
        }
        human::print(&sink, sources, style, Limit::First);
        return None;
    }
    let wanted = match options.emit.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>() {
        Ok(wanted) => wanted,
        Err(fault) => return Some(usage(&fault)),
    };
    // Rule files alone have no profiles; those of the standard library are always there.
    let mut library = Profiles::default();
    let mut with_library = sources.clone();
    if policy.profiles.names().next().is_none() {
        library = execpolicy_compiler::sandbox::load(&mut with_library, &[], &mut Diagnostics::new());
    }
    let profiles = if library.names().next().is_some() { &library } else { &policy.profiles };
    let name = match name(options, profiles) {
        Ok(name) => name,
        Err(fault) => return Some(usage(&fault)),
    };
    if options.explain_targets {
        return Some(explain(&name, profiles, options, &with_library, style));
    }
    let mut sink = Diagnostics::new();
    let mut ready = Vec::new();
    for one in wanted {
        match write(&one, &name, profiles, options) {
            Ok(emitted) => ready.push(Ready { target: one.target, file: one.file, emitted }),
            Err(fault) => return Some(usage(&format!("{}: {fault}", one.target.as_str()))),
        }
    }
    for one in &ready {
        report(&one.emitted.gaps, profiles, options.deny_gaps, &mut sink);
    }
    requirements(&name, profiles, options, &mut sink);
    human::print(&sink, &with_library, style, Limit::First);
    if sink.has_errors() {
        stderr("execpolicy: there are gaps, and --deny-gaps was given; nothing was written\n");
        return Some(Exit::Findings);
    }
    for one in &ready {
        let rules = codex_rules(one, policy);
        let gaps = (!one.emitted.says_gaps && !one.emitted.gaps.is_empty()).then(|| {
            gap_lines(&one.emitted.gaps).iter().map(|line| format!("# {line}\n")).collect::<String>()
        });
        let mut parts = vec![(one.file.clone(), one.emitted.bytes.clone())];
        parts.extend(rules.map(|text| (one.file.with_extension("rules"), text.into_bytes())));
        parts.extend(gaps.map(|text| (beside(&one.file, ".gaps"), text.into_bytes())));
        for (file, bytes) in parts {
            if let Err(error) = super::write::write(&file, &bytes) {
                stderr(&format!("execpolicy: {}: {}\n", file.display(), files::said(&error)));
                return Some(Exit::Findings);
            }
            if !super::write::is_standard_output(&file) {
                stdout(&format!("wrote {}\n", file.display()));
            }
        }
    }
    None
}

fn usage(fault: &str) -> Exit {
    stderr(&format!("execpolicy: {fault}\n"));
    Exit::Usage
}

fn beside(file: &std::path::Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The formats that can be asked for.
const FORMATS: [(&str, Target); 7] = [
    ("seatbelt", Target::Seatbelt),
    ("landlock", Target::Landlock),
    ("seccomp", Target::Seccomp),
    ("oci-seccomp", Target::Oci),
    ("bwrap", Target::Bwrap),
    ("srt", Target::Srt),
    ("codex", Target::Codex),
];

fn parse(text: &str) -> Result<Wanted, String> {
    let names = || FORMATS.map(|(name, _)| name).join(", ");
    let Some((format, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
        return Err(format!("`--emit {text}` is not FORMAT=FILE; the formats are {}", names()));
    };
    match FORMATS.iter().find(|(name, _)| *name == format) {
        Some((_, target)) => Ok(Wanted { target: *target, file: file.into() }),
        None => Err(format!("unknown format `{format}`; the formats are {}", names())),
    }
}

/// The profile that is meant.
fn name(options: &Emit, profiles: &Profiles) -> Result<String, String> {
    let known = || profiles.names().collect::<Vec<_>>().join(", ");
    match (&options.profile, profiles.default_profile()) {
        (Some(name), _) if profiles.contains(name) => Ok(name.clone()),
        (Some(name), _) => Err(match profiles.nearest(name) {
            Some(near) => format!("there is no profile `{name}`; did you mean `{near}`?"),
            None => format!("there is no profile `{name}`; there are {}", known()),
        }),
        (None, Some(default)) => Ok(default.name.to_string()),
        (None, None) => Err(format!("no profile is the default; name one with --profile: {}", known())),
    }
}

/// The host that a text is for. A text for macOS that is written elsewhere is for a usual one, unless roots are given.
fn host(profile: &Profile, target: Target, options: &Emit) -> Result<Host, String> {
    let foreign = target == Target::Seatbelt && !cfg!(target_os = "macos");
    if foreign || matches!(target, Target::Seccomp | Target::Oci) {
        let mut host = Host::usual(target.platform());
        let here = std::env::current_dir().unwrap_or_default();
        let given =
            |path: &Option<PathBuf>| path.as_ref().map(|path| here.join(path).to_string_lossy().into_owned());
        let roots = &mut host.roots;
        for (root, option) in [
            (&mut roots.workspace, &options.workspace),
            (&mut roots.home, &options.home),
            (&mut roots.tmpdir, &options.tmpdir),
        ] {
            if let Some(path) = given(option) {
                if path.split('/').any(|part| part == "..") {
                    return Err(format!("`{path}` is not in normal form"));
                }
                *root = path;
            }
        }
        return Ok(host);
    }
    let root = |option: &Option<PathBuf>, variable: Option<&str>, otherwise: &str| {
        let path = option
            .clone()
            .or_else(|| std::env::var_os(variable?).filter(|value| !value.is_empty()).map(PathBuf::from))
            .unwrap_or_else(|| otherwise.into());
        let real =
            path.canonicalize().map_err(|error| format!("{}: {}", path.display(), files::said(&error)))?;
        real.to_str().map(str::to_owned).ok_or_else(|| format!("{} is not UTF-8", real.display()))
    };
    let roots = Roots {
        workspace: root(&options.workspace, None, ".")?,
        home: root(&options.home, Some("HOME"), "/")?,
        tmpdir: root(&options.tmpdir, Some("TMPDIR"), "/tmp")?,
        ignore_case: cfg!(target_os = "macos"),
    };
    let mut host = survey::survey(profile, roots)?;
    if target == Target::Seatbelt {
        host.add_system_links();
    }
    Ok(host)
}

fn resolved<'p>(name: &str, profiles: &'p Profiles, platform: Platform) -> Result<&'p Profile, String> {
    profiles.get(name, Phase::Run, platform).ok_or_else(|| format!("there is no profile `{name}`"))
}

fn write<'p>(
    wanted: &Wanted,
    name: &str,
    profiles: &'p Profiles,
    options: &Emit,
) -> Result<Emitted<'p>, String> {
    let profile = resolved(name, profiles, wanted.target.platform())?;
    let host = host(profile, wanted.target, options)?;
    match wanted.target {
        Target::Seatbelt => Ok(emit::seatbelt::write(profile, &host)),
        Target::Landlock => Ok(emit::landlock::write(profile, &host)),
        Target::Oci => Ok(emit::oci::write(profile, &host)),
        Target::Bwrap => emit::bwrap::write(profile, &host).map_err(|fault| fault.to_string()),
        Target::Srt => Ok(emit::srt::write(profile, &host)),
        Target::Codex => Ok(emit::codex::write(profile, &host)),
        Target::Seccomp => filter(profile, &host, options),
        // Not in the list of formats.
        Target::Mounts | Target::Netns | Target::Process => Err("there is no file for it".to_owned()),
    }
}

/// The filter is the runtime's own, and its builder is part of the runtime on Linux.
#[cfg(target_os = "linux")]
fn filter<'p>(profile: &'p Profile, host: &Host, options: &Emit) -> Result<Emitted<'p>, String> {
    use super::args::Machine;
    use execpolicy_confine::seccomp::Arch;
    let arch = match options.arch {
        Some(Machine::X86_64) => Some(Arch::X86_64),
        Some(Machine::Aarch64) => Some(Arch::Aarch64),
        None => Arch::native(),
    };
    let arch = arch.ok_or("name the machine with --arch")?;
    emit::seccomp::write(profile, host, arch).map_err(|fault| fault.to_string())
}

#[cfg(not(target_os = "linux"))]
fn filter<'p>(_: &'p Profile, _: &Host, _: &Emit) -> Result<Emitted<'p>, String> {
    Err("a filter can be written on Linux only; `oci-seccomp` says the same".to_owned())
}

/// The rules, for the one format that has rules beside profiles.
fn codex_rules(one: &Ready<'_>, policy: &Policy) -> Option<String> {
    (one.target == Target::Codex && !policy.rules.is_empty()).then(|| emit::codex::rules(policy))
}

/// Gaps as findings: one for each code, at the first statement that has it.
fn report(gaps: &[Finding<'_>], profiles: &Profiles, deny: bool, sink: &mut Diagnostics) {
    let mut by_code: BTreeMap<(Code, bool), Vec<&Finding<'_>>> = BTreeMap::new();
    for gap in gaps {
        by_code.entry((gap.code, gap.accepted)).or_default().push(gap);
    }
    for ((code, accepted), list) in by_code {
        // Somebody's own statement is a better place than one of the standard library.
        let own = list.iter().find(|gap| !gap.origin.file.starts_with("@stdlib"));
        let Some(first) = own.or(list.first()) else { continue };
        let more = match list.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let target = first.target.as_str();
        let message =
            format!("{target} does not carry `{}` exactly{more}: {}", first.statement, first.instead);
        let mut diagnostic = match profiles.span(first.origin) {
            Some(span) => Diagnostic::new(code, span, message),
            None => Diagnostic::about_file(code, first.origin.to_string(), message),
        }
        .label(code.title());
        if accepted {
            diagnostic.severity = Severity::Note;
            diagnostic = diagnostic.hint("the profile accepts this gap");
        } else {
            if deny {
                diagnostic.severity = Severity::Error;
            }
            let hint = match (first.target, feature(code)) {
                (Target::Netns, _) => {
                    Some("write `network off`, or `network full` for the host's network".to_owned())
                }
                (_, feature) => feature.map(|feature| {
                    let accept = FeatureRule { feature, stance: Stance::Accept };
                    format!("to do without it, write `{accept}`")
                }),
            };
            diagnostic = diagnostic.maybe_hint(hint);
        }
        sink.push(diagnostic);
    }
}

/// What is required, and what the runtime itself cannot give on any host of the platform.
fn requirements(name: &str, profiles: &Profiles, options: &Emit, sink: &mut Diagnostics) {
    for platform in [Platform::Linux, Platform::Macos] {
        let Ok(profile) = resolved(name, profiles, platform) else { continue };
        let mut told = Vec::new();
        for (feature, origin, short) in unmet(profile, &Host::usual(platform), platform) {
            if told.contains(&feature) {
                continue;
            }
            told.push(feature);
            let os = if platform == Platform::Linux { "Linux" } else { "macOS" };
            let message = format!(
                "`require {}` cannot be met on {os}: `{}`: {}",
                feature.as_str(),
                short.statement,
                short.instead
            );
            let mut diagnostic = match profiles.span(origin) {
                Some(span) => Diagnostic::new(Code::EP0713, span, message),
                None => Diagnostic::about_file(Code::EP0713, origin.to_string(), message),
            }
            .label("commands of this profile are refused there")
            .hint(format!(
                "take the requirement away, or put it into `on {}`",
                if platform == Platform::Linux { "macos" } else { "linux" }
            ));
            if options.deny_gaps {
                diagnostic.severity = Severity::Error;
            }
            sink.push(diagnostic);
        }
    }
}

/// `--explain-targets`: which target carries which clause.
fn explain(name: &str, profiles: &Profiles, options: &Emit, sources: &SourceMap, style: Style) -> Exit {
    let mut sink = Diagnostics::new();
    let mut text = String::new();
    for platform in [Platform::Linux, Platform::Macos] {
        let profile = match resolved(name, profiles, platform) {
            Ok(profile) => profile,
            Err(fault) => return usage(&fault),
        };
        let targets: Vec<Target> =
            Target::ALL.into_iter().filter(|target| target.platform() == platform).collect();
        let title = if platform == Platform::Linux { "Linux" } else { "macOS" };
        let _ = writeln!(text, "{}", paint(&format!("{name} on {title}"), Colour::Bold, style.stdout));
        table(profile, &Host::usual(platform), &targets, style, &mut text);
        text.push('\n');
        for target in Target::native(platform) {
            let gaps = execpolicy_compiler::lower::targets::assess(profile, &Host::usual(platform), *target);
            let open: Vec<Finding<'_>> = gaps
                .into_iter()
                .filter(|gap| *target != Target::Landlock && gap.kept != Kept::AsPromised)
                .collect();
            report(&open, profiles, options.deny_gaps, &mut sink);
        }
    }
    requirements(name, profiles, options, &mut sink);
    stdout(text.trim_end_matches('\n'));
    stdout("\n");
    human::print(&sink, sources, style, Limit::First);
    if sink.has_errors() { Exit::Findings } else { Exit::Good }
}

/// One row for each clause; equal rows of one kind are counted.
fn table(profile: &Profile, host: &Host, targets: &[Target], style: Style, text: &mut String) {
    let mut rows: Vec<(ClauseKind, Vec<String>, Vec<String>)> = Vec::new();
    for stated in clauses(profile, host) {
        let cells: Vec<String> = targets.iter().map(|target| support(stated.kind, *target).cell()).collect();
        match rows.iter_mut().find(|(clause, known, _)| *clause == stated.kind && *known == cells) {
            Some((_, _, statements)) => statements.push(stated.statement),
            None => rows.push((stated.kind, cells, vec![stated.statement])),
        }
    }
    let said = |clause: ClauseKind, statements: &[String]| match (clause, statements) {
        (ClauseKind::Lookup | ClauseKind::Sockets, _) => clause.title().replace('`', ""),
        (_, [one]) => short(one),
        (_, [first, rest @ ..]) => format!("{} and {} more", short(first), rest.len()),
        (_, []) => String::new(),
    };
    let first: Vec<String> = rows.iter().map(|(clause, _, statements)| said(*clause, statements)).collect();
    let width = first.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = targets.iter().map(|target| target.as_str().len().max(6)).collect();
    let _ = write!(text, "{:width$}", "");
    for (target, wide) in targets.iter().zip(&widths) {
        let _ = write!(text, "  {:wide$}", target.as_str());
    }
    text.push('\n');
    for (cell, (_, cells, _)) in first.iter().zip(&rows) {
        let _ = write!(text, "{cell:width$}");
        for (cell, wide) in cells.iter().zip(&widths) {
            let colour = match cell.as_str() {
                "exact" => Colour::Green,
                "–" => Colour::Cyan,
                _ => Colour::Yellow,
            };
            let padded = format!("{cell:wide$}");
            let _ = write!(text, "  {}", paint(&padded, colour, style.stdout));
        }
        while text.ends_with(' ') {
            text.pop();
        }
        text.push('\n');
    }
    let mut told: Vec<Code> = Vec::new();
    for target in targets {
        for (clause, ..) in &rows {
            if let Support::Gap(code) = support(*clause, *target)
                && !told.contains(&code)
            {
                told.push(code);
            }
        }
    }
    told.sort();
    for code in told {
        let _ = writeln!(text, "  {code}  {}", code.title());
    }
}

fn short(text: &str) -> String {
    sanitize(&execpolicy_compiler::diagnostic::text::shorten(text))
}
