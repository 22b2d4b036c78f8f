//! In: a profile on a host that has been looked at. Out: the arguments of bubblewrap 0.8 or newer that make its file view, one on a line.
//! Not here: the seccomp program, which bubblewrap reads from a descriptor (`seccomp.rs`), and starting it.
//!
//! Mounts come in the order of their paths, the ones around before the ones inside. What is denied is covered; what lies between
//! a writable directory and something restricted below it is mounted onto itself, since a mount point cannot be renamed.

use crate::emit::Emitted;
use crate::lower::places::{Host, Places};
use crate::lower::targets::{Target, assess};
use execpolicy_profile::model::{FileKind, Model, Path};
use execpolicy_profile::{Access, EnvAction, NetworkMode, Profile};
use std::collections::BTreeMap;

/// Why a profile cannot be written; a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// What is at a path in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Hidden,
    Private,
    Read,
    Write,
}

/// Writes the arguments.
///
/// # Errors
/// [`Refused`] if a path or a value has a line break, something private is not a directory, or something restricted is a link
/// that could be replaced.
pub fn write<'p>(profile: &'p Profile, host: &Host) -> Result<Emitted<'p>, Refused> {
    let mut arguments: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
    add(&["--die-with-parent", "--new-session", "--unshare-user", "--unshare-pid", "--unshare-ipc"]);
    add(&["--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL", "--clearenv"]);
    if profile.network.mode != NetworkMode::Full || profile.hosts.iter().any(|rule| !rule.allow) {
        add(&["--unshare-net"]);
    }
    for rule in &profile.env {
        if let EnvAction::Set(value) = &rule.action {
            add(&["--setenv", &rule.pattern, value]);
        }
    }
    files(profile, host, &mut add)?;
    if let Some(bad) = arguments.iter().find(|argument| argument.contains(['\n', '\0'])) {
        return Err(Refused(format!("{bad:?} has a line break, and the file has one argument a line")));
    }
    let gaps = assess(profile, host, Target::Bwrap);
    Ok(Emitted { bytes: (arguments.join("\n") + "\n").into_bytes(), gaps, says_gaps: false })
}

fn files(profile: &Profile, host: &Host, add: &mut impl FnMut(&[&str])) -> Result<(), Refused> {
    let model = Model::new(profile, &host.roots, &host.tree);
    let places = Places::of(profile, host);
    links(&model, &places, host)?;
    let view = view(&model, &places, host);
    let root = view.get(&Path::default()).copied().unwrap_or(View::Hidden);
    match root {
        View::Write => add(&["--bind", "/", "/"]),
        View::Read => add(&["--ro-bind", "/", "/"]),
        View::Hidden => add(&["--perms", "0111", "--tmpfs", "/"]),
        View::Private => return Err(Refused("the root cannot be private".to_owned())),
    }
    add(&["--dev", "/dev", "--proc", "/proc"]);
    // Of root these could be written, and they change the whole machine.
    for part in ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"] {
        add(&["--ro-bind-try", part, part]);
    }
    let everything = Path::default();
    let mut sealed: Vec<&Path> = if root == View::Hidden { vec![&everything] } else { Vec::new() };
    for (path, here) in view.iter().filter(|(path, _)| !path.is_empty()) {
        let text = path.to_string();
        if text == "/dev" || text == "/proc" || text.starts_with("/proc/") {
            continue;
        }
        let around = nearest(&view, path);
        let inside = view.iter().any(|(other, view)| {
            other.len() > path.len() && other.starts_with(path, false) && *view != View::Hidden
        });
        let directory = matches!(host.tree.kind(path), Some(FileKind::Directory));
        match here {
            // What is not there is not shown either.
            View::Hidden if around == View::Hidden && !inside => {}
            View::Read if around == View::Read => {}
            View::Hidden if directory => {
                add(&["--perms", if inside { "0111" } else { "0000" }, "--tmpfs", &text]);
                sealed.push(path);
            }
            // A device on a mount without devices cannot be opened.
            View::Hidden => add(&["--ro-bind", "/dev/null", &text]),
            View::Private if !directory => {
                return Err(Refused(format!("`{text}` is to be private and is not a directory")));
            }
            View::Private => add(&["--perms", "0700", "--tmpfs", &text]),
            View::Read => add(&["--ro-bind", &text, &text]),
            View::Write => add(&["--bind", &text, &text]),
        }
    }
    // Only when everything inside has its mount point.
    for path in sealed.into_iter().rev() {
        add(&["--remount-ro", &path.to_string()]);
    }
    Ok(())
}

/// Nothing can be mounted on a link, so one that is restricted where the command may write could be replaced.
fn links(model: &Model<'_>, places: &Places<'_>, host: &Host) -> Result<(), Refused> {
    let everything = Path::default();
    let known =
        host.tree.below(&everything).filter(|path| matches!(host.tree.kind(path), Some(FileKind::Link(_))));
    let mut links = known.filter(|path| {
        let around = model.access(&path.parent());
        around.access == Access::Write && !around.own && model.access(path).access < Access::Write
    });
    let written = places.list.iter().find(|placed| placed.link && places.in_writable(&placed.at));
    match links.next().or(written.map(|placed| &placed.at)) {
        Some(path) => {
            Err(Refused(format!("`{path}` is restricted and a link, which the command could replace")))
        }
        None => Ok(()),
    }
}

/// What holds around a path.
fn nearest(view: &BTreeMap<Path, View>, path: &Path) -> View {
    let above = (0..path.len()).rev().map(|count| path.take(count));
    above.into_iter().find_map(|path| view.get(&path).copied()).unwrap_or(View::Hidden)
}

/// Every path that needs a mount of its own, with what is there. `Path` orders by component, so what is around comes first.
fn view(model: &Model<'_>, places: &Places<'_>, host: &Host) -> BTreeMap<Path, View> {
    let of = |path: &Path| {
        let answer = model.access(path);
        match (answer.access, answer.own) {
            (Access::Deny, _) => View::Hidden,
            (Access::Write, true) => View::Private,
            (Access::Write, false) => View::Write,
            (Access::Read, _) => View::Read,
        }
    };
    let mut out = BTreeMap::from([(Path::default(), of(&Path::default()))]);
    let exists = |path: &Path| matches!(host.tree.kind(path), Some(FileKind::File | FileKind::Directory));
    for placed in places.list.iter().filter(|placed| !placed.link && exists(&placed.at)) {
        let here = of(&placed.at);
        // Writable in what is writable needs no mount, and a mount point could not be removed.
        if here != View::Write || placed.at.is_empty() || of(&placed.at.parent()) != View::Write {
            out.insert(placed.at.clone(), here);
        }
    }
    // What wildcards and names catch, and is there.
    let everything = Path::default();
    for path in host.tree.below(&everything).filter(|path| exists(path)) {
        let here = of(path);
        if !path.is_empty() && here < of(&path.parent()) && !out.contains_key(path) {
            out.insert(path.clone(), here);
        }
    }
    let restricted: Vec<Path> =
        out.iter().filter(|(_, here)| **here < View::Write).map(|(path, _)| path.clone()).collect();
    for path in restricted {
        // A direct child of a mount keeps its name by itself.
        for here in places.ancestors(&path) {
            if of(&here) == View::Write {
                out.entry(here).or_insert(View::Write);
            }
        }
    }
    out
}

impl PartialOrd for View {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some((*self as u8).cmp(&(*other as u8)))
    }
}
