//! In: a [`Request`]. Out: its [`Outcome`], by the Starlark evaluator, in this process.
//! Not here: bounds that natives cannot escape (`"a" * n` allocates in one step); for those the
//! CLI runs this very code in a child process with resource limits (`cli/evaluator.rs`).

use super::dialect::{DIALECT, globals};
use super::limits::{MAX_HEAP, MAX_STEPS};
use super::record::{Call, EvalError, EvalErrorKind, Evaluate, Frame, Outcome, Place, Request};
use starlark::codemap::FileSpan;
use starlark::environment::{FrozenModule, Module};
use starlark::eval::{BeforeStmtFunc, BeforeStmtFuncDyn, CallStack, Evaluator, FileLoader};
use starlark::syntax::AstModule;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Told the place of each statement before it runs, so that somebody outside can say where an
/// evaluation was when its process was ended.
pub type Trace = fn(Place);

/// The evaluator in this process: steps, recursion and the Starlark heap are bounded, single
/// natives are not.
#[derive(Clone, Copy, Debug, Default)]
pub struct InProcess;

impl Evaluate for InProcess {
    fn evaluate(&self, request: Request) -> Outcome {
        evaluate(&request, None)
    }
}

thread_local! {
    /// The recorder of the evaluation that runs on this thread. Starlark has a slot of its own for
    /// this (`Evaluator::extra`), but a type must implement an unsafe trait to go there.
    static RECORDER: RefCell<Recorder> = RefCell::default();
}

/// Gives the built-in functions the recorder of the evaluation they run in.
pub(super) fn with_recorder<T>(f: impl FnOnce(&Recorder) -> T) -> T {
    RECORDER.with_borrow(f)
}

/// What the built-in functions write their calls into.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    names: BTreeMap<String, u32>,
    loaded: Option<u32>,
    calls: RefCell<Vec<Call>>,
    /// The statement that runs: the place of an error that has none of its own (limits).
    last: Cell<Option<Place>>,
}

impl Recorder {
    pub(super) fn place(&self, span: &FileSpan) -> Option<Place> {
        self.in_module(span.filename(), span.span)
    }

    fn in_module(&self, name: &str, span: starlark::codemap::Span) -> Option<Place> {
        let module = *self.names.get(name)?;
        Some(Place { module, start: span.begin().get(), end: span.end().get() })
    }

    /// The user's functions around a place, innermost first; `skip` frames are left out.
    pub(super) fn frames(&self, stack: CallStack, skip: usize) -> Vec<Frame> {
        let frames = stack.into_frames();
        let mut frames: Vec<Frame> = frames
            .iter()
            .rev()
            .skip(skip)
            .map(|frame| Frame {
                name: frame.name.clone(),
                place: frame.location.as_ref().and_then(|span| self.place(span)),
            })
            .collect();
        frames.truncate(8);
        frames
    }

    pub(super) fn record(&self, mut call: Call) {
        call.made_by_loaded = self.loaded;
        self.calls.borrow_mut().push(call);
    }
}

struct Tracer(Option<Trace>);

impl<'e> BeforeStmtFuncDyn<'e> for Tracer {
    fn call<'v>(
        &mut self,
        span: starlark::codemap::FileSpanRef,
        _continued: bool,
        _eval: &mut Evaluator<'v, '_, 'e>,
    ) -> starlark::Result<()> {
        let place = with_recorder(|recorder| {
            let place = recorder.in_module(span.file.filename(), span.span);
            recorder.last.set(place);
            place
        });
        if let (Some(trace), Some(place)) = (self.0, place) {
            trace(place);
        }
        Ok(())
    }
}

struct Loads<'a> {
    of_module: &'a [(String, u32)],
    frozen: &'a [Option<FrozenModule>],
}

impl FileLoader for Loads<'_> {
    fn load(&self, path: &str) -> starlark::Result<FrozenModule> {
        let known = self.of_module.iter().find(|(name, _)| name == path);
        known.and_then(|(_, module)| self.frozen.get(*module as usize)?.clone()).ok_or_else(|| {
            starlark::Error::new_other(std::io::Error::other(format!("`{path}` was not loaded")))
        })
    }
}

/// Runs every module of a request in order and records the calls they make.
pub fn evaluate(request: &Request, trace: Option<Trace>) -> Outcome {
    let names: BTreeMap<String, u32> =
        request.modules.iter().zip(0u32..).map(|(module, at)| (module.name.clone(), at)).collect();
    let globals = globals(request.codex);
    let mut frozen: Vec<Option<FrozenModule>> = Vec::new();
    let mut outcome = Outcome::default();
    let last = request.modules.len().saturating_sub(1);
    for (at, module) in request.modules.iter().enumerate() {
        let loaded = (at != last).then_some(u32::try_from(at).unwrap_or(u32::MAX));
        RECORDER.set(Recorder { names: names.clone(), loaded, ..Recorder::default() });
        let loads = Loads { of_module: &module.loads, frozen: &frozen };
        let result = AstModule::parse(&module.name, module.text.clone(), &DIALECT).and_then(|ast| {
            Module::with_temp_heap(|env| {
                let result = {
                    let mut evaluator = Evaluator::new(&env);
                    evaluator.set_loader(&loads);
                    limit(&mut evaluator).map_err(starlark::Error::new_other)?;
                    evaluator.before_stmt_for_dap(BeforeStmtFunc::from_dyn(Box::new(Tracer(trace))));
                    evaluator.eval_module(ast, &globals).map(|_| ())
                };
                result?;
                env.freeze().map_err(|error| starlark::Error::new_other(std::io::Error::other(error.err_msg)))
            })
        });
        let recorder = RECORDER.take();
        outcome.calls.append(&mut recorder.calls.borrow_mut());
        match result {
            Ok(module) => frozen.push(Some(module)),
            Err(error) => {
                outcome.error = Some(describe(&error, &recorder));
                return outcome;
            }
        }
    }
    outcome
}

fn limit(evaluator: &mut Evaluator<'_, '_, '_>) -> Result<(), std::io::Error> {
    evaluator.set_max_tick_count(MAX_STEPS).map_err(std::io::Error::other)?;
    evaluator.set_max_heap_size(MAX_HEAP).map_err(std::io::Error::other)
}

fn describe(error: &starlark::Error, recorder: &Recorder) -> EvalError {
    use starlark::ErrorKind;
    let message = error.without_diagnostic().to_string();
    let limit = message.to_ascii_lowercase();
    let kind = match error.kind() {
        ErrorKind::StackOverflow(_) => EvalErrorKind::Depth,
        ErrorKind::Scope(_) => EvalErrorKind::Name,
        ErrorKind::Parser(_) => EvalErrorKind::Syntax,
        _ if limit.contains("tick") && limit.contains("limit") => EvalErrorKind::Steps,
        _ if limit.contains("heap") && limit.contains("limit") => EvalErrorKind::Memory,
        _ => EvalErrorKind::Other,
    };
    let place = error.span().and_then(|span| recorder.place(span)).or(recorder.last.get());
    EvalError { kind, message, place, frames: recorder.frames(error.call_stack().clone(), 0) }
}
