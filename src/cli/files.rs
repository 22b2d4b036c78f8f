//! In: paths from the command line. Out: [`Disk`], the file system as a [`Loader`], and the sources
//! to read, in order. Knows `execpolicy.toml`.
//! Not here: what the files say.

use execpolicy_compiler::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use execpolicy_compiler::loader::{LoadFault, Loader, MAX_SOURCE};
use execpolicy_compiler::source::{SourceMap, Span};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The file that marks a policy root.
pub const MARKER: &str = "execpolicy.toml";

/// How deep directories may nest below one that is searched.
const MAX_DEPTH: usize = 64;

/// The settings of a policy root.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    /// Files and directories, in the order in which they are read; absent: everything below the root.
    sources: Option<Vec<String>>,
    /// The level of single findings.
    #[serde(default)]
    lints: BTreeMap<toml::Spanned<String>, toml::Spanned<String>>,
    #[serde(default)]
    check: CheckSettings,
}

/// Defaults of `execpolicy check`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CheckSettings {
    /// Let warnings fail the check.
    #[serde(default)]
    deny_warnings: bool,
}

/// The sources of one run.
#[derive(Debug)]
pub struct Sources {
    /// The file system.
    pub disk: Disk,
    /// The names of the rule files, in order.
    pub rules: Vec<String>,
    /// The names of the sandbox files, in order.
    pub sandboxes: Vec<String>,
    /// Whether warnings fail the check, by the settings of the root.
    pub deny_warnings: bool,
}

impl Sources {
    /// How many files there are.
    pub fn count(&self) -> usize {
        self.rules.len() + self.sandboxes.len()
    }
}

/// The file system below one policy root.
#[derive(Debug, Default)]
pub struct Disk {
    root: PathBuf,
    /// Sources that were named or found: they may be links to anywhere.
    found: BTreeMap<String, Found>,
}

#[derive(Debug)]
struct Found {
    path: PathBuf,
    display: String,
    link: Option<PathBuf>,
}

impl Disk {
    /// The sources that are symbolic links: what they are called, and what they point to.
    pub fn links(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.found.values().filter_map(|found| Some((found.display.as_str(), found.link.as_deref()?)))
    }
}

impl Loader for Disk {
    fn read(&self, name: &str) -> Result<Vec<u8>, LoadFault> {
        if let Some(found) = self.found.get(name) {
            return read(&found.path);
        }
        let path = self.root.join(name);
        let real = path.canonicalize().map_err(|error| fault(&error))?;
        let root = self.root.canonicalize().map_err(|error| fault(&error))?;
        if !real.starts_with(&root) {
            return Err(LoadFault::OutsideRoot(format!("a symbolic link leads to `{}`", real.display())));
        }
        if !real.is_file() && !real.is_dir() {
            return Err(LoadFault::Io("it is not a regular file".to_owned()));
        }
        read(&real)
    }

    fn display(&self, name: &str) -> String {
        match self.found.get(name) {
            Some(found) => found.display.clone(),
            None => relative_to_here(&self.root.join(name)),
        }
    }

    fn candidates(&self, wanted: &str) -> Vec<String> {
        let directory = wanted.rsplit_once('/').map_or("", |(directory, _)| directory);
        let Ok(entries) = std::fs::read_dir(self.root.join(directory)) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names
            .filter(|name| name.ends_with(".rules"))
            .map(|name| if directory.is_empty() { name } else { format!("{directory}/{name}") })
            .collect();
        names.sort();
        names
    }
}

fn fault(error: &std::io::Error) -> LoadFault {
    match error.kind() {
        std::io::ErrorKind::NotFound => LoadFault::NotFound,
        std::io::ErrorKind::IsADirectory => LoadFault::IsDirectory,
        _ => LoadFault::Io(said(error)),
    }
}

/// An error in plain words.
pub fn said(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// Reads a file, a pipe or a device, but never more than the limit.
fn read(path: &Path) -> Result<Vec<u8>, LoadFault> {
    let file = std::fs::File::open(path).map_err(|error| fault(&error))?;
    let size = file.metadata().map_err(|error| fault(&error))?;
    if size.is_dir() {
        return Err(LoadFault::IsDirectory);
    }
    if size.len() > MAX_SOURCE {
        return Err(LoadFault::TooLarge(size.len()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_SOURCE + 1).read_to_end(&mut bytes).map_err(|error| fault(&error))?;
    let length = bytes.len() as u64;
    if length > MAX_SOURCE { Err(LoadFault::TooLarge(length)) } else { Ok(bytes) }
}

/// Finds the sources that paths stand for. Without paths, the policy root that this directory
/// belongs to. `None` if there is none; whatever is wrong is reported.
pub fn find(paths: &[PathBuf], sources: &mut SourceMap, diagnostics: &mut Diagnostics) -> Option<Sources> {
    let start = match paths.first() {
        Some(path) => absolute(path),
        None => std::env::current_dir().unwrap_or_default(),
    };
    let marked = start.ancestors().find(|directory| directory.join(MARKER).is_file());
    let Some(root) = marked.map(Path::to_path_buf).or_else(|| (!paths.is_empty()).then(|| common(paths)))
    else {
        let here = start.display();
        let fault = Diagnostic::about_file(Code::EP0120, here.to_string(), "there is nothing to check here")
            .hint(format!("name files or directories, as in `execpolicy check rules/`, or make a `{MARKER}` that marks a policy root"));
        diagnostics.error(fault);
        return None;
    };
    let mut found = Sources {
        disk: Disk { root: root.clone(), ..Disk::default() },
        rules: Vec::new(),
        sandboxes: Vec::new(),
        deny_warnings: false,
    };
    let mut listed = Vec::new();
    if marked.is_some() {
        let settings = settings(&root.join(MARKER), sources, diagnostics)?;
        found.deny_warnings = settings.check.deny_warnings;
        let below = settings.sources.unwrap_or_else(|| vec![".".to_owned()]);
        listed = below.iter().map(|path| relative_path(&root.join(path))).collect();
    }
    let whole_root = paths.is_empty() || paths.len() == 1 && marked.is_some() && absolute(&paths[0]) == root;
    let mut visited = BTreeSet::new();
    for path in if whole_root { &listed } else { paths } {
        if path.is_dir() {
            let (before, faults) = (found.count(), diagnostics.as_slice().len());
            walk(path, 0, &mut visited, &mut found, diagnostics);
            if found.count() == before && diagnostics.as_slice().len() == faults {
                let fault = Diagnostic::about_file(
                    Code::EP0120,
                    path.display().to_string(),
                    "there is no `*.rules` or `*.sandbox` file below this directory",
                )
                .hint("rule files end in `.rules`, sandbox files in `.sandbox`, in lower case");
                diagnostics.error(fault);
            }
        } else {
            take(path, &mut found);
        }
    }
    Some(found)
}

/// Takes every rule file below a directory, in byte order of the paths.
fn walk(
    directory: &Path,
    depth: usize,
    visited: &mut BTreeSet<PathBuf>,
    found: &mut Sources,
    diagnostics: &mut Diagnostics,
) {
    let unreadable = |error: &str| {
        Diagnostic::about_file(
            Code::EP0101,
            directory.display().to_string(),
            format!("the directory cannot be read: {error}"),
        )
    };
    match directory.canonicalize() {
        // A link back to a directory that was visited already adds nothing.
        Ok(real) if !visited.insert(real.clone()) => return,
        Ok(_) if depth > MAX_DEPTH => {
            diagnostics.error(unreadable("it is nested too deeply"));
            return;
        }
        Ok(_) => {}
        Err(error) => {
            diagnostics.error(unreadable(&said(&error)));
            return;
        }
    }
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries: Vec<PathBuf> = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => {
            diagnostics.error(unreadable(&said(&error)));
            return;
        }
    };
    entries.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    for path in entries {
        if path.is_dir() {
            walk(&path, depth + 1, visited, found, diagnostics);
        } else if path.extension().is_some_and(|extension| extension == "rules" || extension == "sandbox") {
            take(&path, found);
        }
    }
}

/// Adds one file under its name below the root.
fn take(path: &Path, found: &mut Sources) {
    let whole = absolute(path);
    let below = whole.strip_prefix(&found.disk.root).unwrap_or(&whole);
    let mut name = below.to_string_lossy().into_owned();
    // Two files can come out under one name (bytes that are no UTF-8, `link/../x`). Each keeps its
    // own, or one would be read twice and the other's rules would be missing.
    while found.disk.found.get(&name).is_some_and(|known| !same_file(&known.path, path)) {
        name.push('\'');
    }
    let link = std::fs::symlink_metadata(path)
        .is_ok_and(|data| data.is_symlink())
        .then(|| std::fs::read_link(path).ok())
        .flatten();
    let display = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let sandbox = path.extension().is_some_and(|extension| extension == "sandbox");
    if sandbox { &mut found.sandboxes } else { &mut found.rules }.push(name.clone());
    found.disk.found.insert(name, Found { path: path.to_path_buf(), display, link });
}

/// Whether two paths lead to one file; if that cannot be found out, whether they are spelt alike.
fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// A path without `.` and `..`, made absolute by this directory. Links are not followed.
fn absolute(path: &Path) -> PathBuf {
    let mut whole =
        if path.is_absolute() { PathBuf::new() } else { std::env::current_dir().unwrap_or_default() };
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            _ => whole.push(part),
        }
    }
    whole
}

/// The deepest directory that holds every path.
fn common(paths: &[PathBuf]) -> PathBuf {
    let directory = |path: &PathBuf| {
        let whole = absolute(path);
        if path.is_dir() { whole } else { whole.parent().map(Path::to_path_buf).unwrap_or_default() }
    };
    let mut paths = paths.iter().map(directory);
    let mut root = paths.next().unwrap_or_default();
    for path in paths {
        while !path.starts_with(&root) {
            if !root.pop() {
                break;
            }
        }
    }
    root
}

fn relative_path(path: &Path) -> PathBuf {
    let whole = absolute(path);
    let here = std::env::current_dir().unwrap_or_default();
    match whole.strip_prefix(&here) {
        Ok(rest) if rest.as_os_str().is_empty() => PathBuf::from("."),
        Ok(rest) => rest.to_path_buf(),
        Err(_) => whole,
    }
}

fn relative_to_here(path: &Path) -> String {
    relative_path(path).display().to_string()
}

/// Reads the settings of a root, and sets the levels they ask for.
fn settings(path: &Path, sources: &mut SourceMap, diagnostics: &mut Diagnostics) -> Option<Settings> {
    let display = relative_to_here(path);
    let text = match read(path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        other => {
            let why = if matches!(other, Ok(Err(_))) { "it is not UTF-8" } else { "the system refuses" };
            diagnostics.error(Diagnostic::about_file(
                Code::EP0118,
                display,
                format!("the settings cannot be read: {why}"),
            ));
            return None;
        }
    };
    let source = sources.add_as(MARKER, display, text.as_str());
    let settings: Settings = match toml::from_str(&text) {
        Ok(settings) => settings,
        Err(error) => {
            let span = Span::new(source, error.span().unwrap_or(0..0));
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            diagnostics.error(
                Diagnostic::new(Code::EP0118, span, message)
                    .hint("known keys are `sources`, `[lints]` and `[check] deny-warnings`"),
            );
            return None;
        }
    };
    for (name, level) in &settings.lints {
        let (at, level_at) = (Span::new(source, name.span()), Span::new(source, level.span()));
        let Some(code) = Code::from_name(name.get_ref()) else {
            diagnostics.error(
                Diagnostic::new(Code::EP0118, at, format!("there is no finding `{}`", name.get_ref()))
                    .hint("findings are named like `EP0402`"),
            );
            continue;
        };
        if !code.adjustable() {
            let fault = Diagnostic::new(Code::EP0118, at, format!("the level of `{code}` cannot be changed"))
                .label(code.title());
            diagnostics.error(fault);
            continue;
        }
        let levels = [Severity::Off, Severity::Note, Severity::Warning, Severity::Error];
        match levels.into_iter().find(|known| known.as_str() == level.get_ref()) {
            Some(level) => diagnostics.set_level(code, level),
            None => {
                let fault = Diagnostic::new(
                    Code::EP0118,
                    level_at,
                    format!("there is no level `{}`", level.get_ref()),
                )
                .hint("write `off`, `note`, `warning` or `error`");
                diagnostics.error(fault);
            }
        }
    }
    Some(settings)
}
