//! In: assignments, definitions, branches. Out: what is known about a shell at a point of its script.
//! Not here: the walk that asks (`walk.rs`).

use super::variables::{is_dynamic, is_safe};
use crate::syntax::ast::Command;
use crate::value::argv::Item;
use crate::value::words::WordSet;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(WordSet),
    List(Vec<Item>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub value: Value,
    /// Read-only, an integer, a reference …: an assignment does not simply set it.
    pub wild: bool,
}

/// The bodies that a function's name can have.
#[derive(Clone, Debug)]
pub struct Function {
    pub bodies: Vec<Rc<Command>>,
    /// Whether it is surely defined, so that no program of the name runs.
    pub surely: bool,
}

/// A variable that is not in the map, and a parameter list that is `None`, can be anything.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub variables: Rc<BTreeMap<Vec<u8>, Variable>>,
    pub functions: Rc<BTreeMap<Vec<u8>, Function>>,
    pub aliases: Rc<BTreeSet<Vec<u8>>>,
    /// Some alias with an unknown name was made.
    pub any_alias: bool,
    pub positional: Option<Rc<Vec<Item>>>,
    pub cwd: Option<Rc<Vec<u8>>>,
    /// A variable off the safe list was set.
    pub changed: bool,
    /// IFS may be another than blank, tab, newline.
    pub ifs_changed: bool,
    /// More variables than are kept: from now on every one can be anything.
    pub full: bool,
}

/// How many variables are kept. Copies of a state share the map until one of them changes, so its
/// size is what a branch can cost.
const MOST_VARIABLES: usize = 256;

impl State {
    /// The value of a variable.
    pub fn get(&self, name: &[u8]) -> Option<Value> {
        if self.full || is_dynamic(name) {
            return None;
        }
        if name == b"IFS" {
            return (!self.ifs_changed).then(|| Value::Text(WordSet::Known(b" \t\n".to_vec())));
        }
        self.variables.get(name).map(|variable| variable.value.clone())
    }

    /// Sets a variable; `None` is an unknown value.
    pub fn set(&mut self, name: &[u8], value: Option<Value>, exported: bool) {
        self.changed |= !is_safe(name, exported);
        if name == b"IFS" {
            let default = Value::Text(WordSet::Known(b" \t\n".to_vec()));
            self.ifs_changed |= value.as_ref() != Some(&default);
            return;
        }
        if !self.has_room(name) {
            return;
        }
        let wild = self.variables.get(name).is_some_and(|variable| variable.wild);
        let variables = Rc::make_mut(&mut self.variables);
        if wild {
            variables.insert(name.to_vec(), Variable { value: Value::Text(WordSet::anything()), wild: true });
            return;
        }
        match value {
            Some(value) => {
                variables.insert(name.to_vec(), Variable { value, wild: false });
            }
            None => {
                variables.remove(name);
            }
        }
    }

    /// Whether the map takes this name; if not, nothing is known about any variable any more.
    fn has_room(&mut self, name: &[u8]) -> bool {
        if self.variables.len() >= MOST_VARIABLES && !self.variables.contains_key(name) {
            self.full = true;
            self.variables = Rc::default();
        }
        !self.full
    }

    /// From now on the variable can be anything, whatever is assigned.
    pub fn make_wild(&mut self, name: &[u8]) {
        if self.has_room(name) {
            Rc::make_mut(&mut self.variables).insert(name.to_vec(), wild());
        }
    }

    /// Code that was not read has run in this shell.
    pub fn forget(&mut self) {
        // What was read-only or an alias of another variable still is; the rest is unknown by absence.
        Rc::make_mut(&mut self.variables).retain(|_, variable| variable.wild);
        self.positional = None;
        self.cwd = None;
        self.changed = true;
        self.ifs_changed = true;
        for function in Rc::make_mut(&mut self.functions).values_mut() {
            function.surely = false;
        }
    }

    /// Makes this what is known if the shell is in either state. `coarse` makes it come to an end when
    /// it is repeated.
    pub fn join(&mut self, other: &Self, coarse: bool) {
        if !Rc::ptr_eq(&self.variables, &other.variables) {
            let mut joined = BTreeMap::new();
            for (name, mine) in self.variables.iter() {
                let Some(theirs) = other.variables.get(name) else {
                    if mine.wild {
                        joined.insert(name.clone(), wild());
                    }
                    continue;
                };
                let value = match (&mine.value, &theirs.value) {
                    (mine, theirs) if mine == theirs => mine.clone(),
                    (Value::Text(mine), Value::Text(theirs)) => {
                        Value::Text(if coarse { mine.widen(theirs) } else { mine.union(theirs) })
                    }
                    _ if mine.wild || theirs.wild => Value::Text(WordSet::anything()),
                    _ => continue,
                };
                joined.insert(name.clone(), Variable { value, wild: mine.wild || theirs.wild });
            }
            for (name, _) in other.variables.iter().filter(|(_, theirs)| theirs.wild) {
                joined.insert(name.clone(), wild());
            }
            self.variables = Rc::new(joined);
        }
        if !Rc::ptr_eq(&self.functions, &other.functions) {
            let mine = Rc::make_mut(&mut self.functions);
            for (name, function) in mine.iter_mut() {
                function.surely &= other.functions.get(name).is_some_and(|theirs| theirs.surely);
            }
            for (name, theirs) in other.functions.iter() {
                match mine.get_mut(name) {
                    Some(function) => {
                        for body in &theirs.bodies {
                            if !function.bodies.iter().any(|known| Rc::ptr_eq(known, body)) {
                                function.bodies.push(Rc::clone(body));
                            }
                        }
                    }
                    None => {
                        mine.insert(name.clone(), Function { bodies: theirs.bodies.clone(), surely: false });
                    }
                }
            }
        }
        if !other.aliases.is_subset(&self.aliases) {
            let mine = Rc::make_mut(&mut self.aliases);
            mine.extend(other.aliases.iter().cloned());
        }
        if self.positional != other.positional {
            self.positional = None;
        }
        if self.cwd != other.cwd {
            self.cwd = None;
        }
        self.any_alias |= other.any_alias;
        self.full |= other.full;
        self.changed |= other.changed;
        self.ifs_changed |= other.ifs_changed;
    }

    /// Whether nothing more is learnt by joining again.
    pub fn same(&self, other: &Self) -> bool {
        self.variables == other.variables
            && self.positional == other.positional
            && self.cwd == other.cwd
            && (self.changed, self.ifs_changed, self.any_alias, self.full)
                == (other.changed, other.ifs_changed, other.any_alias, other.full)
            && self.aliases.len() == other.aliases.len()
            && self.functions.len() == other.functions.len()
            && self.functions.iter().all(|(name, mine)| {
                other.functions.get(name).is_some_and(|theirs| {
                    mine.surely == theirs.surely && mine.bodies.len() == theirs.bodies.len()
                })
            })
    }
}

fn wild() -> Variable {
    Variable { value: Value::Text(WordSet::anything()), wild: true }
}
