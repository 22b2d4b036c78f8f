//! The ratios of `docs/performance.md`, and whether the goals hold. `cargo bench --bench ratios`.
//!
//! Every design takes its turn again and again in one process, so that whatever else the machine does
//! falls on all of them; medians over the rounds. What is measured is one decision after the other as a
//! program would ask for it:
//!
//! - The commands come in another order each round. The same thousand in the same order are learnt by
//!   heart by the branch predictor, which no agent's commands would be.
//! - The words of a command have just been written by whoever asks: in portions of [`PORTION`] commands, into the same memory
//!   again and again, before the clock starts. Policies are found as the decisions before have left them.
//! - Each design decides its turn's commands once before, so that what the design before has left in the caches does not count.
//!
//! Our side decides, with the strict mode's three views of a command, and the decision is read. The
//! side of Codex's algorithm gives the matches as owned values, because it has no other way.

mod workload;

use execpolicy_compiler::artifact::build;
use execpolicy_compiler::lower::{Budget, lower};
use execpolicy_runtime::{Artifact, Context, Mode};
use std::hint::black_box;
use std::time::Instant;
use workload::peers::{Codex, Regexes, Trie};
use workload::{Random, SIZES, workload};

const ROUNDS: usize = 41;
/// Commands that are written before they are decided: so few that their words stay in the first cache.
const PORTION: usize = 64;

/// Commands as bytes, so that keeping many of them takes little of the caches, and a place where they are written out.
struct Commands {
    /// The words, each with a length before it.
    bytes: Vec<u8>,
    /// Where each command begins and ends, in the order of asking.
    ranges: Vec<(u32, u32)>,
    written: Vec<Vec<String>>,
}

impl Commands {
    fn new(commands: &[Vec<String>]) -> Self {
        let (mut bytes, mut ranges) = (Vec::new(), Vec::new());
        for argv in commands {
            let start = bytes.len() as u32;
            for word in argv {
                bytes.push(word.len() as u8);
                bytes.extend_from_slice(word.as_bytes());
            }
            ranges.push((start, bytes.len() as u32));
        }
        Self { bytes, ranges, written: vec![Vec::new(); PORTION] }
    }

    /// Each row of as many commands as the shortest turn has, so that a long list stays in order in memory.
    fn shuffle(&mut self, random: &mut Random) {
        for row in self.ranges.chunks_mut(1 << 10) {
            for last in (1..row.len()).rev() {
                row.swap(last, random.below(last + 1));
            }
        }
    }

    /// Writes out some commands.
    fn write(&mut self, from: usize, to: usize) -> &[Vec<String>] {
        let Self { bytes, ranges, written } = self;
        for (argv, &(start, end)) in written.iter_mut().zip(&ranges[from..to]) {
            let mut rest = &bytes[start as usize..end as usize];
            let mut count = 0;
            while let Some((&len, words)) = rest.split_first() {
                let (word, others) = words.split_at(len as usize);
                if argv.len() == count {
                    argv.push(String::with_capacity(32));
                }
                argv[count].clear();
                argv[count].push_str(std::str::from_utf8(word).expect("it was text"));
                (rest, count) = (others, count + 1);
            }
            argv.truncate(count);
        }
        &written[..to - from]
    }
}

/// How much faster than a peer a hit must be, by the number of rules.
const GOALS: [(&str, [f64; 3]); 2] = [("codex", [4.0, 35.0, 800.0]), ("trie", [2.0, 2.0, 2.0])];

/// Decides every command, and says how many rules matched.
type Decide<'a> = Box<dyn FnMut(&[String]) -> usize + 'a>;

struct Design<'a> {
    name: &'static str,
    /// How many commands a turn has; the slow designs have shorter ones.
    turn: usize,
    decide: Decide<'a>,
}

impl Design<'_> {
    /// Nanoseconds for each command of a turn.
    fn time(&mut self, commands: &mut Commands, start: usize) -> f64 {
        let mut nanoseconds = 0;
        let end = start + self.turn;
        for from in (start..end).step_by(PORTION) {
            let portion = commands.write(from, end.min(from + PORTION));
            let clock = Instant::now();
            let sum: usize = portion.iter().map(|argv| (self.decide)(black_box(argv))).sum();
            nanoseconds += clock.elapsed().as_nanos();
            black_box(sum);
        }
        nanoseconds as f64 / self.turn as f64
    }
}

fn main() {
    for (size, at) in SIZES.into_iter().zip(0..) {
        let work = workload(size);
        let bytes = build(&work.checked).expect("the workload compiles").bytes;
        let automaton = lower(&work.checked, Budget::default()).expect("the workload fits");
        let policy = Artifact::from_bytes(&bytes).expect("it has been verified");
        let (codex, trie) = (Codex::new(&work.checked), Trie::new(&work.checked, &automaton));
        let regexes = (size <= 1_000).then(|| Regexes::new(&work.checked));
        let strict = Context::default();
        let literal = Context { mode: Mode::Codex { resolve_host_executables: false }, ..strict };
        let (mut one, mut two, mut three) = (policy.scratch(), policy.scratch(), policy.scratch());
        let turn = work.hits.len();
        let slow = if size > 10_000 { turn / 64 } else { turn };
        let mut designs: Vec<Design<'_>> = Vec::new();
        let mut design = |name, turn, decide| designs.push(Design { name, turn, decide });
        let strict_mode = |argv: &[String]| policy.decide(argv, &strict, &mut one).conclusion as usize;
        design("strict", turn, Box::new(strict_mode) as Box<dyn FnMut(&[String]) -> usize>);
        design("literal", turn, Box::new(|argv| policy.decide(argv, &literal, &mut two).conclusion as usize));
        design(
            "all-matches",
            slow,
            Box::new(|argv| {
                let verdict = policy.decide(argv, &strict, &mut three);
                verdict.matches().map(|found| found.justification.map_or(0, str::len)).sum()
            }),
        );
        design("codex", slow, Box::new(|argv| black_box(codex.check(argv)).1.len()));
        design("trie", turn, Box::new(|argv| trie.decide(argv) as usize));
        if let Some(regexes) = &regexes {
            design("regex-set", turn, Box::new(|argv| regexes.decide(argv) as usize));
        }
        let mut random = Random(1);
        for (class, commands) in [("hit", &work.hits), ("miss", &work.misses)] {
            let (count, mut commands) = (commands.len(), Commands::new(commands));
            let mut times = vec![Vec::new(); designs.len()];
            for round in 0..ROUNDS {
                commands.shuffle(&mut random);
                for (design, times) in designs.iter_mut().zip(&mut times) {
                    let start = round * design.turn % count;
                    black_box(design.time(&mut commands, start));
                    times.push(design.time(&mut commands, start));
                }
            }
            report(size, at, class, &designs, &mut times);
        }
    }
}

fn report(size: usize, at: usize, class: &str, designs: &[Design<'_>], times: &mut [Vec<f64>]) {
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    let ours = times[0][ROUNDS / 2];
    for (Design { name, .. }, times) in designs.iter().zip(&*times) {
        let [low, median, high] = [ROUNDS / 4, ROUNDS / 2, 3 * ROUNDS / 4].map(|at| times[at]);
        let goal = GOALS.iter().find(|(peer, _)| peer == name && class == "hit").map(|(_, goals)| goals[at]);
        let goal = goal.map_or(String::new(), |goal| {
            format!("  goal {goal} x: {}", if median / ours >= goal { "met" } else { "NOT MET" })
        });
        println!(
            "{size:>6} {class:<4} {name:<11} {median:>9.1} ns ({low:.1} to {high:.1}) {:>8.2} x strict{goal}",
            median / ours
        );
    }
}
