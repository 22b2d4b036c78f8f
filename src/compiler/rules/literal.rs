//! In: the syntax tree of a rule file. Out: its calls, if they are all written out (no evaluation
//! is needed then), and the places of arguments for those that were evaluated.
//! Not here: evaluation. What is not plainly literal is left to the evaluator; a test compares the two.

use super::record::{Argument, Builtin, Call, Node, Place, Value};
use starlark::syntax::AstModule;
use starlark_syntax::codemap::Span;
use starlark_syntax::lexer::TokenInt;
use starlark_syntax::syntax::ast::{
    ArgumentP, AstExpr, AstLiteral, AstNoPayload, AstStmt, BinOp, CallArgsP, ExprP, StmtP,
};
use std::collections::HashMap;

/// The calls of a file that consists of nothing but calls of built-in functions with literal
/// arguments (and docstrings); `None` if any statement is something else.
#[must_use]
pub fn calls(ast: &AstModule, module: u32, codex: bool) -> Option<Vec<Call>> {
    let mut calls = Vec::new();
    statement(ast.statement(), module, &mut calls)?;
    // What is not defined must be reported as such, which evaluation does.
    if codex && calls.iter().any(|call: &Call| !call.builtin.in_codex()) {
        return None;
    }
    Some(calls)
}

fn statement(stmt: &AstStmt, module: u32, calls: &mut Vec<Call>) -> Option<()> {
    match &stmt.node {
        StmtP::Statements(inner) => inner.iter().try_for_each(|stmt| statement(stmt, module, calls)),
        StmtP::Pass => Some(()),
        StmtP::Expression(expr) => match &expr.node {
            ExprP::Literal(AstLiteral::String(_)) => Some(()),
            ExprP::Call(function, arguments) => {
                let ExprP::Identifier(name) = &function.node else { return None };
                let builtin = Builtin::from_name(&name.node.ident)?;
                let arguments =
                    arguments.args.iter().map(|arg| argument(&arg.node, module)).collect::<Option<_>>()?;
                let place = place(expr.span, module);
                calls.push(Call { builtin, arguments, place, frames: Vec::new(), made_by_loaded: None });
                Some(())
            }
            _ => None,
        },
        _ => None,
    }
}

fn argument(argument: &ArgumentP<AstNoPayload>, module: u32) -> Option<Argument> {
    match argument {
        ArgumentP::Positional(expr) => {
            Some(Argument { name: None, name_place: None, node: literal(expr, module)? })
        }
        ArgumentP::Named(name, expr) => Some(Argument {
            name: Some(name.node.clone()),
            name_place: Some(place(name.span, module)),
            node: literal(expr, module)?,
        }),
        ArgumentP::Args(_) | ArgumentP::KwArgs(_) => None,
    }
}

fn literal(expr: &AstExpr, module: u32) -> Option<Node> {
    let value = match &expr.node {
        ExprP::Literal(AstLiteral::String(text)) => Value::Str(text.node.clone()),
        ExprP::Literal(AstLiteral::Int(_)) => Value::Other("int".to_owned()),
        ExprP::List(items) => {
            Value::List(items.iter().map(|item| literal(item, module)).collect::<Option<_>>()?)
        }
        ExprP::Identifier(name) => match name.node.ident.as_str() {
            "None" => Value::Other("NoneType".to_owned()),
            "True" | "False" => Value::Other("bool".to_owned()),
            _ => return None,
        },
        _ => return None,
    };
    Some(Node { value, place: Some(place(expr.span, module)) })
}

fn place(span: Span, module: u32) -> Place {
    Place { module, start: span.begin().get(), end: span.end().get() }
}

/// The call expressions of one file by their place.
#[derive(Debug, Default)]
pub struct CallIndex<'a> {
    by_place: HashMap<(u32, u32), &'a CallArgsP<AstNoPayload>>,
}

impl<'a> CallIndex<'a> {
    /// Finds every call expression of a file.
    #[must_use]
    pub fn new(ast: &'a AstModule) -> Self {
        let mut index = Self::default();
        ast.statement().visit_expr(|expr| index.visit(expr));
        index
    }

    fn visit(&mut self, expr: &'a AstExpr) {
        if let ExprP::Call(_, arguments) = &expr.node {
            self.by_place.insert((expr.span.begin().get(), expr.span.end().get()), arguments);
        }
        expr.visit_expr(|expr| self.visit(expr));
    }

    /// Gives the arguments of an evaluated call the places of the expressions they came from, and
    /// the strings and lists among them the places of their parts where those are literal.
    pub fn locate(&self, call: &mut Call) {
        let Some(written) = self.by_place.get(&(call.place.start, call.place.end)) else { return };
        let module = call.place.module;
        let mut positional = written.args.iter().filter_map(|arg| match &arg.node {
            ArgumentP::Positional(expr) => Some(expr),
            _ => None,
        });
        for argument in &mut call.arguments {
            let expr = match &argument.name {
                None => positional.next(),
                Some(name) => written.args.iter().find_map(|arg| match &arg.node {
                    ArgumentP::Named(written, expr) if written.node == *name => {
                        argument.name_place = Some(place(written.span, module));
                        Some(expr)
                    }
                    _ => None,
                }),
            };
            if let Some(expr) = expr {
                locate(&mut argument.node, expr, module);
            }
        }
    }
}

/// Numbers from here on make an expression suspect of asking for too much.
const HUGE: u64 = 100_000;

/// Expressions that could take too much memory or time in one step: products, shifts and calls of
/// natives with a huge number in them, outermost first. Starlark works constant ones out before
/// any statement runs, so that no trace shows them.
#[must_use]
pub fn suspects(ast: &AstModule, module: u32) -> Vec<Place> {
    fn huge(expr: &AstExpr) -> bool {
        let mut found = matches!(&expr.node, ExprP::Literal(AstLiteral::Int(number)) if match &number.node {
            TokenInt::I32(small) => u64::from(small.unsigned_abs()) >= HUGE,
            TokenInt::BigInt(_) => true,
        });
        expr.visit_expr(|expr| found |= huge(expr));
        found
    }
    fn visit(expr: &AstExpr, module: u32, found: &mut Vec<Place>) {
        let natives =
            matches!(&expr.node, ExprP::Call(_, _) | ExprP::Op(_, BinOp::Multiply | BinOp::LeftShift, _));
        if natives && huge(expr) {
            found.push(place(expr.span, module));
        } else {
            expr.visit_expr(|expr| visit(expr, module, found));
        }
    }
    let mut found = Vec::new();
    ast.statement().visit_expr(|expr| visit(expr, module, &mut found));
    found.sort_unstable();
    found
}

fn locate(node: &mut Node, expr: &AstExpr, module: u32) {
    node.place = Some(place(expr.span, module));
    if let (Value::List(items), ExprP::List(written)) = (&mut node.value, &expr.node)
        && items.len() == written.len()
    {
        for (item, expr) in items.iter_mut().zip(written) {
            locate(item, expr, module);
        }
    }
}
