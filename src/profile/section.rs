//! In: the bytes of the profiles section. Out: [`Profiles`], and a [`Profile`] by name, phase and platform.
//! Not here: the records (`decode.rs`) and the words in them (`words.rs`).
//!
//! Layout, all numbers little-endian, all offsets from the section's first byte:
//!
//! ```text
//! u32 length of the section      u32 pool offset   u32 pool length
//! u32 default present (0 or 1)   text name   origin
//! u32 number of profiles
//! per profile: text name   u8 phase   u8 platform   origin   u8 network mode   u8 network origin present   origin
//!              nine lists: paths globs protects hosts env limits syscalls features mach
//! text = u32 offset, u32 length in the pool      list = u32 offset, u32 count
//! origin = text file, u32 line, u32 column
//! ```

use super::decode::{Cursor, List, ProfileError};
use super::{
    EnvRule, FeatureRule, GlobRule, Limit, MachService, Network, NetworkMode, Origin, PathRule, Phase,
    Platform, Protect, SyscallRule,
};

/// The bytes of one profile's head: see the layout above.
const HEAD: usize = 8 + 1 + 1 + 16 + 1 + 1 + 16 + 9 * 8;
/// The bytes before the first profile.
const PREAMBLE: usize = 12 + 4 + 8 + 16 + 4;

/// `default NAME`: where a command runs that no `sandbox_rule` places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultProfile<'a> {
    /// The profile; it exists.
    pub name: &'a str,
    /// The statement.
    pub origin: Origin<'a>,
}

/// One profile, flat, for one phase and platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile<'a> {
    /// Its name.
    pub name: &'a str,
    /// For which phase.
    pub phase: Phase,
    /// For which platform.
    pub platform: Platform,
    /// Where it is declared.
    pub origin: Origin<'a>,
    /// Path statements, sorted by root, then path: what lies above comes first. No path twice.
    pub paths: List<'a, PathRule<'a>>,
    /// Globs, sorted by root, path, pattern. No glob twice.
    pub globs: List<'a, GlobRule<'a>>,
    /// Protected names, sorted. No name twice.
    pub protects: List<'a, Protect<'a>>,
    /// What may be connected to.
    pub network: Network<'a>,
    /// Environment variables, sorted by pattern. No pattern twice.
    pub env: List<'a, EnvRule<'a>>,
    /// Limits, by kind.
    pub limits: List<'a, Limit<'a>>,
    /// Denied system calls, sorted by name.
    pub syscalls: List<'a, SyscallRule<'a>>,
    /// What must hold and what may fall short, by feature.
    pub features: List<'a, FeatureRule<'a>>,
    /// Mach services that may be looked up, sorted; empty except on macOS.
    pub mach: List<'a, MachService<'a>>,
}

impl Profile<'_> {
    const fn records(&self) -> usize {
        self.paths.len()
            + self.globs.len()
            + self.protects.len()
            + self.network.hosts.len()
            + self.env.len()
            + self.limits.len()
            + self.syscalls.len()
            + self.features.len()
            + self.mach.len()
    }

    /// Reads every record, and checks the orders that the fields promise.
    fn check(&self) -> Result<(), ProfileError> {
        self.paths.check(Some(|rule: &PathRule<'_>| rule.place), "order of paths")?;
        self.globs.check(Some(|rule: &GlobRule<'_>| (rule.place, rule.pattern)), "order of globs")?;
        self.protects.check(Some(|rule: &Protect<'_>| rule.name), "order of protected names")?;
        self.network.hosts.check(None::<fn(&_) -> ()>, "hosts")?;
        self.env.check(None::<fn(&_) -> ()>, "variables")?;
        self.limits.check(Some(|rule: &Limit<'_>| rule.kind), "order of limits")?;
        self.syscalls.check(Some(|rule: &SyscallRule<'_>| rule.name), "order of system calls")?;
        self.features.check(Some(|rule: &FeatureRule<'_>| rule.feature), "order of features")?;
        self.mach.check(Some(|rule: &MachService<'_>| rule.name), "order of services")
    }
}

/// Every profile of an artifact: each name once per phase and platform, sorted by (name, phase, platform).
#[derive(Clone, Copy, Debug)]
pub struct Profiles<'a> {
    section: &'a [u8],
    pool: &'a [u8],
    count: usize,
    default: Option<DefaultProfile<'a>>,
}

impl<'a> Profiles<'a> {
    /// Reads and checks a whole section. Accepts any bytes; never panics; reads each record once.
    ///
    /// # Errors
    /// A [`ProfileError`] that says what was being read, and where.
    pub fn from_bytes(section: &'a [u8]) -> Result<Self, ProfileError> {
        let mut cursor = Cursor::new(section, &[], 0);
        if cursor.size("section length")? != section.len() {
            return cursor.fault("section length");
        }
        let (offset, length) = (cursor.size("string pool")?, cursor.size("string pool")?);
        let pool = offset.checked_add(length).and_then(|end| section.get(offset..end));
        let Some(pool) = pool else { return cursor.fault("string pool") };
        let mut cursor = Cursor::new(section, pool, cursor.position());
        let present = cursor.u32("default")?;
        let default = DefaultProfile { name: cursor.text("default")?, origin: cursor.origin()? };
        let default = match present {
            0 => None,
            1 => Some(default),
            _ => return cursor.fault("default"),
        };
        let count = cursor.size("number of profiles")?;
        let profiles = Self { section, pool, count, default };
        // Names, phases and platforms are read first: the binary search of `get` rests on their order, and a
        // profile that stands twice would be two meanings for one name.
        let mut last: Option<(&str, Phase, Platform)> = None;
        // Variants share lists, so the same bytes may be read more than once, but not without end.
        let mut budget = section.len().saturating_mul(4);
        for index in 0..count {
            let profile = profiles.read(index)?;
            let key = (profile.name, profile.phase, profile.platform);
            if profile.name.is_empty() || last.is_some_and(|last| last >= key) {
                return cursor.fault("order of profiles");
            }
            last = Some(key);
            budget = match budget.checked_sub(profile.records()) {
                Some(left) => left,
                None => return cursor.fault("number of records"),
            };
            profile.check()?;
        }
        if default.is_some_and(|default| profiles.variants(default.name).next().is_none()) {
            return cursor.fault("default");
        }
        Ok(profiles)
    }

    fn read(&self, index: usize) -> Result<Profile<'a>, ProfileError> {
        let at = index.checked_mul(HEAD).and_then(|at| at.checked_add(PREAMBLE)).unwrap_or(usize::MAX);
        let mut cursor = Cursor::new(self.section, self.pool, at);
        let name = cursor.text("profile name")?;
        let phase = cursor.word(Phase::from_byte, "phase")?;
        let platform = cursor.word(Platform::from_byte, "platform")?;
        let origin = cursor.origin()?;
        let mode = cursor.word(NetworkMode::from_byte, "network mode")?;
        let present = cursor.u8("network origin")?;
        let said = cursor.origin()?;
        Ok(Profile {
            name,
            phase,
            platform,
            origin,
            paths: cursor.list()?,
            globs: cursor.list()?,
            protects: cursor.list()?,
            network: Network { mode, origin: (present == 1).then_some(said), hosts: cursor.list()? },
            env: cursor.list()?,
            limits: cursor.list()?,
            syscalls: cursor.list()?,
            features: cursor.list()?,
            mach: cursor.list()?,
        })
    }

    /// Every variant of every profile, in order.
    pub fn iter(&self) -> impl Iterator<Item = Profile<'a>> + use<'a> {
        let this = *self;
        (0..this.count).map_while(move |index| this.read(index).ok())
    }

    /// The names, sorted, each once. A profile's number is its place here.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut last = None;
        self.iter().map(|profile| profile.name).filter(move |name| last.replace(*name) != Some(*name))
    }

    /// The variants of one name.
    pub fn variants<'n>(&self, name: &'n str) -> impl Iterator<Item = Profile<'a>> + use<'a, 'n> {
        self.iter().filter(move |profile| profile.name == name)
    }

    /// The profile that holds for a name in a phase on a platform.
    #[must_use]
    pub fn get(&self, name: &str, phase: Phase, platform: Platform) -> Option<Profile<'a>> {
        self.variants(name).find(|profile| (profile.phase, profile.platform) == (phase, platform))
    }

    /// Whether there is a profile of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.variants(name).next().is_some()
    }

    /// Where a command runs that nothing places.
    #[must_use]
    pub const fn default(&self) -> Option<DefaultProfile<'a>> {
        self.default
    }
}
