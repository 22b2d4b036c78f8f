//! In: what is emitted for bubblewrap. Out: a failure where the table of mounts that it makes answers differently from the model.
//! Not here: bubblewrap itself (`bwrap.rs`).

use super::operation::Operation;
use super::{Tally, each_emission};
use execpolicy_compiler::diagnostic::Code;
use execpolicy_compiler::emit::{Emitted, bwrap};
use execpolicy_compiler::lower::places::{Host, Places};
use execpolicy_compiler::lower::targets::Finding;
use execpolicy_profile::Profile;
use execpolicy_profile::model::{By, Destination, FileKind, Path, Tree};

/// What a mount shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    /// The host's files.
    Host { writable: bool },
    /// A file system of its own: may it be listed, may it be changed?
    Own { listed: bool, writable: bool },
    /// A device that cannot be opened.
    Nothing,
}

/// The view that arguments of bubblewrap make.
#[derive(Debug)]
struct Mounts {
    table: Vec<(Path, Shows)>,
    arguments: Vec<String>,
}

impl Mounts {
    /// Reads arguments, one on a line; whatever is not known is an error. `tree`: what the host has to be mounted.
    fn parse(text: &str, tree: &Tree) -> Result<Self, String> {
        let arguments: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut out = Self { table: Vec::new(), arguments: arguments.clone() };
        let mut words = arguments.iter();
        let mut mode = 0o755;
        while let Some(option) = words.next() {
            let mut next = || words.next().cloned().ok_or(format!("{option} of nothing"));
            match option.as_str() {
                "--die-with-parent"
                | "--new-session"
                | "--unshare-user"
                | "--unshare-pid"
                | "--unshare-ipc"
                | "--unshare-uts"
                | "--unshare-cgroup-try"
                | "--unshare-net"
                | "--clearenv" => {}
                "--cap-drop" | "--dev" | "--proc" => {
                    next()?;
                }
                "--setenv" | "--ro-bind-try" => {
                    next()?;
                    next()?;
                }
                "--perms" => mode = u32::from_str_radix(&next()?, 8).map_err(|error| error.to_string())?,
                "--tmpfs" => {
                    let shows = Shows::Own { listed: mode & 0o400 != 0, writable: true };
                    out.mount(&next()?, shows, tree, true)?;
                    mode = 0o755;
                }
                "--bind" | "--ro-bind" => {
                    let (from, to) = (next()?, next()?);
                    let shows = match (from.as_str(), from == to) {
                        (_, true) => Shows::Host { writable: option == "--bind" },
                        ("/dev/null", false) => Shows::Nothing,
                        _ => return Err(format!("{from} is shown at {to}")),
                    };
                    out.mount(&to, shows, tree, false)?;
                }
                "--remount-ro" => {
                    let at = Path::parse(&next()?);
                    let entry = out.table.iter_mut().find(|(path, _)| *path == at);
                    match entry {
                        Some((_, Shows::Own { writable, .. })) => *writable = false,
                        _ => return Err(format!("{at} is no file system of its own")),
                    }
                }
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(out)
    }

    /// A mount hides everything that was mounted below it before.
    fn mount(&mut self, at: &str, shows: Shows, tree: &Tree, directory: bool) -> Result<(), String> {
        let at = Path::parse(at);
        let kind = tree.kind(&at);
        let there = at.is_empty() || matches!(kind, Some(FileKind::Directory | FileKind::File));
        // bubblewrap makes missing mount points, on the host's file system too where that is writable.
        if !there || directory && kind == Some(&FileKind::File) {
            return Err(format!("nothing can be mounted at {at}: {kind:?}"));
        }
        self.table.retain(|(path, _)| !path.starts_with(&at, false));
        self.table.push((at, shows));
        Ok(())
    }

    /// The mount that a path lies in, and what it shows.
    fn at(&self, path: &Path) -> (Path, Shows) {
        let around = self.table.iter().filter(|(at, _)| path.starts_with(at, false));
        around.max_by_key(|(at, _)| at.len()).cloned().unwrap_or((Path::default(), Shows::Nothing))
    }

    /// Whether a path is a mount point: it can be neither removed nor renamed.
    fn is_point(&self, path: &Path) -> bool {
        self.table.iter().any(|(at, _)| at == path)
    }

    /// Whether there is a mount point at a path or below it.
    fn holds_point(&self, path: &Path) -> bool {
        self.table.iter().any(|(at, _)| at.starts_with(path, false))
    }
}

/// What the mounts answer. `None`: the file view does not say, or the kernel gives another error than a denial (EXDEV).
fn answer(view: &Mounts, operation: &Operation, host: &Host) -> Option<bool> {
    let tree = &host.tree;
    let at = |path: &Path| view.at(path).1;
    let seen = |shows: Shows| matches!(shows, Shows::Host { .. });
    let writable =
        |shows: Shows| matches!(shows, Shows::Host { writable: true } | Shows::Own { writable: true, .. });
    let entry = |path: &Path| tree.resolve_parent(path).filter(|path| !path.is_empty());
    let create = |path: &Path| {
        let path = entry(path)?;
        Some(writable(at(&path.parent())) && !view.is_point(&path))
    };
    let remove = |path: &Path| {
        let path = entry(path)?;
        Some(writable(at(&path.parent())) && !view.holds_point(&path))
    };
    let across = |p: &Path, q: &Path| Some(view.at(&entry(p)?.parent()).0 != view.at(&entry(q)?.parent()).0);
    match operation {
        Operation::Read(p) | Operation::Execute(p) | Operation::List(p) => {
            let shows = at(&tree.resolve(p)?);
            Some(seen(shows) || matches!(shows, Shows::Own { listed: true, .. }))
        }
        Operation::Write(p) => Some(writable(at(&tree.resolve(p)?))),
        // A name that is covered is still a name.
        Operation::Stat(p) => seen(at(&tree.resolve(p)?)).then_some(true),
        // What is there cannot be made.
        Operation::Create(p) if entry(p).is_some_and(|p| tree.kind(&p).is_some()) => None,
        Operation::Create(p) => create(p),
        Operation::Remove(p) => remove(p),
        Operation::Rename(p, q) if across(p, q)? => None,
        Operation::Rename(p, q) => {
            let (old, new) = (entry(p)?, entry(q)?);
            let there = if tree.kind(&new).is_some() { remove(q)? } else { true };
            Some(writable(at(&old.parent())) && !view.holds_point(&old) && there && create(q)?)
        }
        Operation::Link(p, q) if across(p, q)? => None,
        Operation::Link(p, q) => {
            let old = entry(p)?;
            let inside = writable(at(&old)) && !view.is_point(&old);
            inside.then_some(create(q)?)
        }
    }
}

fn write<'p>(profile: &'p Profile, host: &Host) -> Option<Emitted<'p>> {
    let refused = match bwrap::write(profile, host) {
        Ok(emitted) => return Some(emitted),
        Err(refused) => refused.to_string(),
    };
    // The runtime refuses these as well.
    let known = ["is not a directory", "the root cannot be private", "could replace"];
    assert!(known.iter().any(|why| refused.contains(why)), "{refused}");
    None
}

#[test]
fn bubblewrap_agrees_with_the_model() {
    let mut tally = Tally::default();
    each_emission(22, 3_000, write, |emission, random| {
        let (profile, host) = (emission.profile, emission.host);
        let places = Places::of(profile, host);
        let view = Mounts::parse(&emission.text, &host.tree)?;
        let model = emission.model();
        for _ in 0..12 {
            let operation = Operation::any(random);
            if operation.below_a_file(host) {
                continue;
            }
            let Some(got) = answer(&view, &operation, host) else { continue };
            let ruling = operation.ruling(&model);
            // A statement about what is not there has nothing to hold on to, and gives nothing.
            let grants = operation.grants(&places, host);
            let absent =
                |gap: &Finding<'_>| gap.instead.contains("not exist") && grants.contains(&gap.origin);
            if got != ruling.allowed && (operation.own(&model, host) || emission.gaps.iter().any(absent)) {
                tally.excuse(true);
                continue;
            }
            // What is there when the arguments are written is covered, whatever a wildcard or a name promises about the rest.
            let there = operation.is_there(host) && matches!(ruling.answer.by, By::Glob(_) | By::Protect(_));
            let late = |gap: &Finding<'_>| matches!(gap.code, Code::EP0702 | Code::EP0703);
            let gaps: Vec<Finding<'_>> =
                emission.gaps.iter().filter(|gap| !(there && late(gap))).cloned().collect();
            tally.compare(&operation, &ruling, got, &gaps)?;
        }
        let off = view.arguments.iter().any(|word| word == "--unshare-net");
        let open = model.connect(&Destination::new("elsewhere.example", 9)).allowed;
        // Where single hosts are refused, all are.
        if off == open && profile.hosts.is_empty() {
            return Err(format!("the network is {open} in the model"));
        }
        Ok(())
    });
    tally.is_worth(10_000, 5);
}
