//! In: a profile, roots, a tree. Out: its path statements and caps at the places they have on this host.
//! Not here: choosing between them (`model.rs`).

use super::{By, FileKind, Model, Path, Roots, Tree};
use crate::{Access, GlobRule, Located, PathAccess, PathRule, Profile, Promise, Protect};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// A path statement at one place.
#[derive(Debug)]
pub struct Bound<'p> {
    /// Where.
    pub at: Path,
    /// Whether this is the link that is written, and not where it leads.
    pub link: bool,
    /// The statement.
    pub rule: &'p Located<PathRule>,
}

/// A statement that lowers access.
#[derive(Debug)]
pub enum Cap<'p> {
    /// A glob below a directory.
    Glob(Path, &'p Located<GlobRule>),
    /// A name at any depth below a writable root.
    Protect(&'p Located<Protect>),
}

impl<'p> Cap<'p> {
    /// To what it lowers.
    pub fn access(&self) -> Access {
        match self {
            Self::Glob(_, rule) => rule.access,
            Self::Protect(_) => Access::Read,
        }
    }

    /// As the decider of an answer.
    pub const fn by(&self) -> By<'p> {
        match self {
            Self::Glob(_, rule) => By::Glob(rule),
            Self::Protect(rule) => By::Protect(rule),
        }
    }
}

/// Binds and resolves. A statement holds where its path leads; one that restricts holds at the link as well, so that
/// the link cannot be replaced by something that is not restricted. A path that leads in a circle stays where it is written.
pub fn bind<'p>(profile: &'p Profile, roots: &Roots, tree: &Tree) -> (Vec<Bound<'p>>, Vec<Cap<'p>>) {
    let mut bound = Vec::new();
    for rule in &profile.paths {
        let written = roots.bind(&rule.place);
        let at = tree.resolve(&written).unwrap_or_else(|| written.clone());
        let link = tree.resolve_parent(&written).unwrap_or(written);
        if link != at && matches!(rule.access, PathAccess::Deny | PathAccess::Read) {
            bound.push(Bound { at: link, link: true, rule });
        }
        bound.push(Bound { at, link: false, rule });
    }
    let glob = |rule: &'p Located<GlobRule>| {
        let written = roots.bind(&rule.place);
        Cap::Glob(tree.resolve(&written).unwrap_or(written), rule)
    };
    let caps = profile.globs.iter().map(glob).chain(profile.protects.iter().map(Cap::Protect)).collect();
    (bound, caps)
}

impl<'p> Model<'p> {
    /// Whether a cap catches a path or an ancestor of it, and with which promise.
    pub(super) fn caught(&self, cap: &Cap<'p>, path: &Path) -> Option<Promise> {
        let fold = self.roots.ignore_case;
        (1..=path.len()).find_map(|count| {
            let here = path.take(count);
            match cap {
                Cap::Glob(at, rule) => {
                    let hit = count > at.len()
                        && here.starts_with(at, fold)
                        && fits(&parts(&rule.pattern), here.components().get(at.len()..)?, fold);
                    hit.then(
                        || if self.tree.kind(&here).is_some() { Promise::Prevent } else { Promise::Detect },
                    )
                }
                Cap::Protect(rule) => self.protected(rule, &here),
            }
        })
    }

    /// Whether this very path bears a protected name: its last component strictly below a writable root.
    fn protected(&self, rule: &Protect, here: &Path) -> Option<Promise> {
        let fold = self.roots.ignore_case;
        let root = self
            .bound
            .iter()
            .filter(|bound| bound.rule.access == PathAccess::Write)
            .filter(|bound| bound.at.len() < here.len() && here.starts_with(&bound.at, fold))
            .map(|bound| bound.at.len())
            .max()?;
        let name = parts(&rule.name);
        let anywhere = |name: &[&str]| {
            let mut pattern = vec!["**"];
            pattern.extend(name);
            fits(&pattern, here.components(), fold)
        };
        let kind = self.tree.kind(here);
        if anywhere(&name) {
            let top = here.len() == root + 1 || (name.len() > 1 && here.len() == root + name.len());
            // A placeholder has one name, and needs a directory to stand in.
            let holds = !wild(&rule.name) && self.tree.kind(&here.parent()) == Some(&FileKind::Directory);
            return Some(match kind {
                Some(_) => Promise::Prevent,
                None if top && holds => rule.missing,
                None => Promise::Detect,
            });
        }
        // `.git/hooks` is protected, and `.git` is a file or a link: whoever replaces it says where the hooks are.
        let stands_in = (1..name.len()).any(|count| {
            let front = name.get(..count).unwrap_or_default();
            front.last() != Some(&"**") && anywhere(front)
        });
        (stands_in && matches!(kind, Some(FileKind::File | FileKind::Link(_)))).then_some(Promise::Prevent)
    }
}

fn wild(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

fn parts(glob: &str) -> Vec<&str> {
    glob.split('/').collect()
}

/// Whether a glob fits exactly these components.
fn fits(glob: &[&str], path: &[String], fold: bool) -> bool {
    align(glob, path, |part| *part == "**", |part, name| fits_name(part, name, fold))
}

/// Whether one component of a glob fits a name.
fn fits_name(glob: &str, name: &str, fold: bool) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pieces = pieces(glob);
    align(&pieces, &name, |piece| *piece == Piece::Star, |piece, c| piece.fits(*c, fold))
}

/// The definition of every pattern here: pieces and things side by side, where a star stands for any number of things.
/// `reach[n]` says whether the pieces so far can stand for the first `n` things.
fn align<P, T>(pieces: &[P], things: &[T], star: impl Fn(&P) -> bool, fits: impl Fn(&P, &T) -> bool) -> bool {
    let mut reach = vec![false; things.len() + 1];
    if let Some(nothing) = reach.first_mut() {
        *nothing = true;
    }
    for piece in pieces {
        let mut before = false;
        if star(piece) {
            for here in &mut reach {
                before |= *here;
                *here = before;
            }
        } else {
            let fits = core::iter::once(false).chain(things.iter().map(|thing| fits(piece, thing)));
            for (here, fits) in reach.iter_mut().zip(fits) {
                before = core::mem::replace(here, before && fits);
            }
        }
    }
    reach.last().copied().unwrap_or(false)
}

/// A piece of a component of a glob.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// `*`
    Star,
    /// `?`
    Any,
    /// `[…]`: whether it is negated, and its ranges.
    Set(bool, Vec<(char, char)>),
    /// Anything else.
    One(char),
}

impl Piece {
    fn fits(&self, c: char, fold: bool) -> bool {
        let cases = if fold { vec![c, c.to_ascii_lowercase(), c.to_ascii_uppercase()] } else { vec![c] };
        match self {
            Self::Star | Self::Any => true,
            Self::One(want) => cases.iter().any(|c| c == want),
            Self::Set(negated, ranges) => {
                let found = cases.iter().any(|c| ranges.iter().any(|(low, high)| (low..=high).contains(&c)));
                found != *negated
            }
        }
    }
}

fn pieces(glob: &str) -> Vec<Piece> {
    let mut rest: Vec<char> = glob.chars().rev().collect();
    let mut out = Vec::new();
    while let Some(c) = rest.pop() {
        out.push(match c {
            '*' => Piece::Star,
            '?' => Piece::Any,
            '[' => {
                let negated = rest.last() == Some(&'!');
                if negated {
                    rest.pop();
                }
                // A `]` that comes first is a member.
                let mut members: Vec<char> = rest.pop().into_iter().collect();
                while let Some(c) = rest.pop().filter(|c| *c != ']') {
                    members.push(c);
                }
                Piece::Set(negated, ranges(&members))
            }
            c => Piece::One(c),
        });
    }
    out
}

fn ranges(members: &[char]) -> Vec<(char, char)> {
    let mut out = Vec::new();
    let mut rest = members;
    loop {
        rest = match rest {
            [] => return out,
            [low, '-', high, rest @ ..] => {
                out.push((*low, *high));
                rest
            }
            [one, rest @ ..] => {
                out.push((*one, *one));
                rest
            }
        };
    }
}
