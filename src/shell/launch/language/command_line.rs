//! In: the words behind `sed` or `awk`. Out: what readers of both command lines share: texts that words can be, and options by their
//! long names. Not here: which options there are (`awk.rs`, `sed.rs`).

use crate::reason::Reason;
use crate::segment::Effect;
use crate::tools::effects::INTEGER;
use crate::value::argv::Item;
use crate::value::words::Piece;
use alloc::vec;
use alloc::vec::Vec;

/// What a command line says, in every way in which an implementation could read it.
#[derive(Default)]
pub struct CommandLine {
    /// Every text that can be the program: all of them count, but one that nobody accepts.
    pub programs: Vec<Text>,
    /// Files that the rule's author allowed with the command, because they stand on its command line.
    pub named: Vec<Effect>,
    /// Files that do not stand on the command line.
    pub hidden: Vec<Effect>,
    /// A word is not known and may be an option.
    pub perhaps_option: bool,
    /// Why the command line is not understood.
    pub opaque: Option<Reason>,
}

/// A program's text; [`INTEGER`] stands for an integer that is not known.
pub type Text = Option<Vec<u8>>;

/// How many texts one word may stand for.
const MOST_TEXTS: usize = 16;

/// Every text that these words, joined by newlines, can be.
pub fn texts(items: &[Item]) -> Vec<Text> {
    let mut all = vec![Vec::new()];
    for (number, item) in items.iter().enumerate() {
        let Some(ways) = ways(item) else { return vec![None] };
        if all.len() * ways.len() > MOST_TEXTS {
            return vec![None];
        }
        all = all
            .iter()
            .flat_map(|before| {
                let glue: &[u8] = if number == 0 { b"" } else { b"\n" };
                ways.iter().map(move |way| [before.as_slice(), glue, way].concat())
            })
            .collect();
    }
    all.into_iter().map(Some).collect()
}

/// Every text that a word can be, unknown integers aside.
fn ways(item: &Item) -> Option<Vec<Vec<u8>>> {
    if item.many {
        return None;
    }
    let way = |pieces: &Vec<Piece>| {
        let mut text = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(bytes) if !bytes.contains(&INTEGER) => text.extend_from_slice(bytes),
                Piece::Integer => text.push(INTEGER),
                _ => return None,
            }
        }
        Some(text)
    };
    item.words.patterns().iter().map(|pattern| way(&pattern.0)).collect()
}

/// What a word begins with.
pub enum Start<'i> {
    /// A word that is known.
    Known(&'i [u8]),
    /// A word that is surely no option.
    Operand,
    /// A word that may be one.
    Unclear,
}

/// What an argument begins with.
pub fn start(item: &Item) -> Start<'_> {
    if let Some(word) = item.as_known() {
        return Start::Known(word);
    }
    let no_option = item.words.patterns().iter().all(|pattern| match pattern.0.first() {
        Some(Piece::Literal(bytes)) => !bytes.starts_with(b"-"),
        _ => false,
    });
    if no_option { Start::Operand } else { Start::Unclear }
}

/// The option that a long name stands for: itself, or the only one it abbreviates. A name comes with
/// what it means.
pub fn long_option<T: Copy + PartialEq>(table: &[(&str, T)], name: &[u8]) -> Option<T> {
    if let Some((_, found)) = table.iter().find(|(option, _)| option.as_bytes() == name) {
        return Some(*found);
    }
    let mut found = table.iter().filter(|(option, _)| option.as_bytes().starts_with(name));
    let (_, first) = found.next()?;
    found.all(|(_, other)| other == first).then_some(*first)
}
