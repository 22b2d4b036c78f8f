//! Reads Markdown into sections and fences, and puts changed fences back.

use std::ops::Range;

/// A fenced block.
#[derive(Clone, Debug)]
pub struct Fence {
    /// The words after the opening fence.
    pub info: Vec<String>,
    /// The text inside.
    pub text: String,
    /// Where the text stands in the file.
    pub range: Range<usize>,
}

impl Fence {
    /// The language: the first word.
    pub fn language(&self) -> &str {
        self.info.first().map_or("", String::as_str)
    }

    /// Whether a further word is there.
    pub fn has(&self, word: &str) -> bool {
        self.info.iter().skip(1).any(|known| known == word)
    }

    /// The value of `key=value`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.info.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }
}

/// A heading and what follows it, up to the next heading of any level.
#[derive(Clone, Debug)]
pub struct Section {
    /// The heading without its `#`s; empty for what stands before the first one.
    pub heading: String,
    /// The number of `#`s.
    pub level: usize,
    /// Prose, without the fences.
    pub prose: String,
    /// The fences.
    pub fences: Vec<Fence>,
}

/// Reads a file.
pub fn sections(text: &str) -> Vec<Section> {
    let mut sections =
        vec![Section { heading: String::new(), level: 0, prose: String::new(), fences: Vec::new() }];
    let mut open: Option<(String, Vec<String>, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let section = sections.last_mut().unwrap();
        let bare = line.trim_end();
        if let Some((ticks, info, from)) = &open {
            if bare == ticks {
                let range = *from..start;
                section.fences.push(Fence {
                    info: info.clone(),
                    text: text[range.clone()].to_owned(),
                    range,
                });
                open = None;
            }
        } else if bare.starts_with("```") {
            let ticks: String = bare.chars().take_while(|c| *c == '`').collect();
            let info = bare[ticks.len()..].split_whitespace().map(str::to_owned).collect();
            open = Some((ticks, info, at));
        } else if bare.starts_with('#') {
            let level = bare.chars().take_while(|c| *c == '#').count();
            let heading = bare[level..].trim().to_owned();
            sections.push(Section { heading, level, prose: String::new(), fences: Vec::new() });
        } else {
            section.prose.push_str(line);
        }
    }
    assert!(open.is_none(), "a fence is never closed");
    sections
}

/// Replaces ranges of a text, given from front to back.
pub fn replace(text: &str, changes: &[(Range<usize>, String)]) -> String {
    let mut result = String::new();
    let mut at = 0;
    for (range, new) in changes {
        result.push_str(&text[at..range.start]);
        result.push_str(new);
        at = range.end;
    }
    result.push_str(&text[at..]);
    result
}
