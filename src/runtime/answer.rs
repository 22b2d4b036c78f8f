//! In: what was decided about a command or a script. Out: [`Answer`]: the conclusion, what is to blame for it, and where the
//! command runs; owned, and as text.
//! Not here: every rule that matched ([`crate::Verdict::matches`]) and every part of a script ([`ScriptVerdict::parts`]).
#![forbid(unsafe_code)]

use crate::decide::{RuleMatch, Verdict};
use crate::decision::Conclusion;
use crate::placement::{Confinement, Placement};
use crate::script::{Decided, Decider, RuleRef, ScriptVerdict};
use crate::text::{site, visible};
use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// The conclusion about a command or a script, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the policy says.
    pub conclusion: Conclusion,
    /// The rule that says it; the first of several.
    pub rule: Option<Site>,
    /// Why it cannot be known what the command runs, where that and no rule decided.
    pub opaque: Option<Unknown>,
    /// The part of the command that is to blame, if it has several.
    pub part: Option<String>,
    /// Where it runs.
    pub place: Place,
}

/// Why it cannot be known what a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// A stable name for programs, in kebab case.
    pub code: &'static str,
    /// What a person reads: the part of a sentence that follows "it".
    pub sentence: &'static str,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence)
    }
}

/// A rule, by where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The file, relative to the policy root.
    pub file: String,
    /// The line it begins in, from 1.
    pub line: u32,
    /// Why, in the words of whoever wrote it.
    pub justification: Option<String>,
}

/// Where a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The policy has no profiles, so it is for the caller to say.
    Unsaid,
    /// In a profile, by a rule or by the policy's default.
    In {
        /// The profile; `None` means unconfined.
        profile: Option<String>,
        /// The file and line of the rule; `None` if it is the default.
        rule: Option<(String, u32)>,
    },
    /// In the first profile or, if the command is what it may be, the second; somebody has to say. `None` means unconfined.
    Disputed(Option<String>, Option<String>),
}

impl Answer {
    /// The answer about a command. Takes the argv that was decided.
    pub fn about<T: AsRef<[u8]>>(decider: &Decider<'_>, decided: &Decided<'_>, argv: &[T]) -> Self {
        let place = decider.placement(decided, argv).into();
        match decided {
            Decided::Plain(verdict) => Self::plain(verdict, place),
            Decided::Parts(verdict) => Self::parts(decider, verdict, place),
        }
    }

    /// The answer about a script.
    #[must_use]
    pub fn about_script(decider: &Decider<'_>, verdict: &ScriptVerdict<RuleRef>) -> Self {
        Self::parts(decider, verdict, decider.script_placement(verdict).into())
    }

    fn plain(verdict: &Verdict<'_>, place: Place) -> Self {
        let rule = verdict.matches().find(|found| verdict.conclusion == found.decision.into());
        Self {
            conclusion: verdict.conclusion,
            opaque: verdict
                .opaque
                .filter(|_| rule.is_none())
                .map(|why| Unknown { code: why.code(), sentence: why.sentence() }),
            rule: rule.map(Site::from),
            part: None,
            place,
        }
    }

    fn parts(decider: &Decider<'_>, verdict: &ScriptVerdict<RuleRef>, place: Place) -> Self {
        let conclusion = verdict.conclusion;
        let part = verdict.parts.iter().find(|part| part.conclusion == Some(conclusion));
        let decisive = part.and_then(|part| {
            let found = part.rules.iter().find(|found| conclusion == found.decision.into())?;
            decider.rule_match(&part.segment.argv, found)
        });
        let opaque = part.and_then(|part| part.segment.opaque).filter(|_| decisive.is_none());
        let named = part.filter(|part| verdict.parts.len() > 1 && part.segment.argv.words().is_some());
        Self {
            conclusion,
            rule: decisive.map(Site::from),
            opaque: opaque.map(|why| Unknown { code: why.code(), sentence: why.sentence() }),
            part: named.map(|part| part.segment.argv.describe()).filter(|part| !part.is_empty()),
            place,
        }
    }
}

impl From<RuleMatch<'_>> for Site {
    fn from(found: RuleMatch<'_>) -> Self {
        Self {
            file: found.source.to_owned(),
            line: found.line,
            justification: found.justification.map(str::to_owned),
        }
    }
}

impl From<Placement<'_>> for Place {
    fn from(placement: Placement<'_>) -> Self {
        let name = |place: Confinement<'_>| place.profile.map(str::to_owned);
        match placement {
            Placement::Unsaid => Self::Unsaid,
            Placement::In(place) => Self::In {
                profile: name(place),
                rule: place.rule.map(|(file, line)| (file.to_owned(), line)),
            },
            Placement::Disputed(one, other) => Self::Disputed(name(one), name(other)),
        }
    }
}

/// `forbidden: rewrites shared history (agent.rules:12)`. Control characters are shown, not written.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.conclusion.as_str())?;
        if let Some(part) = &self.part {
            f.write_str(" because of `")?;
            visible(f, part)?;
            f.write_str("`")?;
        }
        match (&self.rule, self.opaque) {
            (Some(rule), _) => write!(f, ": {rule}"),
            (None, Some(why)) => write!(f, ": it {why}"),
            (None, None) => Ok(()),
        }
    }
}

/// `rewrites shared history (agent.rules:12)`.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        site(f, self.justification.as_deref(), &self.file, self.line)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |profile: &Option<String>| profile.clone().unwrap_or_else(|| "unconfined".to_owned());
        match self {
            Self::Unsaid => f.write_str("not said"),
            Self::In { profile, .. } => visible(f, &name(profile)),
            Self::Disputed(one, other) => {
                visible(f, &name(one))?;
                f.write_str(" or ")?;
                visible(f, &name(other))
            }
        }
    }
}
