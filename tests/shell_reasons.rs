//! The reasons that `docs/scripts.md` lists are those of the code, each with its code and its sentence.

use execpolicy_shell::{AllowBlocker, Reason};
use std::fmt::Write;

#[test]
fn the_documentation_lists_every_reason() {
    let reasons = Reason::ALL.iter().map(|reason| (reason.code(), reason.sentence())).collect::<Vec<_>>();
    let blockers = AllowBlocker::ALL.iter().map(|blocker| (blocker.code(), blocker.sentence())).collect();
    let mut section = String::from("## Reasons\n");
    for (title, mut rows) in
        [("Why a part cannot be known (`opaque`)", reasons), ("Why no allow counts (`noAllow`)", blockers)]
    {
        rows.sort_unstable();
        let _ = write!(section, "\n{title}:\n\n| code | it … |\n|---|---|\n");
        for (code, sentence) in rows {
            let _ = writeln!(section, "| `{code}` | {sentence} |");
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scripts.md");
    let page = std::fs::read_to_string(path).unwrap();
    let start = page.find("## Reasons\n").expect("the page has the section");
    let end = page[start + 3..].find("\n## ").map_or(page.len(), |at| start + 3 + at + 1);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, [&page[..start], &section, &page[end..]].concat()).unwrap();
    } else {
        assert_eq!(&page[start..end], section, "run with UPDATE_EXPECT=1");
    }
}
