//! In: the clauses of one body. Out: a [`Layer`], in which each key stands once; and a [`State`], layers on top of each
//! other. Not here: which bodies there are and in which order they apply (`resolve.rs`).

use super::typed::{Clause, Key, Value};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::policy::profile::{
    EnvAction, EnvRule, GlobRule, HostRule, Limit, MachService, Network, NetworkMode, Origin, PathRule,
    Phase, Platform, Protect, Requirement, Resolved, SyscallRule,
};
use crate::source::{SourceMap, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What one body says.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    said: BTreeMap<Key, Clause>,
    unset: Vec<Clause>,
    overrides: BTreeSet<Key>,
}

impl Layer {
    /// Sorts clauses; reports what is said twice and what contradicts itself.
    pub fn new(clauses: Vec<Clause>, sink: &mut Diagnostics) -> Self {
        let mut layer = Self::default();
        for clause in clauses {
            if clause.value.is_none() {
                layer.unset.push(clause);
                continue;
            }
            if let Key::Host(allow, host, first, last) = &clause.key
                && let Some(other) = layer.said.get(&Key::Host(!allow, host.clone(), *first, *last))
            {
                contradiction(&clause, other, sink);
            }
            let Some(other) = layer.said.get(&clause.key) else {
                layer.said.insert(clause.key.clone(), clause);
                continue;
            };
            match (other.of_set, clause.of_set) {
                // What is written out is more specific than what a set brings along.
                (true, false) => {
                    layer.overrides.insert(clause.key.clone());
                    layer.said.insert(clause.key.clone(), clause);
                }
                (false, true) => {
                    layer.overrides.insert(clause.key);
                }
                (true, true) => {
                    if stricter(&clause, other) {
                        layer.said.insert(clause.key.clone(), clause);
                    }
                }
                (false, false) if clause.value != other.value => contradiction(&clause, other, sink),
                (false, false)
                    if clause.key == Key::Network
                        && clause.value == Some(Value::Network(NetworkMode::Listed)) => {}
                (false, false) => {
                    let same = clause.span == other.span;
                    sink.push(
                        Diagnostic::new(
                            Code::EP0611,
                            clause.span,
                            format!("{} is said twice", describe(&clause)),
                        )
                        .hint(if same { "the `let` lists it twice" } else { "take one of them away" })
                        .also(other.span, "the first time"),
                    );
                }
            }
        }
        layer
    }

    /// What the body says, by key.
    pub fn said(&self) -> impl Iterator<Item = &Clause> {
        self.said.values()
    }

    /// Whether something written out takes the place of what a set says.
    pub fn overrides(&self, key: &Key) -> bool {
        self.overrides.contains(key)
    }

    /// What it takes back.
    pub fn unset(&self) -> &[Clause] {
        &self.unset
    }
}

fn contradiction(clause: &Clause, other: &Clause, sink: &mut Diagnostics) {
    sink.error(
        Diagnostic::new(
            Code::EP0610,
            clause.span,
            format!("{} contradicts {}", describe(clause), describe(other)),
        )
        .also(other.span, "this is said in the same body")
        .hint("take one of them away; a child profile replaces what its parent says"),
    );
}

/// Of two clauses that sets bring for one key: whether the first is the stricter.
fn stricter(clause: &Clause, other: &Clause) -> bool {
    match (&clause.value, &other.value) {
        (Some(Value::Path(a)), Some(Value::Path(b))) => a < b,
        (Some(Value::Glob(a)), Some(Value::Glob(b))) => a < b,
        (Some(Value::Env(EnvAction::Deny)), Some(Value::Env(EnvAction::Pass))) => true,
        (Some(Value::Syscall(a)), Some(Value::Syscall(b))) => !a & b,
        (Some(Value::Protect(a)), Some(Value::Protect(b))) => a > b,
        _ => false,
    }
}

/// A clause as it would be written.
pub fn describe(clause: &Clause) -> String {
    let value = clause.value.as_ref().or(clause.was.as_ref());
    let text = match (&clause.key, value) {
        (Key::Path(place), Some(Value::Path(access))) => format!("{} {place}", access.as_str()),
        (Key::Path(place), _) => place.to_string(),
        (Key::Glob(place, pattern), value) => {
            let verb = if let Some(Value::Glob(access)) = value { access.as_str() } else { "" };
            format!("{verb} {}/{pattern}", place.to_string().trim_end_matches('/'))
        }
        (Key::Protect(name), _) => format!("protect {name}"),
        (Key::Network, Some(Value::Network(mode))) => format!("network {}", mode.as_str()),
        (Key::Network, _) => "network".to_owned(),
        (Key::Host(allow, host, first, last), _) => {
            let verb = if *allow { "allow" } else { "deny" };
            format!("network {verb} {}", host.spell(*first, *last))
        }
        (Key::Env(name), value) => match value {
            Some(Value::Env(EnvAction::Pass)) => format!("env pass {name}"),
            Some(Value::Env(EnvAction::Deny)) => format!("env deny {name}"),
            _ => format!("env set {name}"),
        },
        (Key::Limit(kind), Some(Value::Limit(value))) => format!("limit {} {value}", kind.as_str()),
        (Key::Limit(kind), _) => format!("limit {}", kind.as_str()),
        (Key::Syscall(name), value) => {
            let verb = if value == Some(&Value::Syscall(true)) { "allow" } else { "deny" };
            format!("syscalls {verb} {name}")
        }
        (Key::Feature(feature), Some(Value::Feature(stance))) => {
            format!("{} {}", stance.as_str(), feature.as_str())
        }
        (Key::Feature(feature), _) => feature.as_str().to_owned(),
        (Key::Mach(name), _) => format!("mach-lookup {name}"),
    };
    format!("`{}`", crate::diagnostic::text::shorten(text.trim_start()))
}

/// What layers on top of each other come to.
#[derive(Clone, Debug, Default)]
pub struct State {
    said: BTreeMap<Key, (Value, Span)>,
}

impl State {
    /// How much is said.
    #[must_use]
    pub fn len(&self) -> usize {
        self.said.len()
    }

    /// What is said about a key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.said.get(key).map(|(value, _)| value)
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.said.keys()
    }

    /// Puts a layer on top. `hits` collects the places of `unset` words that found something.
    pub fn apply(&mut self, layer: &Layer, hits: &mut BTreeSet<Span>) {
        for clause in &layer.unset {
            if self.take_back(clause) {
                hits.insert(clause.span);
            }
        }
        for clause in layer.said.values() {
            if let Some(value) = &clause.value {
                self.say(&clause.key, value, clause.span);
            }
        }
    }

    fn take_back(&mut self, clause: &Clause) -> bool {
        if clause.key == Key::Network {
            let before = self.said.len();
            self.said.retain(|key, _| !matches!(key, Key::Network | Key::Host(..)));
            return self.said.len() < before;
        }
        let found =
            self.said.get(&clause.key).is_some_and(|(value, _)| match (&clause.was, value, &clause.key) {
                (Some(_), _, Key::Protect(_)) | (None, Value::Limit(_), _) => true,
                (None, Value::Env(EnvAction::Set(_)), _) => true,
                (Some(was), value, _) => was == value,
                _ => false,
            });
        if found {
            self.said.remove(&clause.key);
            let list_left = self.said.keys().any(|key| matches!(key, Key::Host(true, ..)));
            if matches!(clause.key, Key::Host(true, ..))
                && !list_left
                && let Some((value, _)) = self.said.get_mut(&Key::Network)
                && *value == Value::Network(NetworkMode::Listed)
            {
                // The last destination is gone: an empty list is none, never any.
                *value = Value::Network(NetworkMode::Off);
            }
        }
        found
    }

    fn say(&mut self, key: &Key, value: &Value, span: Span) {
        match (key, value) {
            (Key::Network, Value::Network(NetworkMode::Off)) => {
                self.said.retain(|key, _| !matches!(key, Key::Host(..)));
            }
            (Key::Network, Value::Network(NetworkMode::Full)) => {
                self.said.retain(|key, _| !matches!(key, Key::Host(true, ..)));
            }
            (Key::Network, new) if self.get(&Key::Network) == Some(new) => return,
            // A child that allows what its parent denies (or the other way round) replaces that statement.
            (Key::Host(allow, host, first, last), _) => {
                self.said.remove(&Key::Host(!allow, host.clone(), *first, *last));
            }
            _ => {}
        }
        self.said.insert(key.clone(), (value.clone(), span));
    }

    /// The profile that this state is.
    #[must_use]
    pub fn finish(
        &self,
        name: &str,
        origin: Origin,
        phase: Phase,
        platform: Platform,
        sources: &SourceMap,
    ) -> Resolved {
        let network = Network { mode: NetworkMode::Off, origin: None, hosts: Vec::new() };
        let mut out = Resolved {
            name: name.to_owned(),
            phase,
            platform,
            origin,
            paths: Vec::new(),
            globs: Vec::new(),
            protects: Vec::new(),
            network,
            env: Vec::new(),
            limits: Vec::new(),
            syscalls: Vec::new(),
            features: Vec::new(),
            mach: Vec::new(),
        };
        for (key, (value, span)) in &self.said {
            let origin = Origin::of(sources, *span);
            match (key.clone(), value.clone()) {
                (Key::Path(place), Value::Path(access)) => out.paths.push(PathRule { place, access, origin }),
                (Key::Glob(place, pattern), Value::Glob(access)) => {
                    out.globs.push(GlobRule { place, pattern, access, origin });
                }
                (Key::Protect(name), Value::Protect(missing)) => {
                    out.protects.push(Protect { name, missing, origin })
                }
                (Key::Network, Value::Network(mode)) => {
                    out.network.mode = mode;
                    out.network.origin = Some(origin);
                }
                (Key::Host(allow, host, first_port, last_port), _) => {
                    out.network.hosts.push(HostRule { allow, host, first_port, last_port, origin });
                }
                (Key::Env(pattern), Value::Env(action)) => out.env.push(EnvRule { pattern, action, origin }),
                (Key::Limit(kind), Value::Limit(value)) => out.limits.push(Limit { kind, value, origin }),
                (Key::Syscall(name), Value::Syscall(false)) => {
                    out.syscalls.push(SyscallRule { name, origin })
                }
                (Key::Feature(feature), Value::Feature(stance)) => {
                    out.features.push(Requirement { feature, stance, origin });
                }
                (Key::Mach(name), Value::Mach) if platform == Platform::Macos => {
                    out.mach.push(MachService { name, origin });
                }
                _ => {}
            }
        }
        out
    }
}
