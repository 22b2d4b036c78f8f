//! In: a path, or two. Out: an operation on them as the model and as a target that knows paths see it, and what there is to know about
//! its paths on a host.
//! Not here: what any target answers.

use crate::generate_profiles::path;
use crate::random::Random;
use execpolicy_compiler::lower::places::{Host, Places};
use execpolicy_profile::Origin;
use execpolicy_profile::model::{FileKind, Model, Path, Permission};

/// One operation, as the model and as a target that knows paths see it.
#[derive(Clone, Debug)]
pub enum Operation {
    Read(Path),
    Write(Path),
    Create(Path),
    Remove(Path),
    Rename(Path, Path),
    Link(Path, Path),
    Execute(Path),
    List(Path),
    Stat(Path),
}

impl Operation {
    pub fn any(random: &mut Random) -> Self {
        let (p, q) = (path(random), path(random));
        match random.below(9) {
            0 => Self::Read(p),
            1 => Self::Write(p),
            2 => Self::Create(p),
            3 => Self::Remove(p),
            4 => Self::Rename(p, q),
            5 => Self::Link(p, q),
            6 => Self::Execute(p),
            7 => Self::List(p),
            _ => Self::Stat(p),
        }
    }

    /// The statements that grant what it is about, wildcards and names aside.
    pub fn grants<'p>(&self, places: &Places<'p>, host: &Host) -> Vec<&'p Origin> {
        let real = self.paths().into_iter().flat_map(|p| [host.tree.resolve(p), host.tree.resolve_parent(p)]);
        let real = real.flatten().flat_map(|p| [p.parent(), p]);
        real.filter_map(|p| Some(&places.literal(&p)?.rule.origin)).collect()
    }

    fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Rename(p, q) | Self::Link(p, q) => vec![p, q],
            Self::Read(p) | Self::Write(p) | Self::Create(p) | Self::Remove(p) => vec![p],
            Self::Execute(p) | Self::List(p) | Self::Stat(p) => vec![p],
        }
    }

    /// Whether it is about something of the session's own: which files those are is a target's matter.
    pub fn own(&self, model: &Model<'_>, host: &Host) -> bool {
        let paths = self.paths();
        let real =
            paths.into_iter().flat_map(|p| [host.tree.resolve(p), host.tree.resolve_parent(p)]).flatten();
        real.flat_map(|p| [p.parent(), p]).any(|p| model.access(&p).own)
    }

    /// Whether it is about one thing that exists.
    pub fn is_there(&self, host: &Host) -> bool {
        let follow = |p: &Path| host.tree.resolve(p).is_some_and(|p| host.tree.kind(&p).is_some());
        match self {
            Self::Read(p) | Self::Write(p) | Self::Execute(p) | Self::List(p) => follow(p),
            Self::Remove(p) => host.tree.resolve_parent(p).is_some_and(|p| host.tree.kind(&p).is_some()),
            _ => false,
        }
    }

    /// Whether it is about something below a file, where nothing can be.
    pub fn below_a_file(&self, host: &Host) -> bool {
        let is_file = |path: &Path| host.tree.kind(path) == Some(&FileKind::File);
        let listed = |p: &Path| host.tree.resolve(p).is_some_and(|p| is_file(&p));
        if matches!(self, Self::List(p) if listed(p)) {
            return true;
        }
        let real = self.paths().into_iter().flat_map(|p| [host.tree.resolve(p), host.tree.resolve_parent(p)]);
        let mut above = real.flatten().flat_map(|p| (0..p.len()).map(move |count| p.take(count)));
        above.any(|p| is_file(&p))
    }

    pub fn ruling<'p>(&self, model: &Model<'p>) -> Permission<'p> {
        match self {
            Self::Read(p) => model.read(p),
            Self::Write(p) => model.write(p),
            Self::Create(p) => model.create(p),
            Self::Remove(p) => model.remove(p),
            Self::Rename(p, q) => model.rename(p, q),
            Self::Link(p, q) => model.link(p, q),
            Self::Execute(p) => model.execute(p),
            Self::List(p) => model.list(p),
            Self::Stat(p) => model.stat(p),
        }
    }
}
