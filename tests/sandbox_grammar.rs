//! In: `grammar/sandbox.ebnf`. Out: a failure where it and the parser disagree; and where the front end needs more than bounded
//! time and stack. Not here: what statements mean.

use crate::harness::Watchdog;
use crate::random::Random;
use execpolicy_compiler::diagnostic::{Code, Diagnostics};
use execpolicy_compiler::sandbox;
use execpolicy_compiler::sandbox::token::Token;
use execpolicy_compiler::source::SourceMap;
use execpolicy_profile::keywords;
use std::collections::{BTreeMap, BTreeSet};

const GRAMMAR: &str = include_str!("../grammar/sandbox.ebnf");

/// The right side of a production.
#[derive(Clone, Debug)]
enum Rule {
    Terminal(String),
    Name(String),
    Special,
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Many(Box<Rule>),
    Maybe(Box<Rule>),
}

struct Production {
    example: String,
    rule: Rule,
}

/// Reads the notation: enough of ISO 14977 for one file.
fn productions() -> BTreeMap<String, Production> {
    let mut out = BTreeMap::new();
    let mut rest = GRAMMAR;
    let mut example = None;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return out;
        }
        if let Some(comment) = rest.strip_prefix("(*") {
            let (comment, after) = comment.split_once("*)").expect("a comment that ends");
            example = comment.trim().strip_prefix("example:").map(|text| text.trim().to_owned());
            rest = after;
            continue;
        }
        let (name, after) = rest.split_once('=').expect("a production");
        let (tokens, after) = words(after);
        rest = after;
        let mut at = 0;
        let rule = alternatives(&tokens, &mut at);
        assert_eq!(at, tokens.len(), "{name}");
        let example = example.take().unwrap_or_else(|| panic!("`{name}` has no example"));
        let before = out.insert(name.trim().to_owned(), Production { example, rule });
        assert!(before.is_none(), "`{name}` is there twice");
    }
}

/// The tokens of the notation up to the `;` that ends a production.
fn words(mut text: &str) -> (Vec<String>, &str) {
    let mut out = Vec::new();
    loop {
        text = text.trim_start();
        let first = text.chars().next().expect("a `;` at the end");
        let length = match first {
            ';' => return (out, &text[1..]),
            '"' | '?' => text[1..].find(first).expect("an end") + 2,
            c if c.is_alphabetic() => {
                text.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(text.len())
            }
            c => c.len_utf8(),
        };
        out.push(text[..length].to_owned());
        text = &text[length..];
    }
}

fn alternatives(tokens: &[String], at: &mut usize) -> Rule {
    let mut out = vec![sequence(tokens, at)];
    while tokens.get(*at).is_some_and(|t| t == "|") {
        *at += 1;
        out.push(sequence(tokens, at));
    }
    if out.len() == 1 { out.remove(0) } else { Rule::Any(out) }
}

fn sequence(tokens: &[String], at: &mut usize) -> Rule {
    let mut out = Vec::new();
    loop {
        let token = tokens[*at].as_str();
        *at += 1;
        let mut inner = |end: &str| {
            let rule = alternatives(tokens, at);
            assert_eq!(tokens[*at], end);
            *at += 1;
            Box::new(rule)
        };
        out.push(match token {
            "{" => Rule::Many(inner("}")),
            "[" => Rule::Maybe(inner("]")),
            "(" => *inner(")"),
            text if text.starts_with('"') => Rule::Terminal(text.trim_matches('"').to_owned()),
            text if text.starts_with('?') => Rule::Special,
            name => Rule::Name(name.to_owned()),
        });
        if tokens.get(*at).is_none_or(|t| t != ",") {
            return if out.len() == 1 { out.remove(0) } else { Rule::All(out) };
        }
        *at += 1;
    }
}

fn names(rule: &Rule, terminals: &mut BTreeSet<String>, used: &mut BTreeSet<String>) {
    match rule {
        Rule::Terminal(text) => {
            terminals.insert(text.clone());
        }
        Rule::Name(name) => {
            used.insert(name.clone());
        }
        Rule::Special => {}
        Rule::All(rules) | Rule::Any(rules) => rules.iter().for_each(|rule| names(rule, terminals, used)),
        Rule::Many(rule) | Rule::Maybe(rule) => names(rule, terminals, used),
    }
}

/// What the front half of the front end says about a text.
fn syntax(text: &str) -> Diagnostics {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let id = sources.add("x.sandbox", text);
    sandbox::tree(&sources, id, &mut sink);
    sink
}

fn lex(text: &str) -> Vec<Token<'_>> {
    let mut sources = SourceMap::new();
    let id = sources.add("x.sandbox", text);
    sandbox::token::lex(id, text, &mut Diagnostics::new()).into_iter().map(|(token, _)| token).collect()
}

#[test]
fn every_production_parses_its_example() {
    let all = productions();
    for (name, production) in &all {
        let sink = syntax(&production.example);
        assert!(sink.as_slice().is_empty(), "{name}: {}: {:?}", production.example, sink.as_slice());
        assert!(recognises(&production.example, &all), "{name}: the grammar does not have its own example");
    }
}

#[test]
fn every_terminal_is_a_token_and_every_name_is_defined_and_used() {
    let productions = productions();
    let (mut terminals, mut used) = (BTreeSet::new(), BTreeSet::from(["file".to_owned()]));
    productions.values().for_each(|production| names(&production.rule, &mut terminals, &mut used));
    assert_eq!(used, productions.keys().cloned().collect());
    for terminal in &terminals {
        let tokens = lex(terminal);
        assert_eq!(tokens.len(), 1, "`{terminal}`");
        let keyword = tokens[0] == Token::Keyword(terminal);
        assert!(keyword || terminal.len() == 1, "`{terminal}` is {:?}", tokens[0]);
    }
    for keyword in keywords() {
        assert!(terminals.contains(keyword), "the grammar has no `{keyword}`");
    }
}

/// A sentence of a rule, by chance.
fn derive(
    rule: &Rule,
    all: &BTreeMap<String, Production>,
    random: &mut Random,
    depth: usize,
    out: &mut String,
) {
    match rule {
        Rule::Terminal(text) => {
            out.push_str(text);
            out.push(' ');
        }
        Rule::Special => unreachable!("special sequences are derived by name"),
        Rule::Name(name) => match name.as_str() {
            "newline" => out.push_str(random.word(&["\n", "# a comment\n"])),
            "word" => out.push_str(random.word(&[
                "/a ",
                "$WORKSPACE/**/x ",
                "x.org:443 ",
                "4GiB ",
                "[::1]:80 ",
                "lets ",
            ])),
            "quoted" => out.push_str(random.word(&["\"a b\" ", "\"let\" ", "\"# \\\" \\\\\" "])),
            "set" => out.push_str("@secrets "),
            // Blocks nest no deeper than the lexer lets them.
            "statement" if depth > 2 => derive(&Rule::Name("paths".into()), all, random, depth, out),
            "block" => derive(&all[name].rule, all, random, depth + 1, out),
            _ => derive(&all[name].rule, all, random, depth, out),
        },
        Rule::All(rules) => rules.iter().for_each(|rule| derive(rule, all, random, depth, out)),
        Rule::Any(rules) => derive(&rules[random.below(rules.len())], all, random, depth, out),
        Rule::Many(rule) => (0..random.below(3)).for_each(|_| derive(rule, all, random, depth, out)),
        Rule::Maybe(rule) => {
            if random.chance(50) {
                derive(rule, all, random, depth, out);
            }
        }
    }
}

#[test]
fn random_sentences_of_the_grammar_parse() {
    let all = productions();
    let mut random = Random(11);
    for _ in 0..3_000 {
        let mut text = String::new();
        derive(&all["file"].rule, &all, &mut random, 0, &mut text);
        let sink = syntax(&text);
        assert!(sink.as_slice().is_empty(), "{text}\n{:?}", sink.as_slice());
    }
}

/// Whether the grammar has a text: where each rule can end, for every place it can begin.
fn recognises(text: &str, all: &BTreeMap<String, Production>) -> bool {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let id = sources.add("x.sandbox", text);
    let tokens: Vec<Token<'_>> =
        sandbox::token::lex(id, text, &mut sink).into_iter().map(|(token, _)| token).collect();
    !sink.has_errors() && ends(&Rule::Name("file".into()), 0, &tokens, all).contains(&tokens.len())
}

fn ends(rule: &Rule, at: usize, tokens: &[Token<'_>], all: &BTreeMap<String, Production>) -> BTreeSet<usize> {
    let one = |good: bool| if good { BTreeSet::from([at + 1]) } else { BTreeSet::new() };
    match rule {
        Rule::Terminal(text) => one(match tokens.get(at) {
            Some(Token::Keyword(word)) => word == text,
            Some(Token::Comma) => text == ",",
            Some(Token::Equals) => text == "=",
            Some(Token::Open) => text == "{",
            Some(Token::Close) => text == "}",
            _ => false,
        }),
        Rule::Special => BTreeSet::new(),
        Rule::Name(name) => match (name.as_str(), tokens.get(at)) {
            ("newline", token) => one(token == Some(&Token::Newline)),
            ("word", token) => one(matches!(token, Some(Token::Word(_)))),
            ("quoted", token) => one(matches!(token, Some(Token::Quoted(_)))),
            ("set", token) => one(matches!(token, Some(Token::Set(_)))),
            (name, _) => ends(&all[name].rule, at, tokens, all),
        },
        Rule::All(rules) => rules.iter().fold(BTreeSet::from([at]), |from, rule| {
            from.into_iter().flat_map(|at| ends(rule, at, tokens, all)).collect()
        }),
        Rule::Any(rules) => rules.iter().flat_map(|rule| ends(rule, at, tokens, all)).collect(),
        Rule::Maybe(rule) => ends(rule, at, tokens, all).into_iter().chain([at]).collect(),
        Rule::Many(rule) => {
            let (mut found, mut fresh) = (BTreeSet::from([at]), vec![at]);
            while let Some(at) = fresh.pop() {
                for end in ends(rule, at, tokens, all) {
                    if found.insert(end) {
                        fresh.push(end);
                    }
                }
            }
            found
        }
    }
}

#[test]
fn what_parses_is_in_the_grammar() {
    let all = productions();
    let (mut random, mut parsed, mut refused) = (Random(13), 0, 0);
    for _ in 0..6_000 {
        let mut text = String::new();
        derive(&all["file"].rule, &all, &mut random, 0, &mut text);
        // One token more, less or other: most of these are not sentences, and some are.
        let mut words: Vec<&str> = text.split_inclusive([' ', '\n']).collect();
        if words.is_empty() {
            continue;
        }
        let at = random.below(words.len());
        match random.below(3) {
            0 => drop(words.remove(at)),
            1 => words
                .insert(at, random.word(&["write ", "{ ", "} ", ", ", "\n", "/x ", "env ", "set ", "= "])),
            _ => {
                words[at] =
                    random.word(&["read ", "{ ", "} ", ", ", "\n", "/x ", "allow ", "on ", "network "])
            }
        }
        let text = words.concat();
        let parses = syntax(&text).as_slice().is_empty();
        parsed += usize::from(parses);
        refused += usize::from(!parses);
        assert_eq!(parses, recognises(&text, &all), "{text}");
    }
    assert!(parsed > 100 && refused > 100, "{parsed} {refused}");
}

/// Loads a text on a thread with a small stack, and gives what was reported.
fn bounded(text: String) -> Diagnostics {
    let work = move || {
        let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
        let id = sources.add("hostile.sandbox", text);
        let _ = sandbox::load(&mut sources, &[id], &mut sink);
        sink
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap()
}

#[test]
fn hostile_texts_take_bounded_time_and_stack() {
    let many = |n: usize, text: &dyn Fn(usize) -> String| (0..n).map(text).collect::<String>();
    let cases: Vec<(&str, String)> = vec![
        ("nested blocks", format!("profile a {}{}", "{".repeat(10_000), "}".repeat(10_000))),
        (
            "nested blocks, written out",
            format!("profile a {{\n{}{}}}\n", "on linux {\n".repeat(10_000), "}\n".repeat(10_000)),
        ),
        ("blocks that never end", "profile a {\n".repeat(10_000)),
        ("blocks that never began", "}".repeat(100_000)),
        ("ten million bytes", "write /a\n".repeat(1_200_000)),
        (
            "a million bytes of statements",
            format!("profile a {{\n{}}}\n", many(40_000, &|n| format!("write /a/b/{n}\n"))),
        ),
        ("a million bytes of nonsense", many(60_000, &|n| format!("nonsense {n}\n"))),
        ("one long line", format!("profile a {{\nwrite {}\n}}\n", many(90_000, &|n| format!("/x{n}, ")))),
        ("one long word", format!("profile a {{\nwrite /{}\n}}\n", "x".repeat(1_000_000))),
        ("one long quoted text", format!("profile a {{\nwrite \"/{}\n}}\n", "\\\"".repeat(400_000))),
        ("names that double", {
            let doubling = many(60, &|n| format!("let a{} = $a{n}, $a{n}\n", n + 1));
            format!("let a0 = /x, /y\n{doubling}profile a {{\nwrite $a60\n}}\n")
        }),
        ("a long chain", {
            many(9_000, &|n| format!("profile p{} extends p{n} {{\nwrite /p/{n}\n}}\n", n + 1))
        }),
        ("a long circle", {
            many(900, &|n| format!("profile p{n} extends p{} {{\nwrite /p/{n}\n}}\n", (n + 1) % 900))
        }),
        ("stars", {
            let star = format!("deny /{}b/*\n", "a*".repeat(1_000));
            format!("profile a {{\nread /\nwrite /{}/x\n{star}}}\n", "a".repeat(2_000))
        }),
        ("sets", format!("profile a {{\n{}}}\n", "deny @secrets\n".repeat(60_000))),
    ];
    for (name, text) in cases {
        let _ends = Watchdog::new(name);
        let sink = bounded(text);
        assert!(sink.as_slice().len() < 200, "{name}: {} diagnostics", sink.as_slice().len());
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random(17);
    let pieces: Vec<&str> = keywords()
        .chain([
            "{",
            "}",
            ",",
            "=",
            ";",
            "\n",
            "\"",
            "\\",
            "#",
            "@",
            "@secrets",
            "$WORKSPACE",
            "~",
            "/",
            "*",
            "**",
            "[",
            "]",
        ])
        .chain([
            "é", "\u{202e}", "\0", "1", "9GiB", "x.org", ":443", "::1", "unix:", " ", "\t", "..", "/a/../b",
            "$x",
        ])
        .collect();
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let mut files = Vec::new();
    for n in 0..4_000 {
        let mut text = String::new();
        for _ in 0..random.below(40) {
            text.push_str(random.word(&pieces));
            if random.chance(50) {
                text.push(' ');
            }
        }
        if random.chance(20) {
            let noise: Vec<u8> = (0..random.below(200)).map(|_| random.next() as u8).collect();
            text.push_str(&String::from_utf8_lossy(&noise));
        }
        files.push(sources.add(format!("random-{n}.sandbox"), text));
    }
    let _ = sandbox::load(&mut sources, &files, &mut sink);
    assert!(sink.has_errors());
    // Whatever is told points at text.
    for diagnostic in sink.as_slice() {
        let span = diagnostic.span.unwrap();
        let text = sources.get(span.source).text();
        assert!(text.get(span.range()).is_some(), "{diagnostic:?}");
        assert!(!diagnostic.message.is_empty() && !diagnostic.message.contains('\n'), "{diagnostic:?}");
        assert_ne!(diagnostic.code, Code::EP9901);
    }
}
