//! How much an analysis may cost.

/// How much an analysis may cost. What goes beyond is opaque, so `prompt`; it is never skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a script.
    pub bytes: usize,
    /// Levels of nesting: groups, substitutions, scripts in scripts.
    pub depth: usize,
    /// Commands walked through, those of loops and functions each time.
    pub commands: usize,
    /// Steps through the compiled rules for words that are not known, of all parts together.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 40, commands: 20_000, steps: 20_000_000 }
    }
}
