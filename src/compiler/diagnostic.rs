//! In: faults, as the phases find them. Out: [`Diagnostic`]s as data.
//! Not here: how they look (`cli/report/`), and the texts of the pages (`docs/diagnostics/`).

pub mod catalogue;
pub mod text;

pub use catalogue::Code;

use crate::source::{SourceMap, Span};

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Not shown, not counted.
    Off,
    /// Worth knowing; changes no exit code.
    Note,
    /// Probably a mistake; changes the exit code only with `--deny-warnings`.
    Warning,
    /// The policy is refused.
    Error,
}

impl Severity {
    /// The word used in output and in `execpolicy.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A further place that helps to understand a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub message: String,
}

/// A change of the source that removes a finding. Several of one finding are alternatives, the best one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What is replaced; empty where something is inserted.
    pub span: Span,
    /// What takes its place; empty where something is removed.
    pub replacement: String,
    /// What the change does, in a few words.
    pub title: String,
    /// What has to stand at the place; see [`Diagnostics::settle`].
    written: Option<Written>,
}

/// What a phase that sees no text believes to be written at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Written {
    /// A word, in quotes or not; they stay.
    Word(String),
    /// A string, which is replaced with its quotes.
    String(String),
}

/// One finding: a code, a headline that stands alone, one exact place, and what to type.
///
/// Wording: lower case, no final period, the user's text in backticks, no Rust names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which finding it is.
    pub code: Code,
    /// How bad it is; the code's own severity unless a setting changed it.
    pub severity: Severity,
    /// The headline.
    pub message: String,
    /// The place; `None` only where there is no text to point at (an unreadable file).
    pub span: Option<Span>,
    /// What stands under the caret; may be empty.
    pub label: String,
    /// Further places.
    pub labels: Vec<Label>,
    /// What to type instead, most helpful first.
    pub hints: Vec<String>,
    /// Changes that remove the finding, where one is known exactly.
    pub suggestions: Vec<Suggestion>,
    /// How control came here: "while loading …", "in `f`, called at …", innermost first.
    pub trace: Vec<Label>,
    /// The file that is meant when there is no span.
    pub file: Option<String>,
}

impl Diagnostic {
    /// A finding at a place.
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            span: Some(span),
            label: String::new(),
            labels: Vec::new(),
            hints: Vec::new(),
            suggestions: Vec::new(),
            trace: Vec::new(),
            file: None,
        }
    }

    /// A finding about a file as a whole, where no text can be shown.
    #[must_use]
    pub fn about_file(code: Code, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            span: None,
            label: String::new(),
            labels: Vec::new(),
            hints: Vec::new(),
            suggestions: Vec::new(),
            trace: Vec::new(),
            file: Some(file.into()),
        }
    }

    /// Says what stands under the caret.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Adds a further place.
    #[must_use]
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Adds a hint: the words to type instead.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    /// Adds a hint if there is one.
    #[must_use]
    pub fn maybe_hint(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.hint(text),
            None => self,
        }
    }

    /// Adds a change that removes the finding.
    #[must_use]
    pub fn suggest(mut self, span: Span, replacement: impl Into<String>, title: impl Into<String>) -> Self {
        let (replacement, title) = (replacement.into(), title.into());
        self.suggestions.push(Suggestion { span, replacement, title, written: None });
        self
    }

    /// Suggests another word for the one at a place. Quotes around it stay.
    #[must_use]
    pub fn instead(mut self, span: Span, written: &str, replacement: &str) -> Self {
        self.suggestions.push(Suggestion {
            span,
            replacement: replacement.to_owned(),
            title: format!("write `{replacement}`"),
            written: Some(Written::Word(written.to_owned())),
        });
        self
    }

    /// Suggests other source text for a whole string literal.
    #[must_use]
    pub fn instead_of_string(mut self, span: Span, written: &str, replacement: String) -> Self {
        self.suggestions.push(Suggestion {
            span,
            title: format!("write `{replacement}`"),
            replacement,
            written: Some(Written::String(written.to_owned())),
        });
        self
    }

    /// Suggests the known word that is nearest to the one at a place, if one is near, and says so.
    #[must_use]
    pub fn did_you_mean<'w>(
        self,
        span: Span,
        written: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) -> Self {
        match text::nearest(written, known) {
            Some(meant) => self.hint(format!("did you mean `{meant}`?")).instead(span, written, meant),
            None => self,
        }
    }

    /// Adds a frame of the way here.
    #[must_use]
    pub fn via(mut self, span: Span, message: impl Into<String>) -> Self {
        self.trace.push(Label { span, message: message.into() });
        self
    }
}

/// Proof that at least one error has been pushed. It cannot be made in any other way, so a phase
/// that returns it cannot have failed in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported(());

/// What a phase has read, with the proof of the error if it reported one. The error stays with what was read, whichever
/// sink it went to, so nothing that was read in part can pass for the whole.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    value: T,
    reported: Option<Reported>,
}

impl<T> Loaded<T> {
    /// What was read while faults went to this sink.
    pub fn new(value: T, diagnostics: &Diagnostics) -> Self {
        Self { value, reported: diagnostics.ok().err() }
    }

    /// What was read, perhaps in part.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// Takes something else that was read into this; an error in either is one of both.
    #[must_use]
    pub fn with<U>(mut self, other: Loaded<U>, take: impl FnOnce(&mut T, U)) -> Self {
        take(&mut self.value, other.value);
        Self { reported: self.reported.or(other.reported), ..self }
    }

    /// What was read, and whether all of it could be.
    pub fn parts(self) -> (T, Result<(), Reported>) {
        (self.value, self.reported.map_or(Ok(()), Err))
    }
}

/// What a program made itself is whole.
impl<T> From<T> for Loaded<T> {
    fn from(value: T) -> Self {
        Self { value, reported: None }
    }
}

/// The sink that every phase pushes into.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    levels: Vec<(Code, Severity)>,
}

impl Diagnostics {
    /// An empty sink.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what a code counts as from now on (`[lints]` in `execpolicy.toml`). Only codes whose
    /// own level is a warning or whose [`Code::adjustable`] says so can be changed.
    pub fn set_level(&mut self, code: Code, severity: Severity) {
        if code.adjustable() {
            self.levels.retain(|(known, _)| *known != code);
            self.levels.push((code, severity));
        }
    }

    /// Takes a finding in.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        if let Some((_, level)) = self.levels.iter().find(|(code, _)| *code == diagnostic.code) {
            diagnostic.severity = *level;
        }
        if diagnostic.severity != Severity::Off {
            self.list.push(diagnostic);
        }
    }

    /// Takes an error in and returns the proof of it. The code must be one that no setting can
    /// turn off; otherwise the proof would be a lie.
    pub fn error(&mut self, diagnostic: Diagnostic) -> Reported {
        debug_assert!(!diagnostic.code.adjustable(), "{} can be turned off", diagnostic.code);
        self.list.push(Diagnostic { severity: Severity::Error, ..diagnostic });
        Reported(())
    }

    /// Adds the way here to every finding from number `first` on: the phase that called knows it,
    /// the one that found the fault does not.
    pub fn trace_from(&mut self, first: usize, frames: &[(Span, String)]) {
        for diagnostic in self.list.iter_mut().skip(first) {
            diagnostic
                .trace
                .extend(frames.iter().map(|(span, message)| Label { span: *span, message: message.clone() }));
        }
    }

    /// The proof, if an error has been pushed.
    ///
    /// # Errors
    /// [`Reported`] if any finding so far is an error.
    pub fn ok(&self) -> Result<(), Reported> {
        if self.has_errors() { Err(Reported(())) } else { Ok(()) }
    }

    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many findings are of this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|d| d.severity == severity).count()
    }

    /// The findings, in the order in which they were pushed.
    #[must_use]
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Leaves only suggestions whose place holds exactly what they replace. Phases work on values; a value that was computed has
    /// the place of the expression, and there is nothing to replace there.
    pub fn settle(&mut self, sources: &SourceMap) {
        for diagnostic in &mut self.list {
            diagnostic.suggestions.retain_mut(|suggestion| {
                let found = sources.text(suggestion.span);
                let quoted = |text: &str| ["\"", "'"].into_iter().find(|q| found == format!("{q}{text}{q}"));
                match suggestion.written.take() {
                    None => true,
                    Some(Written::Word(word)) if found == word => true,
                    Some(Written::Word(word)) => quoted(&word).is_some_and(|quote| {
                        suggestion.replacement = format!("{quote}{}{quote}", suggestion.replacement);
                        true
                    }),
                    Some(Written::String(text)) => quoted(&text).is_some(),
                }
            });
        }
    }

    /// Sorts by place (source, then byte), findings without a place first; stable otherwise.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|d| d.span.map(|span| (span.source, span.start)));
    }
}
