//! In: the sets that the words of a command can be ([`WordSet`]). Out: [`Argv`], the set of argvs that a command can
//! be; it answers what a rule asks of it. Not here: how a script's words become sets (`interpret/expand.rs`).

use super::words::WordSet;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// One position of an [`Argv`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// What each of its words can be.
    pub words: WordSet,
    /// Whether it stands for any number of words, none included, instead of exactly one.
    pub many: bool,
    /// Whether the set comes from pathname expansion: without a file of such a name the word is its
    /// own literal text.
    pub files: bool,
}

impl Item {
    /// One word, known.
    #[must_use]
    pub fn known(word: impl Into<Vec<u8>>) -> Self {
        Self { words: WordSet::Known(word.into()), many: false, files: false }
    }

    /// One word of a set.
    #[must_use]
    pub fn one(words: WordSet) -> Self {
        Self { words, many: false, files: false }
    }

    /// Any number of words, each anything.
    #[must_use]
    pub fn anything() -> Self {
        Self { words: WordSet::anything(), many: true, files: false }
    }

    /// The only word it can be.
    #[must_use]
    pub fn as_known(&self) -> Option<&[u8]> {
        if self.many { None } else { self.words.known() }
    }
}

/// The argvs that a command can have: the items in order, each "many" repeated at will.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Argv(pub Vec<Item>);

/// Whether a pattern of rule tokens fits an [`Argv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Some argv of the set begins so, but only if a file of that name is there.
    IfFile,
    /// Some argv of the set begins so.
    Could,
    /// Every argv of the set begins so.
    Surely,
}

impl Argv {
    /// An argv whose words are all known.
    pub fn known<T: AsRef<[u8]>>(argv: &[T]) -> Self {
        Self(argv.iter().map(|word| Item::known(word.as_ref())).collect())
    }

    /// The words, if every one is known.
    #[must_use]
    pub fn words(&self) -> Option<Vec<&[u8]>> {
        self.0.iter().map(Item::as_known).collect()
    }

    /// About how many bytes the words take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.iter().map(|item| item.words.size() + 32).sum()
    }

    /// How a person would write it.
    #[must_use]
    pub fn describe(&self) -> String {
        let one = |item: &Item| {
            let text = item.words.describe();
            if item.many { format!("{text}…") } else { text }
        };
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// Whether the set holds this argv.
    #[must_use]
    pub fn could_be(&self, argv: &[&[u8]]) -> bool {
        let tests: Vec<_> = argv.iter().map(|word| |item: &Item| item.words.could_be(word)).collect();
        self.run(&tests, true).is_some()
    }

    /// Whether some argv of the set begins with a program that `head` accepts, followed by words
    /// that the tokens accept; each token is the set of its alternatives. This is how a forbid or a
    /// prompt is asked.
    pub fn could_begin<T: AsRef<[u8]>>(
        &self,
        head: impl Fn(&WordSet) -> bool,
        tail: &[Vec<T>],
    ) -> Option<Fit> {
        if let ([first, rest @ ..], true) =
            (self.0.as_slice(), self.0.iter().all(|item| item.as_known().is_some()))
        {
            let fits = head(&first.words)
                && rest.len() >= tail.len()
                && tail.iter().zip(rest).all(|(token, item)| {
                    token.iter().any(|alternative| item.words.could_be(alternative.as_ref()))
                });
            return fits.then_some(Fit::Could);
        }
        type Test<'t> = Box<dyn Fn(&Item) -> bool + 't>;
        let mut tests: Vec<Test<'_>> = vec![Box::new(|item| head(&item.words))];
        for token in tail {
            tests.push(Box::new(|item| {
                token.iter().any(|alternative| item.words.could_be(alternative.as_ref()))
            }));
        }
        self.run(&tests, false)
    }

    /// Whether every argv of the set begins with words that the tests accept: the positions are
    /// single words with finitely many values, all accepted. This is how an allow is asked.
    pub fn surely_begins<T: AsRef<[u8]>>(&self, head: impl Fn(&[u8]) -> bool, tail: &[Vec<T>]) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let accepted = |item: &Item, test: &dyn Fn(&[u8]) -> bool| {
            !item.many && item.words.finite().is_some_and(|words| words.iter().all(|word| test(word)))
        };
        accepted(first, &head)
            && rest.len() >= tail.len()
            && tail.iter().zip(rest).all(|(token, item)| {
                accepted(item, &|word| token.iter().any(|alternative| alternative.as_ref() == word))
            })
    }

    /// Runs the tests along the items as a small automaton: state (test, item), where a many-item may
    /// be skipped or taken again. `whole`: the items must be used up as well.
    fn run<F: Fn(&Item) -> bool>(&self, tests: &[F], whole: bool) -> Option<Fit> {
        // best[at] = the surest way to have passed the tests so far and to stand before item `at`.
        let mut best: Vec<Option<Fit>> = vec![None; self.0.len() + 1];
        if let Some(start) = best.first_mut() {
            *start = Some(Fit::Could);
        }
        self.skip(&mut best);
        for test in tests {
            let mut next: Vec<Option<Fit>> = vec![None; self.0.len() + 1];
            for (at, item) in self.0.iter().enumerate() {
                let Some(Some(way)) = best.get(at).copied() else { continue };
                if test(item) {
                    let fit = if item.files { Fit::IfFile } else { way };
                    let to = if item.many { at } else { at + 1 };
                    if let Some(slot) = next.get_mut(to) {
                        *slot = (*slot).max(Some(fit));
                    }
                }
            }
            self.skip(&mut next);
            best = next;
        }
        if whole { best.last().copied().flatten() } else { best.into_iter().flatten().max() }
    }

    /// A many-item may stand for no word.
    fn skip(&self, best: &mut [Option<Fit>]) {
        for (at, item) in self.0.iter().enumerate() {
            let here = best.get(at).copied().flatten();
            if let (true, Some(slot)) = (item.many, best.get_mut(at + 1)) {
                *slot = (*slot).max(here);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::rust_2024::*;

    #[test]
    fn many_words_may_be_none() {
        let argv = Argv(vec![Item::anything(), Item::known("foo"), Item::anything(), Item::known("x")]);
        assert!(argv.could_be(&[b"foo", b"x"]));
        assert!(argv.could_be(&[b"a", b"b", b"foo", b"q", b"x"]));
        assert!(!argv.could_be(&[b"a", b"x"]));
        assert_eq!(argv.could_begin(|word| word.could_be_named(b"foo"), &[vec!["push"]]), Some(Fit::Could));
        assert!(!argv.surely_begins(|word| word == b"foo", &[vec!["x"]]));
    }
}
