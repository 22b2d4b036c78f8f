//! In: nothing. Out: which Starlark rule files are written in: the dialect and the global names.
//! Not here: limits (`evaluate.rs`). The only file with `#[starlark_module]`.

use super::evaluate::with_recorder;
use super::record::{Argument, Builtin, Call, Node, Value};
use starlark::environment::{Globals, GlobalsBuilder};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::syntax::{Dialect, DialectTypes};
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::none::NoneType;
use starlark::values::tuple::UnpackTuple;

/// Codex's dialect: Extended, type annotations, f-strings.
pub const DIALECT: Dialect = Dialect {
    enable_def: true,
    enable_lambda: true,
    enable_load: true,
    enable_keyword_only_arguments: true,
    enable_positional_only_arguments: false,
    enable_types: DialectTypes::Enable,
    enable_load_reexport: true,
    enable_top_level_stmt: true,
    enable_f_strings: true,
    ..Dialect::Extended
};

/// The names every rule file sees: Starlark's standard ones and the [`Builtin`]s, or those of them
/// that Codex has.
#[must_use]
pub fn globals(codex: bool) -> Globals {
    let common = GlobalsBuilder::standard().with(builtins);
    if codex { common.build() } else { common.with(additions).build() }
}

#[starlark_module]
fn additions(builder: &mut GlobalsBuilder) {
    fn sandbox_rule<'v>(
        #[starlark(args)] args: UnpackTuple<starlark::values::Value<'v>>,
        #[starlark(kwargs)] kwargs: DictRef<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        record(Builtin::SandboxRule, args, &kwargs, eval)
    }
}

#[starlark_module]
fn builtins(builder: &mut GlobalsBuilder) {
    fn prefix_rule<'v>(
        #[starlark(args)] args: UnpackTuple<starlark::values::Value<'v>>,
        #[starlark(kwargs)] kwargs: DictRef<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        record(Builtin::PrefixRule, args, &kwargs, eval)
    }

    fn host_executable<'v>(
        #[starlark(args)] args: UnpackTuple<starlark::values::Value<'v>>,
        #[starlark(kwargs)] kwargs: DictRef<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        record(Builtin::HostExecutable, args, &kwargs, eval)
    }

    fn network_rule<'v>(
        #[starlark(args)] args: UnpackTuple<starlark::values::Value<'v>>,
        #[starlark(kwargs)] kwargs: DictRef<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        record(Builtin::NetworkRule, args, &kwargs, eval)
    }
}

/// Keeps a call as it was made. Nothing is judged here: a faulty rule must not hide the next one.
fn record<'v>(
    builtin: Builtin,
    args: UnpackTuple<starlark::values::Value<'v>>,
    kwargs: &DictRef<'v>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<NoneType> {
    let positional = args.items.into_iter().map(|value| (None, value));
    let named = kwargs.iter().map(|(name, value)| (name.unpack_str().map(str::to_owned), value));
    let arguments = positional
        .chain(named)
        .map(|(name, value)| Argument { name, name_place: None, node: plain(value, 0) })
        .collect();
    let stack = eval.call_stack();
    let span = eval.call_stack_top_location();
    with_recorder(|recorder| {
        let place = span.and_then(|span| recorder.place(&span)).ok_or_else(|| {
            starlark::Error::new_other(std::io::Error::other("a rule was called from nowhere"))
        })?;
        let frames = recorder.frames(stack, 1);
        recorder.record(Call { builtin, arguments, place, frames, made_by_loaded: None });
        Ok(NoneType)
    })
}

/// A Starlark value as plain data. Rules nest lists two deep; deeper ones are only named.
fn plain(value: starlark::values::Value<'_>, depth: usize) -> Node {
    let plain_value = if let Some(text) = value.unpack_str() {
        Value::Str(text.to_owned())
    } else if let Some(list) = ListRef::from_value(value).filter(|_| depth < 3) {
        Value::List(list.iter().map(|item| plain(item, depth + 1)).collect())
    } else {
        Value::Other(value.get_type().to_owned())
    };
    Node { value: plain_value, place: None }
}
