//! Known ways around command policies, each named by its public id, and our own list of spellings.

use crate::shell_policy::{conclusion, policy, policy_of, verdict};
use execpolicy_runtime::Conclusion;
use execpolicy_runtime::Decision::{Allow, Forbidden, Prompt};
use execpolicy_shell::{Access, Span};

/// `script` must not be allowed although `prefix` is.
fn not_allowed(prefix: &str, script: &str) {
    let rules = policy(&[(Allow, prefix), (Allow, "echo"), (Allow, "cat")]);
    let found = conclusion(&rules, script);
    assert_ne!(found, Conclusion::Allow, "{script:?} with an allow for {prefix}");
}

fn forbidden(rule: &str, script: &str) {
    let found = conclusion(&policy(&[(Forbidden, rule)]), script);
    assert_eq!(found, Conclusion::Forbidden, "{script:?} with a forbid for {rule}");
}

fn at_least_asked(rule: &str, script: &str) {
    let found = conclusion(&policy(&[(Forbidden, rule)]), script);
    assert!(found >= Conclusion::Prompt, "{script:?} with a forbid for {rule}: {found:?}");
}

#[test]
fn cve_2025_66032_1_man_html_runs_a_browser() {
    not_allowed("man", "man --html='touch /tmp/x' man");
    not_allowed("man", "man -P 'touch /tmp/x' man");
}

#[test]
fn cve_2025_66032_2_sort_compress_program() {
    not_allowed("sort", "sort --compress-program=sh x");
    forbidden("touch", "sort --compress-program='touch y' x");
}

#[test]
fn cve_2025_66032_3_history_writes_a_file() {
    not_allowed("history", "history -s x; history -a f");
}

#[test]
fn cve_2025_66032_4_sed_runs_what_it_edits() {
    not_allowed("sed", "sed 's/x/touch y/e' f");
    not_allowed("sed", "echo 'touch y' | sed 1e");
}

#[test]
fn cve_2025_66032_5_git_long_options_abbreviated() {
    not_allowed("git", "git ls-remote --upload-pack='touch x' y");
    not_allowed("git", "git ls-remote --upload-pa='touch x' y");
    not_allowed("sort", "sort --compress-prog sh x");
}

#[test]
fn cve_2025_66032_6_xargs_clusters_its_flags() {
    not_allowed("xargs", "xargs -t touch x");
    forbidden("touch", "echo x; xargs -ttouch touch x");
    at_least_asked("touch", "xargs -rI{} -t touch x");
}

#[test]
fn cve_2025_66032_7_rg_runs_a_preprocessor() {
    not_allowed("rg", "rg --pre=sh . x");
    forbidden("touch", "rg --pre touch . x");
}

#[test]
fn cve_2025_66032_8_expansions_of_the_shell() {
    forbidden("cat /etc/passwd", "cat${IFS}/etc/passwd");
    not_allowed("echo", "echo ${IFS@P}");
    not_allowed("echo", "echo ${x:=$(touch y)}");
    forbidden("touch", "echo ${x:=$(touch y)}");
}

#[test]
fn cve_2025_54795_echo_runs_another() {
    not_allowed("echo", "echo \"\\\"; rm x; echo \\\"\"; rm x");
    forbidden("rm", "echo 'a'; rm x");
    forbidden("rm", "echo \"$(rm x)\"");
    forbidden("rm", "echo `rm x`");
    forbidden("rm", "cat <(rm x)");
    assert_eq!(
        conclusion(&policy(&[(Forbidden, "rm"), (Allow, "echo")]), "echo '$(rm x)'"),
        Conclusion::Allow
    );
}

#[test]
fn cve_2025_58764_a_parsing_error_asks() {
    for script in [
        "echo 'x",
        "echo \"x",
        "echo $(x",
        "echo `x",
        "echo x |",
        "if true; then echo",
        "echo ${x",
        "cat <<E\nx",
    ] {
        at_least_asked("rm", script);
        not_allowed("echo", script);
    }
}

#[test]
fn cve_2026_24053_clobbering_redirections_are_writes() {
    for (script, access) in [
        ("echo x >| f", Access::Write),
        ("echo x > f", Access::Write),
        ("echo x >> f", Access::Append),
        ("echo x &> f", Access::Write),
        ("echo x >& f", Access::Write),
        ("echo x <> f", Access::ReadWrite),
        ("echo x > /dev/tcp/h/80", Access::Connect),
    ] {
        not_allowed("echo", script);
        let verdict = verdict(&policy(&[(Allow, "echo")]), script);
        let effects: Vec<_> = verdict.parts.iter().flat_map(|part| &part.segment.effects).collect();
        assert!(effects.iter().any(|effect| effect.access == access), "{script}: {effects:?}");
    }
}

#[test]
fn cve_2026_24887_find_runs_commands() {
    forbidden("rm", "find . -exec rm {} \\;");
    forbidden("rm", "find . -name x -okdir rm {} +");
    not_allowed("find", "find . -exec sh -c 'x' \\;");
    not_allowed("find", "find . $x");
}

#[test]
fn cve_2026_25722_the_directory_is_tracked() {
    let rules = policy(&[(Allow, "echo")]);
    let found = verdict(&rules, "cd /etc && echo x > y");
    let part = found.parts.iter().find(|part| !part.segment.effects.is_empty()).unwrap();
    assert_eq!(part.segment.cwd.as_deref(), Some(&b"/etc"[..]));
    let found = verdict(&rules, "cd $x; echo x > y");
    let part = found.parts.iter().find(|part| !part.segment.effects.is_empty()).unwrap();
    assert_eq!(part.segment.cwd, None);
}

#[test]
fn cve_2026_25723_and_64755_sed_writes() {
    not_allowed("sed", "echo x | sed 'w f'");
    not_allowed("sed", "sed -n '1w f' x");
    // The author of the rule allowed sed to edit what its command line names.
    assert_eq!(conclusion(&policy(&[(Allow, "sed")]), "sed -i s/a/b/ f"), Conclusion::Allow);
    assert_eq!(conclusion(&policy(&[(Allow, "sed")]), "sed -n 1,5p f"), Conclusion::Allow);
}

#[test]
fn adversa_many_commands_are_all_seen() {
    forbidden("rm", &("true; ".repeat(500) + "rm x"));
    at_least_asked("rm", &("true; ".repeat(50_000) + "rm x"));
}

#[test]
fn cve_2026_22708_builtins_poison_the_environment() {
    for script in [
        "export PATH=/tmp; echo x",
        "typeset -x LD_PRELOAD=x; echo x",
        "PATH=/tmp echo x",
        "readonly GIT_PAGER=x; echo x",
    ] {
        not_allowed("echo", script);
    }
    assert_eq!(conclusion(&policy(&[(Allow, "echo")]), "export LANG=C; echo x"), Conclusion::Allow);
}

#[test]
fn cve_2025_54131_and_31854_substitution_in_an_allowed_command() {
    not_allowed("echo", "echo $(id)");
    not_allowed("echo", "echo ${x:-$(id)}");
    not_allowed("echo", "echo <(id)");
    not_allowed("cat", "cat <<E\n$(id)\nE");
}

#[test]
fn cve_2026_29783_prompt_expansion() {
    at_least_asked("rm", "x='$(rm y)'; echo ${x@P}");
    not_allowed("echo", "echo ${x@P}");
}

#[test]
fn tracebit_only_the_first_word() {
    for script in ["echo x; rm y", "echo x && rm y", "echo x | rm y", "echo x & rm y", "echo x\nrm y"] {
        forbidden("rm", script);
    }
}

/// Rows of the changelog of the same product; each name says which version mended it there.
#[test]
fn claude_2_1_6_line_continuation() {
    forbidden("rm", "echo a \\\n; r\\\nm x");
    forbidden("rm", "echo x &\\\n& rm x");
}

#[test]
fn claude_2_1_7_a_pattern_does_not_reach_across_operators() {
    not_allowed("git log", "git log; touch x");
    not_allowed("git log", "git log | tee x");
    not_allowed("git log", "git log & touch x");
    forbidden("rm", "git log\nrm x");
}

#[test]
fn claude_2_1_74_a_prompt_is_not_skipped_for_an_allow() {
    let rules = policy(&[(Allow, "git"), (Prompt, "git push")]);
    for script in ["git push", "git log && git push", "nice git push", "git $x"] {
        assert_eq!(conclusion(&rules, script), Conclusion::Prompt, "{script}");
    }
}

#[test]
fn claude_2_1_98_an_escaped_flag() {
    forbidden("git push -f", "git push \\-f");
    forbidden("git push -f", "git push '-'f");
    not_allowed("find", "find . \\-exec rm x \\;");
    forbidden("rm", "find . \\-exec rm x \\;");
}

#[test]
fn claude_2_1_145_a_bare_assignment_counts() {
    not_allowed("echo", "PATH=/tmp; echo x");
    not_allowed("echo", "PATH=/tmp echo x");
    not_allowed("git", "GIT_SSH_COMMAND=x; export GIT_SSH_COMMAND; git fetch");
}

#[test]
fn claude_2_1_221_a_regular_expression_of_zsh() {
    let rules = policy(&[(Forbidden, "rm"), (Allow, "echo")]);
    let argv = ["zsh", "-c", "[[ x =~ $(rm x) ]] && echo y"];
    // What only zsh reads so is not taken apart, and asked about.
    assert_eq!(rules.decide(&argv, None).conclusion, Conclusion::Prompt);
    forbidden("rm", "[[ x =~ $(rm x) ]] && echo y");
}

#[test]
fn claude_2_1_224_a_trailing_slash() {
    forbidden("rm", "/bin/rm/ x");
    forbidden("rm", "/bin/rm/. x");
    forbidden("rm", "./rm// x");
}

#[test]
fn ona_report_other_paths_to_the_program() {
    forbidden("rm", "/proc/self/root/bin/rm x");
    forbidden("rm", "/proc/$$/root/bin/rm x");
    at_least_asked("rm", "/lib64/ld-linux-x86-64.so.2 /bin/rm x");
    forbidden("rm", "/lib64/ld-linux-x86-64.so.2 /bin/rm x");
}

#[test]
fn codex_37078_and_28732_a_base_name_is_not_trusted() {
    let rules = policy(&[(Allow, "cat")]);
    assert_eq!(conclusion(&rules, "cat x"), Conclusion::Allow);
    assert_eq!(conclusion(&rules, "/usr/bin/cat x"), Conclusion::Allow);
    for script in ["./cat x", "/tmp/cat x", "bin/cat x", "../cat x"] {
        assert_eq!(conclusion(&rules, script), Conclusion::Unmatched, "{script}");
    }
}

#[test]
fn codex_18694_and_15796_global_options_of_git() {
    not_allowed("git", "git -p log");
    not_allowed("git", "git --paginate log");
    not_allowed("git", "git -c core.pager=x log");
    not_allowed("git", "git --exec-path=/tmp log");
    not_allowed("git log", "git -C /tmp log");
}

#[test]
fn opencode_17497_to_42436_redirections_and_dashes() {
    not_allowed("echo", "echo x > ~/.bashrc");
    not_allowed("echo", "echo x >> /etc/passwd");
    not_allowed("cat", "cat < /dev/tcp/host/80");
    forbidden("rm", "env -- rm x");
    forbidden("rm", "nice -- rm x");
}

#[test]
fn clash_hook_words_are_never_joined_and_split_again() {
    let rules = policy(&[(Forbidden, "rm"), (Allow, "echo")]);
    assert_eq!(conclusion(&rules, "echo 'a; rm x'"), Conclusion::Allow);
    assert_eq!(rules.decide(&["echo", "a; rm x"], None).conclusion, Conclusion::Allow);
    assert_eq!(
        rules.decide(&["bash", "-c", "\"$1\" x", "a b", "rm"], None).conclusion,
        Conclusion::Forbidden
    );
}

#[test]
fn clash_109_time() {
    forbidden("rm", "time rm x");
    forbidden("rm", "time -p rm x");
    forbidden("rm", "/usr/bin/time -f %e rm x");
}

#[test]
fn guardfall_quotes_ifs_decoding() {
    for script in [
        "r''m x",
        "r\\m x",
        "\"rm\" x",
        "$'\\x72m' x",
        "r${nothing}m x; rm x",
        "$(echo rm) x",
        "a=r;b=m;$a$b x",
        "{rm,x}",
    ] {
        forbidden("rm", script);
    }
    for script in [
        "echo cm0geA== | base64 -d | sh",
        "eval $(base64 -d f)",
        "$(base64 -d f)",
        "printf 'rm x' | bash",
        "bash <<E\nrm x\nE",
    ] {
        at_least_asked("rm", script);
    }
}

#[test]
fn minimax_150_wrappers_for_deny() {
    for wrapper in [
        "env",
        "env -i",
        "env A=1",
        "env -u X",
        "env -S 'rm x'",
        "sudo",
        "sudo -n -u root",
        "doas",
        "nice",
        "nice -n 5",
        "nice -5",
        "ionice -c2",
        "nohup",
        "setsid -w",
        "stdbuf -oL",
        "timeout 5",
        "timeout -s KILL 5s",
        "time",
        "command",
        "command --",
        "builtin command",
        "exec",
        "exec -a x",
        "xargs",
        "xargs -n1 -P 4",
        "xargs -I{}",
        "parallel",
        "watch",
        "watch -n1",
        "flock /tmp/l",
        "strace -f -e trace=file",
        "chroot /",
        "busybox",
        "su -c 'rm x'",
        "sh -c 'rm x'",
        "bash -euo pipefail -c 'rm x'",
        "zsh -c 'rm x'",
        "dash -c 'rm x'",
        "ssh host",
        "ssh -p 22 host",
        "docker exec c",
        "kubectl exec p --",
        "eval",
        "nice env sudo",
        "systemd-run",
        "unshare -n",
        "taskset 1",
        "script -c 'rm x'",
        "/usr/bin/env",
        "/bin/sh -c 'rm x'",
        "env bash -c 'rm x'",
        "sudo -u root -- bash -lc 'rm x'",
        "nice -n 1 timeout 5 env A=1 xargs -0",
    ] {
        forbidden("rm", &format!("{wrapper} rm x"));
    }
}

#[test]
fn unknown_options_of_a_wrapper_ask() {
    forbidden("rm", "nice --new-option rm x");
    not_allowed("echo", "nice --new-option echo x");
    at_least_asked("rm", "sudo $OPTIONS ls");
}

#[test]
fn neutral_wrappers_keep_an_allow_and_others_do_not() {
    let rules = policy(&[(Allow, "foo ok")]);
    for script in [
        "nice foo ok",
        "timeout 5 foo ok",
        "time foo ok",
        "LANG=C foo ok",
        "foo ok 2>&1",
        "foo ok > /dev/null",
        "bash -c 'foo ok'",
        "if true; then foo ok; fi",
        "for i in 1 2; do foo ok $i; done",
        "set -e; foo ok",
        "! foo ok",
        "(foo ok)",
        "foo ok # x",
    ] {
        assert_eq!(conclusion(&rules, script), Conclusion::Allow, "{script}");
    }
    for script in [
        "sudo foo ok",
        "env -i foo ok",
        "env A=1 foo ok",
        "A=1 foo ok",
        "xargs sudo foo ok",
        "foo ok > f",
        "./foo ok",
        "/tmp/foo ok",
        "$x foo ok",
        "foo $x",
        "foo ok; bar",
        "ssh h foo ok",
    ] {
        assert_ne!(conclusion(&rules, script), Conclusion::Allow, "{script}");
    }
}

#[test]
fn deferred_code_is_seen() {
    for script in [
        "trap 'rm x' EXIT",
        "f() { rm x; }; f",
        "f() { rm x; }",
        "f() { \"$@\"; }; f rm x",
        "function f { $1 x; }; f rm",
        "x() { y; }; y() { rm z; }; x",
        "coproc rm x",
        "coproc C { rm x; }",
        "trap 'f' EXIT; f() { rm x; }",
        "eval 'r''m x'",
        "bash -c 'eval \"rm x\"'",
        "set -- rm x; \"$@\"",
        "a=(rm x); \"${a[@]}\"",
        "for c in ls rm; do $c x; done",
        "case x in x) rm y;; esac",
        "[[ -n $(rm x) ]]",
        "(( $(rm x) ))",
        "while rm x; do :; done",
        "until rm x; do :; done",
        "select x in a; do rm y; done",
        "for ((i=0;i<3;i++)); do rm x; done",
        "x=$(rm y)",
        "x=(a $(rm y))",
        "cat <<< $(rm y)",
        "> $(rm y)",
        "if ! rm x; then :; fi",
        "{ rm x; } > f",
        "rm x &",
        "true && ! rm x",
        "((\nrm x\n) )",
        "x=rm; eval \"$x y\"",
    ] {
        forbidden("rm", script);
    }
    for script in [
        "alias ls='rm x'; ls",
        "x='a[$(rm y)]'; echo $((x))",
        "x='a[$(rm y)]'; [[ $x -gt 1 ]]",
        "PS4='$(rm x)'; set -x; :",
        "source f",
        ". ./f",
        "x=rm; y=x; ${!y} z",
        "mapfile -C 'rm x' -c 1 y",
        "compgen -C 'rm x'",
        "hash -p /bin/rm ls; ls",
        "$x y",
        "read c; $c y",
        "let 'x=a[$(rm y)]'",
        "python -c 'x'",
        "perl -e 'x'",
        "node -e x",
        "awk 'BEGIN{system(\"rm x\")}'",
        "BASH_ENV=f bash -c :",
        "declare -n r=PATH; r=x",
        "fc -s",
        "bash -O extglob -c 'x'",
        "bash -ic ls",
    ] {
        at_least_asked("rm", script);
    }
}

/// An option whose name nobody knows can be `keyword`, and then `A=1` is no word of the command.
#[test]
fn an_option_of_the_shell_that_is_not_known_is_asked_about() {
    for set in
        ["set -o \"$x\"", "set -o $x", "set -eo \"$x\"", "set +o \"$x\"", "set -o keyword", "set -o k$x"]
    {
        at_least_asked("foo push", &format!("{set}; foo A=1 push"));
    }
    let rules = policy(&[(Allow, "set"), (Allow, "foo")]);
    for fine in
        ["set -o pipefail; foo", "set -eo errexit; foo", "set -o; foo", "set -euo pipefail; foo \"$x\""]
    {
        assert_eq!(conclusion(&rules, fine), Conclusion::Allow, "{fine}");
    }
}

#[test]
fn the_filter_of_split_is_a_script() {
    for script in
        ["split --filter='foo push' f", "split -l 1 --filter 'gzip; foo push' f", "split --filt='foo push' f"]
    {
        forbidden("foo push", script);
    }
    assert_eq!(conclusion(&policy(&[(Allow, "split")]), "split -l 1 f"), Conclusion::Allow);
}

/// What `set`, `wait` and `jobs` leave, name and run; an array behind a plain name.
#[test]
fn what_commands_of_the_shell_keep_name_and_run_is_seen() {
    for script in [
        "x=(ok push); x=foo; \"${x[@]}\"",
        "set -- push; set -; foo $1",
        "set -- push; set +; foo $1",
        "set -- push; set -e -; foo $1",
        "x=status; wait -np x; foo $x push",
        "x=status; wait -px; foo $x push",
        "wait -n -p 'x[$(foo push)]'",
        "jobs -x foo push",
        "env -- A=1 foo push",
        "time -p -- foo push",
    ] {
        at_least_asked("foo push", script);
    }
}

/// The letters of options may stand together, before the name or the command that the last one takes.
#[test]
fn a_value_behind_several_options_is_seen() {
    for read in [
        "read -raa <<< push",
        "read -ra a <<< push",
        "read -rsaa <<< push",
        "read -rt99999999999999999999999999999999999999999999999999999999999999aa <<< push",
    ] {
        forbidden("foo push", &format!("a=(ok); {read}; foo ${{a[0]}}"));
    }
    at_least_asked("foo push", "a=(ok); read -ra'x[$(foo push)]' <<< 1");
    at_least_asked("foo push", "mapfile -tC 'foo push #' -tc1 x <<< a");
    at_least_asked("foo push", "readarray -tC 'foo push #' x < f");
}

/// A trap can run between two commands and change what the second one means, in more ways than a list of words has.
#[test]
fn a_trap_that_may_run_at_any_time_is_asked_about() {
    for trap in [
        "trap 'printf -v x push' DEBUG",
        "trap 'true;read x' USR1",
        "trap 'mapfile x' ERR EXIT",
        "f() { x=push; }; trap f DEBUG",
        "trap 'for x in push; do :; done' DEBUG",
        "trap 'local x' RETURN",
        "trap -- 'pushd /elsewhere' DEBUG",
    ] {
        at_least_asked("foo push", &format!("{trap}; x=status; foo $x"));
    }
    let rules = policy(&[(Forbidden, "foo push")]);
    for fine in
        ["trap 'printf -v x push' EXIT; x=status; foo $x", "trap - DEBUG; foo ok", "trap '' INT; foo ok"]
    {
        assert_eq!(conclusion(&rules, fine), Conclusion::Unmatched, "{fine}");
    }
    let ends = "function f { trap 'read x' EXIT; }; x=status; f; foo $x";
    assert_eq!(conclusion(&rules, ends), Conclusion::Unmatched);
    assert_eq!(rules.decide(&["zsh", "-c", ends], None).conclusion, Conclusion::Forbidden);
}

#[test]
fn what_runs_later_or_elsewhere_is_seen() {
    forbidden("foo push", "x=ok; x=push && foo $x &");
    forbidden("foo push", "trap 'f push' EXIT; f() { foo $1; }; f ok");
    at_least_asked("foo push", "f() { foo $1; }; f ok; export -f f; bash -c 'f push'");
    at_least_asked("foo push", "coproc x { :; }; foo $x");
    forbidden("foo push", "x=push; declare y=1 {x,z}=ok; foo $x; foo push");
    at_least_asked("foo a", "foo [\"a\"]");
    at_least_asked("foo push", "declare x={a,push}; foo $x");
    at_least_asked("foo push", "alias if=foo\nif push");
    at_least_asked("foo push", "x=ok; wait -p x; foo $x");
    assert_eq!(conclusion(&policy(&[(Allow, "docker ps")]), "docker ps"), Conclusion::Allow);
    assert_eq!(conclusion(&policy(&[(Allow, "[")]), "[ -f x ]"), Conclusion::Allow);
}

#[test]
fn what_is_around_a_command_counts() {
    let rules = policy(&[(Allow, "foo ok"), (Allow, "awk"), (Allow, "sed")]);
    for script in [
        "bash -c 'foo ok' > f",
        "eval foo ok > f",
        "f() { foo ok; }; f > x",
        ": > f; foo ok",
        "{ foo ok; } > f",
        "time foo ok > f",
        "PATH=/x bash -c 'foo ok'",
        "A=1 eval foo ok",
        "f() { foo ok; }; A=1 f",
        "nice bash -c 'foo ok' >> f",
        "exec > f; foo ok",
        "awk -F ' ' 'BEGIN{system(\"x\")}'",
        "awk -f p d",
        "sed -ne 'w f' p",
        "sed -nes/a/b/e p",
        "exec -a x foo ok",
        "export A=1; foo ok",
        "cat f | sudo foo ok",
        "foo ok | tee x",
    ] {
        assert_ne!(conclusion(&rules, script), Conclusion::Allow, "{script}");
    }
    assert_eq!(conclusion(&rules, "sed -n -e p f"), Conclusion::Allow);
    forbidden("rm", "exec -a rm busybox -rf x");
    at_least_asked("rm", "env -a rm busybox -rf x");
}

#[test]
fn a_literal_script_rule_allows_only_itself_and_no_guarded_part() {
    let rules = |script: &'static [&'static str]| {
        policy_of(&[(Allow, script), (Forbidden, &["rm"]), (Prompt, &["git"])])
    };
    let literal = |script: &'static [&'static str]| rules(script).decide(script, None).conclusion;
    assert_eq!(literal(&["bash", "-lc", "$x y"]), Conclusion::Allow);
    assert_eq!(literal(&["bash", "-lc", "foo"]), Conclusion::Allow);
    assert_eq!(literal(&["bash", "-lc", "rm x"]), Conclusion::Forbidden);
    assert_eq!(literal(&["bash", "-lc", "git x"]), Conclusion::Prompt);
    let other = rules(&["bash", "-lc", "z"]);
    assert_eq!(other.decide(&["bash", "-lc", "$x y"], None).conclusion, Conclusion::Prompt);
}

#[test]
fn spans_point_into_the_script() {
    let rules = policy(&[(Forbidden, "rm")]);
    for (script, wanted) in [
        ("echo a; rm b", "rm b"),
        ("é; echo $(ls; rm b)", "rm b"),
        ("echo x `ls; rm b`", "`ls; rm b`"),
        ("echo x `ls; echo \\`rm b\\``", "`ls; echo \\`rm b\\``"),
        ("cat <<E\n$(rm b)\nE\nls", "<<E"),
        ("bash -c 'rm b'; ls", "bash -c 'rm b'"),
        ("bash -c 'ls'; rm b", "rm b"),
        ("eval 'rm b'; ls", "eval 'rm b'"),
        ("x=1; trap 'rm b' EXIT", "trap 'rm b' EXIT"),
        ("f() { rm \"$1\"; }; f b", "rm \"$1\""),
    ] {
        let found = verdict(&rules, script);
        let part = found.parts.iter().find(|part| part.conclusion == Some(Conclusion::Forbidden));
        let span = part.unwrap_or_else(|| panic!("{script}: {found:#?}")).segment.span;
        let text = script.get(span.start as usize..span.end as usize);
        assert_eq!((span.argument, text), (2, Some(wanted)), "{script}");
    }
    let argv = ["env", "-i", "nice", "-n", "5", "bash", "-x", "-c", "ls; rm b", "name"];
    let found = rules.decide(&argv, None);
    let part = found.parts.iter().find(|part| part.segment.argv.words() == Some(vec![b"rm", b"b"])).unwrap();
    assert_eq!(part.segment.span, Span { argument: 8, start: 4, end: 8 });
}

/// What a hostile reader found: each ran `foo push` in a real bash, and was allowed or not seen.
#[test]
fn values_that_are_read_again_and_state_that_stays_are_seen() {
    let rules = policy_of(&[(Allow, &["foo"]), (Forbidden, &["foo", "push"])]);
    for script in [
        "declare -a x='(push)'; foo $x",
        "declare -a \"x=(push)\"; foo $x",
        "declare -a x='($(foo push))'",
        "export -a x='($(foo push))'",
        "typeset -A x='([a]=$(foo push))'",
        "declare -a x; declare x='($(foo push))'",
        "x=(a); declare x='($(foo push))'",
        "if test $1; then x=(a); fi; declare x='($(foo push))'",
        "x=(a); x[1]=b; declare x='($(foo push))'",
        "x=status; select x in status; do foo $x push; break; done <<< 9",
        "REPLY=status; select x in status; do foo $REPLY; break; done <<< push",
        "x=(\"\"); : ${x[0]:=push}; foo ${x[0]}",
        "y=; x=y; : ${!x:=push}; foo $y",
        "x=status; A=1 declare x=push; foo $x",
        "x=status; A=1 typeset x=push; foo $x",
        "x=; A=${x:=push} true; foo $x",
        "x=1 command export x=push; foo $x",
        "x=1 builtin eval x=push; foo $x",
        "y=$(cat f); printf \"-v${y}x\" push; foo $x",
        "x0=1; x5='a[$(foo push)]'; i=$((RANDOM*0+5)); echo $((x$i))",
        "x='a[$(foo push)]'; [[ $x -e\\\nq 1 ]]",
        "cat <<EOF\nE\\\nOF\nfoo push\nEOF\n",
        "x='p\\us?'; foo $x",
        "foo pus[[:alpha:]]",
        "y=$(cat f); foo pus[$y]",
    ] {
        let conclusion = rules.decide(&["bash", "-c", script], None).conclusion;
        assert!(matches!(conclusion, Conclusion::Prompt | Conclusion::Forbidden), "{script}: {conclusion:?}");
    }
    // And what is common is still allowed.
    for script in [
        "f() { local x=$1; foo ok; }; f a",
        "declare -a x; x+=(a); foo ok",
        "foo ok$((1 + 2))",
        "for x in ok status; do foo $x; done",
    ] {
        let conclusion = rules.decide(&["bash", "-c", script], None).conclusion;
        assert_eq!(conclusion, Conclusion::Allow, "{script}");
    }
}

#[test]
fn what_tools_run_behind_other_words_is_seen() {
    for (tool, script) in [
        ("find", r#"find . -exec env -u + foo push \;"#),
        ("find", r#"find . -exec sh -c '"$@"' + foo push \;"#),
        ("find", r#"find . -ok env -u {} + foo push \;"#),
        ("find", r#"find . -exec true + -exec foo push \;"#),
        ("git", "git -C . -c alias.st='!foo push' st"),
        ("git", "git --git-dir .git -c core.pager='foo push' log"),
        ("git", "git --attr-source x -c core.pager='foo push' log"),
        ("perl", "perl -I lib -e 'system(\"foo push\")'"),
        ("perl", "perl -wI lib -e 'system(\"foo push\")'"),
        ("perl", "perl '-Mstrict;qx(foo push)' /dev/null"),
        ("perl", "perl '-mstrict;qx(foo push)' /dev/null"),
        ("strace", "strace -o '|foo push' true"),
        ("strace", "strace -o '!foo push' true"),
        ("git", "git ls-remote --upload-pack='true;foo push' ."),
        ("git", "git push --receive-pack 'A=1 foo push' . x"),
        ("git", "git rebase --exec 'true;foo push' x"),
        ("env", r"env -S $'foo\vpush'"),
        ("env", r"env -S $'foo\fpush'"),
        ("env", r"env -S $'foo\rpush'"),
        ("sort", r"sort --compress-program=$'foo\vpush' f"),
        ("tar", "tar cIf 'foo push' a.tar f"),
        ("tar", "tar cFf 'foo push' a.tar f"),
        ("sed", r"sed $'s/[]/]/p;s/1e\n/x/p' f"),
        ("sed", r"sed $'s/[^]/]/p;s/1e\n/x/p' f"),
        ("sed", r"sed $'s/[[:alpha:]/]/p;s/1e\n/x/p' f"),
        ("git", "git bisect run foo push"),
        ("git", "git submodule foreach 'foo push'"),
        ("git", "git submodule --quiet foreach foo push"),
        ("git", "git difftool -x 'foo push' HEAD"),
        ("git", "git difftool -yx 'foo push' HEAD"),
        ("git", "git rebase -ix 'foo push' HEAD"),
        ("git", "git filter-branch --tree-filter 'foo push' HEAD"),
        ("git", "git clone -c core.sshCommand='foo push' h:x"),
        ("git", "git clone --conf=core.sshCommand='foo push' h:x"),
        ("git", "git clone -u 'foo push' h:x"),
        ("git", "git send-email --smtp-server=/bin/foo x"),
        ("zip", "zip -qTT 'foo push' a.zip f"),
        ("deno", "deno eval 'x'"),
        ("node", "node --import data:text/javascript,x f"),
        ("node", "node -r ./x f"),
        ("node", "node --require=./x f"),
        ("python3", "python3 - < f"),
        ("python3", "python3 < f"),
        ("python3", "foo ok | python3 -W ignore"),
        ("perl", "perl < f"),
        ("perl", "perl -I lib < f"),
        ("ruby", "foo ok | ruby"),
        ("node", "node < f"),
    ] {
        let words: &[(_, &[&str])] =
            &[(Allow, &["foo"]), (Allow, &["true"]), (Allow, &[tool]), (Forbidden, &["foo", "push"])];
        let found = conclusion(&policy_of(words), script);
        assert!(found >= Conclusion::Prompt, "{script}: {found:?}");
    }
    for (tool, script) in [
        ("git", "git clean -fdx"),
        ("git", "git commit -c HEAD"),
        ("git", "git bisect start"),
        ("git", "git submodule update"),
        ("git", "git -C . log"),
        ("tar", "tar xzf a.tar"),
        ("sed", "sed 's/[[:space:]]*$//;s/[^]]/x/' f"),
        ("python3", "python3 f"),
        ("python3", "python3 --version"),
        ("python3", "python3 -m x"),
        ("perl", "perl f -e x"),
    ] {
        assert_eq!(conclusion(&policy(&[(Allow, tool)]), script), Conclusion::Allow, "{script}");
    }
}

/// What zsh does by itself, or by commands, variables and words that bash does not have.
#[test]
fn what_only_zsh_does_is_asked_about() {
    let rules = policy(&[(Allow, "foo"), (Forbidden, "foo push"), (Forbidden, "7z")]);
    for script in [
        "function TRAPDEBUG { x=push; }; x=status; foo $x",
        "function chpwd { x=push; }; x=status; cd /; foo $x",
        "f=1; chpwd_functions=f; x=status; cd /; foo $x",
        "print -z push; getln x; foo $x",
        "x=status; print -v x push; foo $x",
        "x=status; print -rv x push; foo $x",
        "x=status; read 'x?push'; foo $x",
        "x=status; vared x; foo $x",
        "x=status; zformat -f x push; foo $x",
        "x=status; zstyle -s a b x; foo $x",
        "function foo { :; }; unfunction foo; foo push",
        "function foo { :; }; unhash -f foo; foo push",
        "alias  -g X=push; eval 'foo X'",
        "psvar=status; PSVAR=push; foo $psvar",
        "fignore=status; FIGNORE=push; foo $fignore",
        "argv=push; foo $1",
        "\"-\" foo push",
        "x=-; $x foo push",
        "NULLCMD=7z; > /dev/null",
        "READNULLCMD=7z; < /dev/null",
    ] {
        let found = rules.decide(&["zsh", "-c", script], None).conclusion;
        assert!(found >= Conclusion::Prompt, "{script}: {found:?}");
    }
    let rules = policy(&[(Allow, "foo"), (Allow, "print"), (Allow, "read")]);
    for fine in
        ["foo ok", "print -r x; foo ok", "read -r x; foo ok", "function f { foo; }; psvar=ok; foo $psvar"]
    {
        assert!(rules.decide(&["zsh", "-c", fine], None).conclusion < Conclusion::Prompt, "{fine}");
    }
}

/// Words and operators that are bash's own: a POSIX shell takes them for commands.
#[test]
fn what_a_posix_shell_reads_otherwise_is_asked_about() {
    let rules = policy(&[(Allow, "foo"), (Allow, "ls"), (Allow, "-p"), (Forbidden, "foo push")]);
    for script in [
        "true &>/dev/null foo push",
        "true &>>/dev/null foo push",
        "{ true; } &>/dev/null",
        "time \"-p\" foo push",
        "x=-p; time $x foo push",
        "function foo\n(:)\nfoo push",
        "function foo\n{ :\n}\nfoo push",
        "[[\nfoo -nt push ]]",
        "alias ls='foo push'\ntrap ls EXIT",
    ] {
        let found = rules.decide(&["sh", "-c", script], None).conclusion;
        assert!(found >= Conclusion::Prompt, "{script:?}: {found:?}");
    }
    let trap = ["bash", "-c", "shopt -s expand_aliases\nalias ls='foo push'\ntrap ls EXIT"];
    assert!(rules.decide(&trap, None).conclusion >= Conclusion::Prompt);
    for fine in ["time foo ok", "trap ls EXIT; foo ok", "f() { foo ok; }; f", "foo ok >/dev/null 2>&1"] {
        assert!(rules.decide(&["sh", "-c", fine], None).conclusion < Conclusion::Prompt, "{fine}");
    }
}

#[test]
fn parameters_that_are_numbers_take_operators() {
    for word in [
        "${?:+push}",
        "${#+push}",
        "${$:+push}",
        "${!-push}",
        "${!:-push}",
        "${?/*/push}",
        "${?%%*}push",
        "${!}push",
    ] {
        at_least_asked("foo push", &format!("foo {word}"));
    }
    for script in ["foo $!push", "foo \"$!push\"", "foo pu$!sh", "foo ${##[0-9]}push"] {
        at_least_asked("foo push", script);
    }
    for word in [
        "${?:+$(foo push)}",
        "${#:+`foo push`}",
        "${!-$(foo push)}",
        "${?#$(foo push)}",
        "${?:a[$(foo push)]}",
    ] {
        forbidden("foo push", &format!("echo {word}"));
    }
    forbidden("foo push", "cat <<X\n${?:+$(foo push)}\nX");
    forbidden("foo push", "echo $((${?:+$(foo push)}0))");
}

#[test]
fn indirect_expansions_take_text_for_a_name() {
    for script in [
        "set -- a push; foo ${!#}",
        "set -- push; foo ${!#-status}",
        "set -- push; foo ${!#+push}",
        "foo ${!?+push}",
        "set -- 'a[$(foo push)]'; echo ${!@}",
        "set -- 'a[$(foo push)]'; echo ${!*}",
        "a=('b[$(foo push)]'); echo ${!a[0]}",
        "a=('b[$(foo push)]'); echo \"${!a[@]:-x}\"",
        "a=('b[$(foo push)]'); echo ${!a[*]:0}",
    ] {
        at_least_asked("foo push", script);
    }
    let rules = policy(&[(Allow, "echo")]);
    assert_eq!(conclusion(&rules, "a=(x y); echo ${!a[@]}"), Conclusion::Allow);
}

#[test]
fn a_list_in_a_default_is_a_list() {
    for word in
        ["${u:-\"$@\"}", "${u:-$@}", "${u=\"$@\"}", "${HOME+\"$@\"}", "${u:-${v:-\"$@\"}}", "${*:-\"$@\"}"]
    {
        at_least_asked("foo push --force", &format!("set -- push --force; foo \"{word}\""));
        at_least_asked("foo xpush --force", &format!("set -- push --force; foo \"x{word}\""));
    }
}

#[test]
fn a_descriptor_of_several_digits_can_be_a_word() {
    let rules = policy(&[(Allow, "foo"), (Forbidden, "foo 12"), (Forbidden, "foo 012")]);
    for shell in ["sh", "dash", "zsh"] {
        for script in ["foo 12>f", "foo 12> f", "foo 12<f", "foo 012>&1"] {
            assert!(
                rules.decide(&[shell, "-c", script], None).conclusion >= Conclusion::Prompt,
                "{shell}: {script}"
            );
        }
    }
    assert!(rules.decide(&["sh", "-c", "foo {x}>f"], None).conclusion >= Conclusion::Prompt);
    assert!(rules.decide(&["sh", "-c", "foo 2>f"], None).conclusion < Conclusion::Prompt);
}

#[test]
fn zsh_drops_backslashes_and_counts() {
    let rules = policy(&[(Allow, "foo"), (Forbidden, "foo push"), (Forbidden, "foo 4")]);
    for script in ["foo push\\", "foo $'\\push'", "foo $'pus\\h'", "x=push; foo $#x", "foo $'\\x70ush'"] {
        assert!(rules.decide(&["zsh", "-c", script], None).conclusion >= Conclusion::Prompt, "{script}");
    }
}

/// What the grids over spellings and statements have found (`shell_lexing.rs`, `shell_state.rs`).
#[test]
fn what_the_grids_have_found() {
    let rules = policy(&[(Allow, "foo"), (Forbidden, "foo push")]);
    let everywhere = [
        "foo 2>&-push",
        "foo <&- push",
        "x=push; foo {$,}x",
        "foo {push},}",
        "x=sh; foo $\"pu$x\"",
        "foo push\\",
    ];
    let bash = [
        "x=push; local x=status; foo $x",
        "x=(push b); declare -A x=(a push); foo $x",
        "x=(push b); declare +a x=status; foo $x",
        "declare -A x=(a push); foo ${x[@]}",
    ];
    let sh = [
        "x=push; time x=status; foo $x",
        "x=push; time -p eval x=status; foo $x",
        "foo() { :; }; time foo push",
        "x=status; read -r x=status <<E\npush\nE\nfoo $x",
        "x=status; unset x=push; foo $x",
        "x=push; command eval x=status; foo $x",
        "foo pu\"${x/$(:)/y}\"sh",
    ];
    let zsh = [
        "x=status; printf %d 'x=7' >f; foo $x",
        "x=status; shift 'x=7'; foo $x",
        "x=status; [ -t 'x=7' ]; foo $x",
        "x=push; command eval x=status; foo $x",
    ];
    let shells: [(&str, &[&str]); 4] = [("bash", &everywhere), ("bash", &bash), ("sh", &sh), ("zsh", &zsh)];
    for (shell, scripts) in shells {
        for script in scripts {
            let found = rules.decide(&[shell, "-c", script], None).conclusion;
            assert!(found >= Conclusion::Prompt, "{shell}: {script}: {found:?}");
        }
    }
    for (shell, fine) in [
        ("sh", "time foo status"),
        ("bash", "time foo status 2>&-"),
        ("bash", "f() { local x=status; foo $x; }; f"),
        ("bash", "foo {a,b} {} x{1..3}"),
        ("zsh", "printf '%s\\n' x=7; [ -d f ]; foo status"),
    ] {
        assert!(rules.decide(&[shell, "-c", fine], None).conclusion < Conclusion::Prompt, "{shell}: {fine}");
    }
}
