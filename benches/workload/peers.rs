//! In: a policy. Out: the same decisions by other means, to be measured beside ours.
//! Not here: anybody's code. Codex's algorithm is written anew from its description: a hash map from
//! the first word to its rules, each tried in turn, and every match returned as owned strings.

use execpolicy_compiler::check::CheckedPolicy;
use execpolicy_compiler::lower::{Automaton, LITERAL, Target};
use execpolicy_runtime::{Conclusion, Decision};
use regex::{RegexSet, RegexSetBuilder};
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

/// A rule as Codex keeps it: behind a pointer, one for each alternative of the first word.
trait Rule: Debug {
    fn matches(&self, argv: &[String]) -> Option<Match>;
}

/// What Codex returns for a rule that matched.
#[derive(Debug)]
pub struct Match {
    pub matched_prefix: Vec<String>,
    pub decision: Decision,
    pub justification: Option<String>,
}

#[derive(Debug)]
enum Token {
    Single(String),
    Alternatives(Vec<String>),
}

#[derive(Debug)]
struct Prefix {
    first: Arc<str>,
    rest: Arc<[Token]>,
    decision: Decision,
    justification: Option<String>,
}

impl Rule for Prefix {
    fn matches(&self, argv: &[String]) -> Option<Match> {
        let len = self.rest.len() + 1;
        if argv.len() < len || argv[0] != *self.first {
            return None;
        }
        for (token, word) in self.rest.iter().zip(&argv[1..len]) {
            let accepted = match token {
                Token::Single(one) => one == word,
                Token::Alternatives(several) => several.contains(word),
            };
            if !accepted {
                return None;
            }
        }
        let matched_prefix = argv[..len].to_vec();
        Some(Match { matched_prefix, decision: self.decision, justification: self.justification.clone() })
    }
}

/// Codex's algorithm.
#[derive(Debug)]
pub struct Codex(HashMap<String, Vec<Arc<dyn Rule>>>);

impl Codex {
    pub fn new(checked: &CheckedPolicy) -> Self {
        let mut rules: HashMap<String, Vec<Arc<dyn Rule>>> = HashMap::new();
        for rule in &checked.policy().rules {
            let (head, tail) = rule.pattern.tokens.split_first().expect("patterns are not empty");
            let rest: Arc<[Token]> = tail
                .iter()
                .map(|token| match token.alternatives.as_slice() {
                    [one] => Token::Single(one.value.clone()),
                    several => Token::Alternatives(several.iter().map(|word| word.value.clone()).collect()),
                })
                .collect();
            for head in &head.alternatives {
                rules.entry(head.value.clone()).or_default().push(Arc::new(Prefix {
                    first: head.value.as_str().into(),
                    rest: Arc::clone(&rest),
                    decision: rule.decision,
                    justification: rule.justification.as_ref().map(|why| why.value.clone()),
                }));
            }
        }
        Self(rules)
    }

    pub fn check(&self, argv: &[String]) -> (Conclusion, Vec<Match>) {
        let rules = argv.first().and_then(|first| self.0.get(first)).map_or(&[][..], |rules| rules);
        let matches: Vec<Match> = rules.iter().filter_map(|rule| rule.matches(argv)).collect();
        (Conclusion::of(matches.iter().map(|found| found.decision).max()), matches)
    }
}

/// What one writes without a compiler: a hash map at every node, on the same automaton.
#[derive(Debug)]
pub struct Trie(Vec<HashMap<String, (u32, Conclusion)>>);

impl Trie {
    pub fn new(checked: &CheckedPolicy, automaton: &Automaton) -> Self {
        let strictest = |mut set: u32| {
            let mut best = None;
            while set != 0 {
                let known = &automaton.sets[set as usize];
                let rules = known.rules.iter().map(|&rule| checked.policy().rules[rule as usize].decision);
                best = best.max(rules.max());
                set = known.parent;
            }
            Conclusion::of(best)
        };
        assert!(automaton.blocks.is_empty(), "the workload has no block");
        let mut nodes = vec![HashMap::new(); automaton.states as usize];
        for edge in &automaton.edges {
            let target = match edge.target {
                Target::State(state) => state,
                Target::Leaf => u32::MAX,
            };
            let word = automaton.symbols.word(edge.word).to_owned();
            nodes[edge.parent as usize].insert(word, (target, strictest(edge.set)));
        }
        Self(nodes)
    }

    pub fn decide(&self, argv: &[String]) -> Conclusion {
        let mut conclusion = Conclusion::Unmatched;
        let mut at = LITERAL;
        for word in argv {
            let Some(&(next, strictest)) = self.0.get(at as usize).and_then(|node| node.get(word)) else {
                break;
            };
            conclusion = strictest;
            at = next;
        }
        conclusion
    }
}

/// A set of regular expressions over the joined words, as some agents do. A space within a word
/// can forge a boundary, so it is not the same question; it is here for its time only.
#[derive(Debug)]
pub struct Regexes {
    set: RegexSet,
    decisions: Vec<Decision>,
}

impl Regexes {
    pub fn new(checked: &CheckedPolicy) -> Self {
        let rules = &checked.policy().rules;
        let patterns = rules.iter().map(|rule| {
            let words = rule.pattern.tokens.iter().map(|token| {
                let words: Vec<_> =
                    token.alternatives.iter().map(|word| regex::escape(&word.value)).collect();
                format!("(?:{})", words.join("|"))
            });
            format!("^{}(?: |$)", words.collect::<Vec<_>>().join(" "))
        });
        let set =
            RegexSetBuilder::new(patterns).size_limit(1 << 30).dfa_size_limit(1 << 28).unicode(false).build();
        let decisions = rules.iter().map(|rule| rule.decision).collect();
        Self { set: set.expect("escaped words are patterns"), decisions }
    }

    pub fn decide(&self, argv: &[String]) -> Conclusion {
        Conclusion::of(self.set.matches(&argv.join(" ")).iter().map(|at| self.decisions[at]).max())
    }
}
