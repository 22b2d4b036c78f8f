//! In: random profiles and hosts, and what is emitted for a target. Out: a failure where an evaluator of the target answers
//! differently from the reference model, outside of the gaps that `lower/targets` names.
//! Here: what the comparisons share. Each target has a file in `targets/` with its evaluator, the questions that it is asked, and
//! what is its own about the answers; `findings.rs` holds what is said of targets to what is so.
//! Not here: real kernels (`confine/`), and the evaluator of Seatbelt profiles (`sbpl.rs`).

mod bubblewrap;
mod codex;
mod filters;
mod findings;
mod landlock;
mod operation;
mod seatbelt;
mod srt;

use crate::generate_profiles::{each_family, host, nothing_more, path};
use crate::random::Random;
use execpolicy_compiler::emit::{Emitted, gap_lines};
use execpolicy_compiler::lower::places::Host;
use execpolicy_compiler::lower::targets::{Finding, Kept};
use execpolicy_profile::Profile;
use execpolicy_profile::glob;
use execpolicy_profile::model::{Model, Path, Permission};
use operation::Operation;

/// A random profile on a random host, and what is emitted for it there.
struct Emission<'a> {
    profile: &'a Profile,
    host: &'a Host,
    gaps: Vec<Finding<'a>>,
    text: String,
}

impl Emission<'_> {
    fn model(&self) -> Model<'_> {
        Model::new(self.profile, &self.host.roots, &self.host.tree)
    }
}

/// Calls `test` with what `write` emits for random profiles, until there were enough of them; what `write` gives nothing for is
/// passed over. A fault that `test` finds ends everything, with all that it takes to see why.
fn each_emission(
    seed: u64,
    enough: usize,
    write: impl for<'p> Fn(&'p Profile, &Host) -> Option<Emitted<'p>>,
    mut test: impl FnMut(&Emission<'_>, &mut Random) -> Result<(), String>,
) {
    each_family(seed, enough, nothing_more, |family, random| {
        for profile in family.own() {
            let (mut roots, tree) = host(random);
            roots.ignore_case = false;
            let host = Host { roots, tree, surveyed: true };
            let Some(emitted) = write(profile, &host) else { continue };
            let text = String::from_utf8(emitted.bytes).unwrap();
            let emission = Emission { profile, host: &host, gaps: emitted.gaps, text };
            if let Err(fault) = test(&emission, random) {
                let (text, gaps) = (&emission.text, gap_lines(&emission.gaps).join("\n"));
                panic!("{fault}\n{}\n{}\n{host:?}\n{text}\n{gaps}\n{fault}", profile.name, family.text);
            }
        }
    });
}

/// How often a target was asked, and how often a gap explains that it answers differently.
#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    excused: usize,
}

impl Tally {
    /// Compares one answer.
    fn compare(
        &mut self,
        question: &dyn std::fmt::Debug,
        ruling: &Permission<'_>,
        got: bool,
        gaps: &[Finding<'_>],
    ) -> Result<(), String> {
        self.asked += 1;
        if ruling.allowed == got {
            return Ok(());
        }
        let side = if got { Kept::Weaker } else { Kept::Stricter };
        let named = |gap: &Finding<'_>| {
            ruling.answer.by.origin() == Some(gap.origin)
                && (gap.kept == side || gap.kept == Kept::AsPromised)
        };
        if gaps.iter().any(named) {
            self.excused += 1;
            return Ok(());
        }
        Err(format!(
            "{question:?}: the model says {}, by {:?}; the target {got}",
            ruling.allowed, ruling.answer
        ))
    }

    /// Counts an answer that does not matter where it differs.
    fn excuse(&mut self, differs: bool) {
        self.asked += 1;
        self.excused += usize::from(differs);
    }

    /// Enough was asked, and less than one answer in `share` needed an excuse.
    fn is_worth(&self, asked: usize, share: usize) {
        println!("{self:?}");
        assert!(self.asked >= asked, "{self:?}");
        assert!(self.excused * share < self.asked, "{self:?}");
    }
}

/// Asks settings of another tool about reading and writing: `answer` says whether they allow it (`true`: writing) at a path where no link
/// is left.
fn ask_settings(
    emission: &Emission<'_>,
    random: &mut Random,
    tally: &mut Tally,
    answer: impl Fn(bool, &Path) -> bool,
) -> Result<(), String> {
    let model = emission.model();
    for _ in 0..12 {
        let asked = path(random);
        let Some(real) = emission.host.tree.resolve(&asked) else { continue };
        let writes = random.chance(50);
        let operation = if writes { Operation::Write(asked) } else { Operation::Read(asked) };
        let ruling = operation.ruling(&model);
        let got = answer(writes, &real);
        // The host's directory is closed where one of the session's own should be.
        if !got && operation.own(&model, emission.host) {
            tally.excuse(ruling.allowed);
            continue;
        }
        tally.compare(&operation, &ruling, got, &emission.gaps)?;
    }
    Ok(())
}

/// How deep what a path or pattern matches lies, if it matches a path or something above it.
fn depth(text: &str, path: &Path) -> Option<usize> {
    let pattern = text.trim_start_matches('/');
    (0..=path.len()).find(|count| {
        let here = path.take(*count).to_string();
        let here = here.trim_start_matches('/');
        if pattern.is_empty() {
            here.is_empty()
        } else {
            glob::matches_exactly(pattern, here.as_bytes(), false)
        }
    })
}
