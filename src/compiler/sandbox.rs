//! In: texts of `.sandbox` files. Out: [`Profiles`], or diagnostics: all of them, each with one exact place.
//! Not here: what a profile allows (`execpolicy_profile::model`) and how it is enforced. `docs/language/sandbox.md` is the reference
//! of the language, `grammar/sandbox.ebnf` its grammar.

pub mod ast;
mod hosts;
mod layers;
mod lint;
pub mod parse;
mod resolve;
mod scope;
pub mod sets;
pub mod token;
mod typed;
mod values;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Loaded};
use crate::loader::Loader;
use crate::policy::profile::Profiles;
use crate::read;
use crate::source::{SourceId, SourceMap, Span};

/// The profiles of the standard library: names under which they appear in diagnostics, and texts.
pub const LIBRARY: &[(&str, &str)] = &[
    ("@stdlib//sandbox/read-only.sandbox", include_str!("../../stdlib/sandbox/read-only.sandbox")),
    (
        "@stdlib//sandbox/workspace-write.sandbox",
        include_str!("../../stdlib/sandbox/workspace-write.sandbox"),
    ),
    (
        "@stdlib//sandbox/workspace-commit.sandbox",
        include_str!("../../stdlib/sandbox/workspace-commit.sandbox"),
    ),
    (
        "@stdlib//sandbox/danger-full-access.sandbox",
        include_str!("../../stdlib/sandbox/danger-full-access.sandbox"),
    ),
];

/// The largest sandbox file that is read, in bytes. The standard library's largest has two thousand.
pub const LARGEST: usize = 1 << 20;

/// Reads profiles out of texts that have been read already. The standard library's profiles are always there, and are
/// added to the sources.
///
/// What could be made of the files comes back even when there are errors, for tools that go on; only a result
/// without errors may be enforced.
pub fn load(sources: &mut SourceMap, files: &[SourceId], sink: &mut Diagnostics) -> Profiles {
    let mut all = Diagnostics::new();
    let mut trees = Vec::new();
    for (name, text) in LIBRARY {
        let id = sources.add(*name, *text);
        trees.push(resolve::File { items: tree(sources, id, &mut all), library: true });
    }
    for id in files {
        trees.push(resolve::File { items: tree(sources, *id, &mut all), library: false });
    }
    let profiles = resolve::resolve(sources, trees, &mut all);
    forward(all, sink);
    profiles
}

/// How many findings of one file are told: enough to mend it in a few runs, few enough to read.
const MOST_FAULTS: usize = 100;

/// Hands findings on by place, and says so where there are too many.
fn forward(mut all: Diagnostics, sink: &mut Diagnostics) {
    all.sort();
    let mut told = std::collections::BTreeMap::new();
    for diagnostic in all.as_slice() {
        let count = told.entry(diagnostic.span.map(|span| span.source)).or_insert(0_usize);
        *count += 1;
        if *count <= MOST_FAULTS {
            if diagnostic.code.adjustable() {
                sink.push(diagnostic.clone());
            } else {
                sink.error(diagnostic.clone());
            }
        } else if *count == MOST_FAULTS + 1
            && let Some(span) = diagnostic.span
        {
            sink.error(Diagnostic::new(
                Code::EP0509,
                span,
                format!("more than {MOST_FAULTS} findings in one file"),
            ));
        }
    }
}

/// Reads files through a loader, then the profiles in them.
pub fn load_files(
    loader: &dyn Loader,
    names: &[&str],
    sources: &mut SourceMap,
    sink: &mut Diagnostics,
) -> Loaded<Profiles> {
    let mut files = Vec::new();
    for name in names {
        match read::source(name, None, loader, sources) {
            Ok(file) => files.push(file),
            Err(diagnostic) => {
                sink.error(*diagnostic);
            }
        }
    }
    let profiles = load(sources, &files, sink);
    Loaded::new(profiles, sink)
}

/// Reads one file's tree; what cannot be read is reported and left out.
pub fn tree(sources: &SourceMap, id: SourceId, sink: &mut Diagnostics) -> Vec<ast::Item> {
    let text = sources.get(id).shared_text();
    if text.len() > LARGEST {
        sink.error(
            Diagnostic::new(Code::EP0509, Span::new(id, 0..0), format!("the file has {} bytes", text.len()))
                .hint(format!("at most {LARGEST}: it is probably not a sandbox file")),
        );
        return Vec::new();
    }
    if invisible(id, &text, sink) {
        return Vec::new();
    }
    let tokens = token::lex(id, &text, sink);
    parse::escapes(id, &tokens, sink);
    let tokens = token::balance(id, tokens, sink);
    parse::parse(id, &tokens, text.len(), sink)
}

/// Reports characters that a reader cannot see: control characters, and those that turn the direction of the text or
/// take no room. A policy must mean what it looks like, in its comments too.
fn invisible(id: SourceId, text: &str, sink: &mut Diagnostics) -> bool {
    const MOST: usize = 10;
    let hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let mut found = text.char_indices().filter(|(_, c)| hidden(*c)).peekable();
    let any = found.peek().is_some();
    for (at, c) in found.take(MOST) {
        let span = Span::new(id, at..at + c.len_utf8());
        sink.error(
            Diagnostic::new(Code::EP0503, span, format!("an invisible character, U+{:04X}", u32::from(c)))
                .hint("remove it; a name that has it looks like one that does not")
                .suggest(span, "", "remove it"),
        );
    }
    any
}
