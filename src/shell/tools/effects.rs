//! What a program in a language such as sed's or awk's does besides printing: the answer of `sed.rs` and `awk.rs`.
//! Not here: what a decision makes of it (`launch/language.rs`).

use alloc::vec::Vec;

/// Stands in a program's text for some decimal integer that is not known in advance.
pub(crate) const INTEGER: u8 = 1;

/// How many effects of one kind are kept; what goes beyond is unknown.
const MOST: usize = 64;

/// A command that a program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// A script for `sh`.
    Script(Vec<u8>),
    /// A command that is computed.
    Unknown,
}

/// A file that a program opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// Its name.
    Known(Vec<u8>),
    /// Its name is computed.
    Unknown,
}

/// Everything that a program can do besides reading its operands and printing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProgramEffects {
    /// The commands that it runs.
    pub runs: Vec<Run>,
    /// The files that it writes.
    pub writes: Vec<File>,
    /// The files that it reads, its operands aside.
    pub reads: Vec<File>,
    /// Whether it may open a network connection.
    pub connects: bool,
    /// Every implementation refuses it at some point: what stands before that is noted, what stands behind does
    /// not count.
    pub rejected: bool,
    /// Some of it could not be read: it may do anything.
    pub not_understood: bool,
}

/// Why a reading of a program ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// No implementation that reads it so accepts the program.
    Rejected,
    /// It cannot be told what an implementation makes of it.
    Unclear,
}

impl ProgramEffects {
    /// A program of which nothing is known.
    pub fn not_understood() -> Self {
        Self { not_understood: true, ..Self::default() }
    }

    /// Whether it does nothing besides reading its operands and printing.
    #[cfg(test)]
    pub fn is_harmless(&self) -> bool {
        !self.rejected && *self == Self::default()
    }

    /// Notes a command.
    pub fn run(&mut self, run: Run) {
        add(&mut self.runs, run, Run::Unknown);
    }

    /// Notes a file that is written.
    pub fn write(&mut self, file: File) {
        add(&mut self.writes, file, File::Unknown);
    }

    /// Notes a file that is read.
    pub fn read(&mut self, file: File) {
        add(&mut self.reads, file, File::Unknown);
    }

    /// Adds everything that another reading of the same command line does.
    pub fn merge(&mut self, other: Self) {
        for run in other.runs {
            self.run(run);
        }
        for file in other.writes {
            self.write(file);
        }
        for file in other.reads {
            self.read(file);
        }
        self.connects |= other.connects;
        self.not_understood |= other.not_understood;
    }
}

/// Joins what several readings of one program say: it is rejected if every one of them is.
pub(crate) fn join(readings: impl IntoIterator<Item = (ProgramEffects, Result<(), Stop>)>) -> ProgramEffects {
    let mut all = ProgramEffects { rejected: true, ..ProgramEffects::default() };
    for (effects, end) in readings {
        all.merge(effects);
        all.rejected &= end == Err(Stop::Rejected);
        all.not_understood |= end == Err(Stop::Unclear);
    }
    all
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T, unknown: T) {
    let item = if list.len() < MOST { item } else { unknown };
    if !list.contains(&item) {
        list.push(item);
    }
}
