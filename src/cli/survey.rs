//! In: a profile and its roots. Out: [`Host`]: what of this machine's file tree matters to it: where its paths and links lead, and
//! what its wildcards and names match. Read once, before anything is written.
//! Not here: the plan that the runtime makes for itself (`execpolicy_confine`).

use execpolicy_compiler::lower::places::Host;
use execpolicy_profile::glob;
use execpolicy_profile::model::{FileKind, Path, Roots, Tree};
use execpolicy_profile::{Access, Host as Destination, PathAccess, Profile};
use std::path::{Path as File, PathBuf};

/// How many files are looked at for wildcards and names; beyond that there is no answer, rather than half of one.
const MOST_FILES: usize = 500_000;
/// How deep links may lead into each other.
const MOST_LINKS: usize = 40;

/// Looks at the host. The error says what could not be found out.
pub fn survey(profile: &Profile, roots: Roots) -> Result<Host, String> {
    let mut host = Host { roots, tree: Tree::new(), surveyed: true };
    let sockets = profile.hosts.iter().filter_map(|rule| match &rule.host {
        Destination::Socket(place) => Some(place),
        _ => None,
    });
    let places =
        profile.paths.iter().map(|rule| &rule.place).chain(profile.globs.iter().map(|rule| &rule.place));
    for place in places.chain(sockets) {
        add_path(&mut host.tree, &host.roots.bind(place));
    }
    let mut walk = Walk { profile, seen: 0, found: Vec::new() };
    let mut tops: Vec<PathBuf> = Vec::new();
    let writable =
        profile.paths.iter().filter(|rule| rule.access == PathAccess::Write).map(|rule| &rule.place);
    let needed = !profile.protects.is_empty();
    for place in writable.filter(|_| needed).chain(profile.globs.iter().map(|rule| &rule.place)) {
        let top = PathBuf::from(host.resolve(place).to_string());
        if !tops.iter().any(|known| top.starts_with(known)) {
            tops.retain(|known| !known.starts_with(&top));
            tops.push(top);
        }
    }
    for top in &tops {
        walk.below(top, &host)?;
    }
    for (path, kind) in walk.found {
        host.tree.add(&path, kind);
    }
    Ok(host)
}

/// Adds a path with everything on the way to it, as far as they exist; links are followed.
pub fn add_path(tree: &mut Tree, path: &Path) {
    follow(tree, File::new(&path.to_string()), 0);
}

fn follow(tree: &mut Tree, path: &File, depth: usize) {
    let mut at = PathBuf::from("/");
    let mut parts = path.components();
    // The root.
    parts.next();
    while let Some(part) = parts.next() {
        let next = at.join(part);
        let (Ok(data), Some(text)) = (next.symlink_metadata(), next.to_str()) else { return };
        let known = Path::parse(text);
        if data.is_symlink() {
            let Some(target) = std::fs::read_link(&next).ok().and_then(|t| t.to_str().map(str::to_owned))
            else {
                return;
            };
            tree.add(&known, FileKind::Link(target.clone()));
            if depth < MOST_LINKS {
                follow(tree, &at.join(target), depth + 1);
                if let Ok(real) = next.canonicalize() {
                    follow(tree, &real.join(parts.as_path()), depth + 1);
                }
            }
            return;
        }
        let kind = if data.is_dir() { FileKind::Directory } else { FileKind::File };
        if tree.kind(&known).is_none() {
            tree.add(&known, kind);
        }
        at = next;
    }
}

struct Walk<'p> {
    profile: &'p Profile,
    seen: usize,
    found: Vec<(Path, FileKind)>,
}

impl Walk<'_> {
    /// Everything below a directory that a wildcard or a name matches. Links are not followed: they lead to paths of their own.
    fn below(&mut self, top: &File, host: &Host) -> Result<(), String> {
        let mut open = vec![top.to_path_buf()];
        while let Some(directory) = open.pop() {
            // What cannot be listed holds nothing that could be covered or read.
            let Ok(entries) = std::fs::read_dir(&directory) else { continue };
            for entry in entries.flatten() {
                self.seen += 1;
                if self.seen > MOST_FILES {
                    return Err(format!("there are more than {MOST_FILES} files below `{}`", top.display()));
                }
                let path = entry.path();
                let Ok(kind) = entry.file_type() else { continue };
                let caught = self.catches(&path, host);
                if caught {
                    let Some(text) = path.to_str() else {
                        return Err(format!("`{}` is not UTF-8, and a pattern matches it", path.display()));
                    };
                    let kind = if kind.is_dir() {
                        FileKind::Directory
                    } else if kind.is_symlink() {
                        FileKind::Link(
                            std::fs::read_link(&path).unwrap_or_default().to_string_lossy().into_owned(),
                        )
                    } else {
                        FileKind::File
                    };
                    self.found.push((Path::parse(text), kind));
                }
                // The kernel's own trees hold no files of anybody's.
                let kernel = ["/proc", "/sys", "/dev"].iter().any(|own| path == File::new(own));
                if kind.is_dir() && !kernel {
                    open.push(path);
                }
            }
        }
        Ok(())
    }

    fn catches(&self, path: &File, host: &Host) -> bool {
        let bytes = path.as_os_str().as_encoded_bytes();
        let fold = host.roots.ignore_case;
        let globs = self.profile.globs.iter().any(|rule| {
            let at = host.resolve(&rule.place).to_string();
            let below =
                bytes.strip_prefix(at.trim_end_matches('/').as_bytes()).and_then(|b| b.strip_prefix(b"/"));
            rule.access < Access::Write
                && below.is_some_and(|below| glob::matches_exactly(&rule.pattern, below, fold))
        });
        let whole = bytes.strip_prefix(b"/").unwrap_or(bytes);
        let named = |name: &str| glob::matches_exactly(&format!("**/{name}"), whole, fold);
        globs
            || self.profile.protects.iter().any(|rule| {
                // What stands where a name needs a directory counts as well.
                let ends = rule.name.match_indices('/').map(|(at, _)| &rule.name[..at]);
                named(&rule.name) || ends.filter(|front| !front.ends_with("**")).any(named)
            })
    }
}
