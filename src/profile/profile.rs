//! In: the table of clauses. Out: [`Profile`], flat, for one phase and platform: a head, and one list for each kind of clause.
//! Not here: the clauses and the table (`clause.rs`), and the section that holds all profiles (`section.rs`).

use super::clause::{Clause, LISTS, Profile};
use super::place::Origin;
use super::wire::Text;
use super::wire::{Cursor, ProfileError, TEXT, TextFrom, Wire, Writer};
use super::words::{NetworkMode, Phase, Platform};

/// `network off`, `network full`, or listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network<T = Text> {
    /// Off, what the list allows, or everything the list does not deny.
    pub mode: NetworkMode,
    /// The statement that set the mode; of several `network allow` the first. `None`: nobody said anything, which is off.
    pub origin: Option<Origin<T>>,
}

impl<'a, T: TextFrom<'a>> Wire<'a> for Network<T> {
    const SIZE: usize = 1 + 1 + Origin::<T>::SIZE;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        let mode = cursor.word(NetworkMode::from_byte, "network mode")?;
        let present = cursor.u8("network origin")?;
        let origin = Origin::read(cursor)?;
        Ok(Self { mode, origin: (present == 1).then_some(origin) })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.put([self.mode as u8, u8::from(self.origin.is_some())]);
        match &self.origin {
            Some(origin) => origin.write(out),
            None => Origin::<&str>::default().write(out),
        }
    }
}

/// What a profile is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name<T> {
    pub name: T,
    pub phase: Phase,
    pub platform: Platform,
}

impl<'a, T: TextFrom<'a>> Wire<'a> for Name<T> {
    const SIZE: usize = TEXT + 2;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
        Ok(Self {
            name: cursor.text("profile name")?.into(),
            phase: cursor.word(Phase::from_byte, "phase")?,
            platform: cursor.word(Platform::from_byte, "platform")?,
        })
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.text(self.name.as_ref());
        out.put([self.phase as u8, self.platform as u8]);
    }
}

/// Makes [`Profile`] and [`Clause`] out of a table in `clause.rs`: the field, the clause in it, and the variant. Within a list, subjects rise.
macro_rules! lists {
    ($($(#[$doc:meta])* $field:ident: $clause:ty, $variant:ident;)*) => {
        /// Any clause: one thing that a statement says.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Clause<T = Text> {
            /// The network's mode.
            Network(NetworkMode),
            /// `syscalls allow`: takes back what a set or a parent denies. It is in no finished profile.
            SyscallAllowed(SyscallRule<T>),
            $($(#[$doc])* $variant($clause),)*
        }

        impl<T: AsRef<str>> fmt::Display for Clause<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Network(mode) => write!(f, "network {}", mode.as_str()),
                    Self::SyscallAllowed(rule) => write!(f, "syscalls allow {}", Plain(rule.name.as_ref())),
                    $(Self::$variant(clause) => clause.fmt(f),)*
                }
            }
        }

        /// A profile with `extends` and `unset` worked out, for one phase and platform.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Profile<T = Text> {
            /// Its name.
            pub name: T,
            /// For which phase.
            pub phase: Phase,
            /// For which platform.
            pub platform: Platform,
            /// Where it is declared.
            pub origin: Origin<T>,
            /// Whether anything may be connected to; the destinations are in `hosts`.
            pub network: Network<T>,
            $($(#[$doc])* pub $field: Vec<Located<$clause, T>>,)*
        }

        impl<T> Profile<T> {
            /// A profile that says nothing.
            #[must_use]
            pub const fn new(name: T, phase: Phase, platform: Platform, origin: Origin<T>) -> Self {
                let network = Network { mode: NetworkMode::Off, origin: None };
                Self { name, phase, platform, origin, network, $($field: Vec::new(),)* }
            }

            /// Adds a clause to its list.
            pub fn push(&mut self, clause: Clause<T>, origin: Origin<T>) {
                match clause {
                    $(Clause::$variant(clause) => self.$field.push(Located { clause, origin }),)*
                    Clause::Network(mode) => self.network = Network { mode, origin: Some(origin) },
                    // What is allowed is what nothing denies.
                    Clause::SyscallAllowed(_) => {}
                }
            }
        }

        impl<T: Clone> Profile<T> {
            /// The clauses of the lists, in their order.
            pub(crate) fn listed(&self) -> impl Iterator<Item = (Clause<T>, &Origin<T>)> {
                core::iter::empty()
                    $(.chain(self.$field.iter().map(|said| (Clause::$variant(said.clause.clone()), &said.origin))))*
            }
        }

        /// How many lists a profile has.
        pub(crate) const LISTS: usize = [$(stringify!($field)),*].len();

        impl<'a, T: TextFrom<'a>> Profile<T> {
            /// Reads a head with its lists.
            pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, ProfileError> {
                let Name { name, phase, platform } = Name::read(cursor)?;
                let origin = Origin::read(cursor)?;
                let network = Network::read(cursor)?;
                let mut lists = *cursor;
                Ok(Self { name, phase, platform, origin, network, $($field: lists.list(stringify!($field))?,)* })
            }

            /// Reads every record of a head's lists without keeping any, and checks that subjects rise. Gives how many there are.
            pub(crate) fn check(cursor: &mut Cursor<'a>) -> Result<usize, ProfileError> {
                let _: (Name<T>, Origin<T>, Network<T>) =
                    (Name::read(cursor)?, Origin::read(cursor)?, Network::read(cursor)?);
                let mut records = 0;
                $(
                    let mut last = None;
                    let mut list = cursor.records(Located::<$clause, T>::SIZE, stringify!($field))?;
                    for _ in 0..list.count {
                        let start = list.cursor;
                        let said = Located::<$clause, T>::read(&mut list.cursor)?;
                        let subject = Some(Clause::<T>::$variant(said.clause).subject());
                        if last >= subject {
                            return start.fault(concat!("order of ", stringify!($field)));
                        }
                        last = subject;
                    }
                    records += list.count;
                )*
                Ok(records)
            }

            /// Writes a head; `list` takes the records of a list and says where they are.
            pub(crate) fn write(&self, out: &mut Writer<'_>, mut list: impl FnMut(Vec<u8>) -> usize) {
                Name { name: self.name.as_ref(), phase: self.phase, platform: self.platform }.write(out);
                self.origin.write(out);
                self.network.write(out);
                $(
                    let bytes = out.aside(|out| self.$field.iter().for_each(|said| said.write(out)));
                    out.size(if bytes.is_empty() { 0 } else { list(bytes) });
                    out.size(self.$field.len());
                )*
            }
        }
    };
}

pub(crate) use lists;

/// The bytes of one profile's head.
pub(crate) const HEAD: usize = Name::<&str>::SIZE + Origin::<&str>::SIZE + Network::<&str>::SIZE + LISTS * 8;

impl<T: Clone + Ord> Profile<T> {
    /// Every clause with its statement, in the order of their subjects. The mode of a network with a list is said by the list.
    pub fn clauses(&self) -> impl Iterator<Item = (Clause<T>, Option<&Origin<T>>)> {
        let mode = Clause::Network(self.network.mode);
        let mut mode =
            (self.network.mode != NetworkMode::Listed).then_some((mode, self.network.origin.as_ref()));
        let mut listed = self.listed().map(|(clause, origin)| (clause, Some(origin))).peekable();
        core::iter::from_fn(move || {
            let next_is_mode = mode.as_ref().is_some_and(|(mode, _)| {
                listed.peek().is_none_or(|(next, _)| next.subject() > mode.subject())
            });
            if next_is_mode { mode.take() } else { listed.next() }
        })
    }
}
