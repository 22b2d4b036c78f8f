//! What single programs mean; the real tools are asked in `tests/programs_real.rs`.

use super::*;
use crate::tools::effects::INTEGER;
use std::prelude::rust_2024::*;

fn known(program: &str) -> ProgramEffects {
    read(program.as_bytes())
}

#[test]
fn ordinary_programs_are_harmless() {
    for program in [
        "{print $1}",
        "/a|b/",
        "NR>1{print}",
        "{printf \"%s -> %s\\n\", $1, $2}",
        "{ if ($1 > 5) print }",
        "NR>1 {sum+=$3} END {print sum/NR}",
        "$1 >= 3 || NR == 1",
        "{print (a>b)}",
        "{print(1>2, 3)}",
        "BEGIN{while((getline line) > 0) n++}",
        "{gsub(/\\//,\"|\"); print}",
        "{print a[1>2]}",
        "!seen[$0]++",
        "BEGIN{OFS=\" > \"} {$1=$1} 1",
        "length > 80",
        "{print length / 2}",
        "/[/]/{print}",
        "/[^/]+$/ {print $NF}",
        "{print \"system(\\\"id\\\")\"} # system(\"id\") | \"sh\"",
        "{x = $1 > 3 ? 1 : 2; print x\n}",
        "if_ == 1 { print }",
        "{ for (i = 1; i <= NF; i++) { if (i > 1) printf \"|\"; printf \"%s\", $i } print \"\" }",
        "{print $1 / $2, $3 / 4}",
        "{ print a,\n b }\n$1 > 2",
        "",
        "{print > \"/dev/stderr\"}",
    ] {
        let effects = known(program);
        let quiet = effects.writes.iter().all(|file| *file == File::Known(b"/dev/stderr".to_vec()));
        let others = ProgramEffects { writes: Vec::new(), ..effects.clone() };
        assert!(quiet && others.is_harmless(), "{program:?}: {effects:?}");
    }
}

#[test]
fn what_runs_is_announced() {
    for (program, script) in [
        ("BEGIN{system(\"id\")}", "id"),
        ("{print | \"sort -u\"}", "sort -u"),
        ("{\"date\" | getline d}", "date"),
        ("BEGIN{while ((\"ls -l\" | getline x) > 0) print x}", "ls -l"),
        ("BEGIN{if (x) \"date\" | getline}", "date"),
        ("BEGIN{print \"x\" |& \"cat\"}", "cat"),
        ("BEGIN { system ( \"echo \\\"a\\\"\" ) }", "echo \"a\""),
        ("\"date\"|getline", "date"),
        ("BEGIN{if (x)\n/a/; system(\"id\") }", "id"),
    ] {
        let effects = known(program);
        assert_eq!(effects.runs, [Run::Script(script.into())], "{program:?}");
        assert!(!effects.not_understood, "{program:?}");
    }
    for program in [
        "{system($0)}",
        "{system(\"a\" $1)}",
        "{print | \"sh \" $1}",
        "{\"a\" \"b\" | getline}",
        "{x \"b\" | getline}",
        "{print \"x\" | getline}",
        "{!\"b\" | getline}",
        "{print \"x\" | cmd}",
        "BEGIN{ENVIRON[\"PATH\"]=\".\"; system(\"ls\")}",
        "{print | \"\\x6c\\x73\"}",
        "{system \"id\"}",
    ] {
        assert!(known(program).runs.contains(&Run::Unknown), "{program:?}");
    }
}

#[test]
fn what_is_written_is_announced() {
    for (program, file) in [
        ("{print > \"f\"}", "f"),
        ("{print(1)(2) > \"f\"}", "f"),
        ("{print a, b >> \"f\"; x = 1}", "f"),
        ("{printf \"%s\", $1 > \"a b\"\n}", "a b"),
        ("{print a,\nb > \"f\"}", "f"),
        ("{print a[1>2] > \"f\"}", "f"),
        ("{print 1 \\\n> \"f\"}", "f"),
        ("{print /a\"/ > \"f\" ; x=\"/\"}", "f"),
        ("{if (1) print \"a\" > \"f\"; else print}", "f"),
        ("{print /[/]/ > \"f\"}", "f"),
    ] {
        assert_eq!(known(program).writes, [File::Known(file.into())], "{program:?}");
    }
    for program in [
        "{print > $1}",
        "{print > \"a\" \"b\"}",
        "{print > \"a\" ? 1 : 2}",
        "{print > f\".txt\"}",
        "{print > (\"f\")}",
    ] {
        assert_eq!(known(program).writes, [File::Unknown], "{program:?}");
    }
}

#[test]
fn what_is_read_and_connected_is_announced() {
    assert_eq!(known("BEGIN{while ((getline x < \"f\") > 0) n++}").reads, [File::Known(b"f".to_vec())]);
    assert_eq!(known("{getline < \"f\" ; a < b}").reads, [File::Known(b"f".to_vec())]);
    for program in ["{getline x < $1}", "{getline a[1] < f}", "{getline < \"a\" \"b\"}", "BEGIN{ARGV[1]=x}"] {
        assert_eq!(known(program).reads, [File::Unknown], "{program:?}");
    }
    assert!(known("BEGIN{\"/inet/tcp/0/h/80\" |& getline}").connects);
    assert!(known("BEGIN{getline < \"\\/inet/tcp/0/h/80\"}").connects);
}

#[test]
fn what_nobody_reads_is_rejected_and_what_is_unclear_said() {
    for program in ["data.txt", "{print", "print)", "\"a\nb\"", "/a\nb/", "{print 'x'}", "a]"] {
        assert!(known(program).rejected, "{program:?}");
    }
    for program in ["@include \"f\"", "{@f(1)}", "{print \u{e9}}", "{print \\x}"] {
        assert!(known(program).not_understood, "{program:?}");
    }
}

#[test]
fn an_unknown_integer_is_a_number() {
    assert!(read(&[b'N', b'R', b'=', b'=', INTEGER]).is_harmless());
    assert!(read(&[b'N', b'R', INTEGER]).not_understood);
    assert_eq!(read(b"{print > \"f\x01\"}").writes, [File::Unknown]);
}
