//! Front end one: rule files (Starlark) to a [`Policy`].
//!
//! In: names of sources, a [`Loader`], an evaluator. Out: what they say, and every fault of every
//! file in one run (one syntax error for each file). Not here: whether the rules make sense.

pub mod bind;
pub mod dialect;
pub mod evaluate;
pub mod limits;
pub mod literal;
pub mod record;
pub mod scan;
pub mod syntax;

use crate::diagnostic::text::list;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Loaded};
use crate::loader::{LoadFault, Loader, join};
use crate::policy::Policy;
use crate::read;
use crate::source::{SourceId, SourceMap, Span};
use crate::stdlib::WithLibrary;
use bind::Binder;
use record::{Call, EvalError, EvalErrorKind, Evaluate, Module, Place, Request};
use starlark::syntax::AstModule;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How a set of rule files is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only what Codex has: no `load`.
    pub codex: bool,
}

/// Reads rule files, in order, into one policy.
///
/// Faults go to `diagnostics`; the policy then holds what could be read, and [`Loaded`] that it is not all: `check` lets no
/// such policy through.
pub fn load(
    names: &[String],
    loader: &dyn Loader,
    evaluator: &dyn Evaluate,
    options: Options,
    sources: &mut SourceMap,
    diagnostics: &mut Diagnostics,
) -> Loaded<Policy> {
    let loader = WithLibrary(loader);
    let mut reader =
        Reader { loader, options, sources, diagnostics: &mut *diagnostics, files: BTreeMap::new() };
    let mut policy = Policy::default();
    for name in names {
        let first = policy.rules.len();
        if let Some(file) = reader.file(name, None) {
            reader.run(&file, evaluator, &mut policy);
        }
        let hosts = policy.hosts.len();
        for rule in &mut policy.rules[first..] {
            rule.hosts_known = hosts;
        }
    }
    Loaded::new(policy, diagnostics)
}

/// One parsed file. Not kept: its syntax tree, which is made again where it is needed.
#[derive(Clone, Debug)]
struct File {
    source: SourceId,
    /// Its calls, if they are all written out, so that nothing needs to be evaluated.
    written_out: Option<Rc<[Call]>>,
    /// Each `load`: the path as written, where, and the name it stands for.
    loads: Vec<(String, Span, String)>,
    /// A `load` was refused: the file cannot be evaluated.
    refused: bool,
}

struct Reader<'a> {
    loader: WithLibrary<'a>,
    options: Options,
    sources: &'a mut SourceMap,
    diagnostics: &'a mut Diagnostics,
    /// Every file that was read; `None` if it is faulty, which has been reported.
    files: BTreeMap<String, Option<File>>,
}

impl Reader<'_> {
    /// Reads and parses a file once. `asked` is the `load` that wants it.
    fn file(&mut self, name: &str, asked: Option<Span>) -> Option<File> {
        if let Some(known) = self.files.get(name) {
            return known.clone();
        }
        let file = self.parse(name, asked);
        self.files.insert(name.to_owned(), file.clone());
        file
    }

    fn parse(&mut self, name: &str, asked: Option<Span>) -> Option<File> {
        let source = match read::source(name, asked, &self.loader, self.sources) {
            Ok(source) => source,
            Err(diagnostic) => {
                self.diagnostics.error(*diagnostic);
                return None;
            }
        };
        match syntax::parse(self.sources, source) {
            Ok(ast) => {
                let loads = self.loads(name, source, &ast);
                let refused = loads.len() < ast.loads().len();
                Some(File {
                    source,
                    written_out: literal::calls(&ast, 0, self.options.codex).map(Rc::from),
                    refused,
                    loads,
                })
            }
            Err(diagnostic) => {
                self.diagnostics.error(*diagnostic);
                None
            }
        }
    }

    fn loads(&mut self, name: &str, source: SourceId, ast: &AstModule) -> Vec<(String, Span, String)> {
        let mut loads = Vec::new();
        for load in ast.loads() {
            let span =
                Span::new(source, load.span.span.begin().get() as usize..load.span.span.end().get() as usize);
            if self.options.codex {
                let fault = Diagnostic::new(Code::EP0119, span, "`load` is not available with `--codex`")
                    .hint("write the values into this file, or check it without `--codex`");
                self.diagnostics.error(fault);
                continue;
            }
            match join(name, load.module_id) {
                Ok(target) => loads.push((load.module_id.to_owned(), span, target)),
                Err(LoadFault::OutsideRoot(how)) => {
                    let fault = Diagnostic::new(
                        Code::EP0114,
                        span,
                        format!("`{}` is outside the policy root: {how}", load.module_id),
                    )
                    .hint("a rule file may load files below the policy root, and `@stdlib//…`");
                    self.diagnostics.error(fault);
                }
                Err(fault) => {
                    let (name, at) = (load.module_id, Some(span));
                    self.diagnostics.error(read::unreadable(name, name, &fault, at, &self.loader));
                }
            }
        }
        loads
    }

    /// The calls of one file, by evaluation unless they are written out.
    fn run(&mut self, file: &File, evaluator: &dyn Evaluate, policy: &mut Policy) {
        if file.refused {
            return;
        }
        if let Some(calls) = &file.written_out {
            let mut binder = Binder {
                sources: &[file.source],
                policy,
                diagnostics: self.diagnostics,
                codex: self.options.codex,
            };
            calls.iter().for_each(|call| binder.bind(call));
            return;
        }
        let mut modules = Vec::new();
        if !self.closure(file, &mut Vec::new(), &mut modules) {
            return;
        }
        let outcome = evaluator.evaluate(self.request(&modules));
        let mut calls = outcome.calls;
        self.locate(&modules, &mut calls);
        for call in &calls {
            match call.made_by_loaded {
                Some(loaded) => self.loaded_rule(&modules, loaded, call),
                None => Binder {
                    sources: &modules,
                    policy,
                    diagnostics: self.diagnostics,
                    codex: self.options.codex,
                }
                .bind(call),
            }
        }
        if let Some(error) = outcome.error {
            let diagnostic = self.failed(&modules, &error);
            self.diagnostics.error(diagnostic);
        }
    }

    /// Every file needed to evaluate one, loaded ones first. False if something is missing or the
    /// files load each other in a circle; that has been reported.
    fn closure(&mut self, file: &File, path: &mut Vec<SourceId>, order: &mut Vec<SourceId>) -> bool {
        path.push(file.source);
        let mut complete = !file.refused;
        for (_, span, target) in &file.loads {
            let Some(loaded) = self.file(target, Some(*span)) else {
                complete = false;
                continue;
            };
            if let Some(from) = path.iter().position(|source| *source == loaded.source) {
                let names: Vec<String> = path[from..]
                    .iter()
                    .map(|source| self.sources.get(*source).display().to_owned())
                    .collect();
                let message = match &names[..] {
                    [alone] => format!("`{alone}` loads itself"),
                    [first, through @ ..] => format!("`{first}` loads itself through {}", list(through)),
                    [] => String::new(),
                };
                let fault = Diagnostic::new(Code::EP0115, *span, message)
                    .label(if names.len() == 1 {
                        "it is this very file".to_owned()
                    } else {
                        format!("the circle: {} → {}", names.join(" → "), names[0])
                    })
                    .hint("move what both need into a third file");
                self.diagnostics.error(fault);
                complete = false;
            } else if !order.contains(&loaded.source) {
                if path.len() >= limits::MAX_LOADS {
                    let fault = Diagnostic::new(
                        Code::EP0111,
                        *span,
                        format!("files load each other more than {} deep", limits::MAX_LOADS),
                    );
                    self.diagnostics.error(fault);
                    complete = false;
                } else {
                    complete &= self.closure(&loaded, path, order);
                }
            }
        }
        path.pop();
        order.push(file.source);
        complete
    }

    fn request(&self, modules: &[SourceId]) -> Request {
        let number = |name: &str| {
            let file = self.files.get(name).and_then(Option::as_ref)?;
            let at = modules.iter().position(|source| *source == file.source)?;
            u32::try_from(at).ok()
        };
        let modules = modules.iter().map(|source| {
            let source = self.sources.get(*source);
            let loads =
                self.files.get(source.name()).and_then(Option::as_ref).map_or(&[][..], |file| &file.loads);
            let loads =
                loads.iter().filter_map(|(path, _, target)| Some((path.clone(), number(target)?))).collect();
            Module { name: source.name().to_owned(), text: source.text().to_owned(), loads }
        });
        Request { modules: modules.collect(), codex: self.options.codex }
    }

    fn locate(&self, modules: &[SourceId], calls: &mut [Call]) {
        for (at, source) in modules.iter().enumerate() {
            let here = |call: &&mut Call| call.place.module as usize == at;
            if calls.iter_mut().any(|call| here(&call))
                && let Ok(ast) = syntax::parse(self.sources, *source)
            {
                let index = literal::CallIndex::new(&ast);
                calls.iter_mut().filter(here).for_each(|call| index.locate(call));
            }
        }
    }

    fn loaded_rule(&mut self, modules: &[SourceId], loaded: u32, call: &Call) {
        let file = self.sources.get(modules[loaded as usize]).display().to_owned();
        let at = spanned(modules, call.place);
        let fault = Diagnostic::new(Code::EP0116, at, format!("`{file}` is loaded, but makes rules itself"))
            .label(format!("this `{}` runs when the file is loaded", call.builtin.name()))
            .hint("put the call into a function that the loading file calls: `def rules(): …`")
            .hint("or name the file as a source of its own, and do not load it");
        self.diagnostics.error(fault);
    }

    /// The expression that probably asked for too much: one in the statement that ran last, or the
    /// first one after it, which was being worked out in advance.
    fn suspect(&self, modules: &[SourceId], last: Option<Place>) -> Option<Place> {
        let mut suspects = Vec::new();
        for (module, source) in (0u32..).zip(modules) {
            if let Ok(ast) = syntax::parse(self.sources, *source) {
                suspects.extend(literal::suspects(&ast, module));
            }
        }
        let Some(last) = last else { return suspects.first().copied() };
        let inside = |place: &&Place| {
            place.module == last.module && last.start <= place.start && place.end <= last.end
        };
        suspects.iter().find(inside).or_else(|| suspects.iter().find(|place| **place > last)).copied()
    }

    fn failed(&self, modules: &[SourceId], error: &EvalError) -> Diagnostic {
        let evaluated = modules[modules.len() - 1];
        let bounds = matches!(error.kind, EvalErrorKind::Memory | EvalErrorKind::Time);
        let place = if bounds { self.suspect(modules, error.place).or(error.place) } else { error.place };
        let at = place.map_or(Span::new(evaluated, 0..0), |place| spanned(modules, place));
        let mut diagnostic = syntax::evaluation_fault(error, at);
        if error.kind != EvalErrorKind::Name {
            for frame in &error.frames {
                // The frame that holds the fault is the fault's own place.
                if let Some(place) =
                    frame.place.map(|place| spanned(modules, place)).filter(|place| !place.contains(at))
                {
                    diagnostic = diagnostic.via(place, format!("`{}` was called here", frame.name));
                }
            }
        }
        diagnostic
    }
}

fn spanned(modules: &[SourceId], place: Place) -> Span {
    Span::new(modules[place.module as usize], place.start as usize..place.end as usize)
}
