//! In: what is emitted for Codex. Out: a failure where its permission profile, read as it reads it, says something else about reading and
//! writing than the model.

use super::{Tally, ask_settings, depth, each_emission};
use execpolicy_compiler::emit::codex;
use execpolicy_profile::model::Path;

/// File access of a Codex permission profile: the deepest path counts, wildcards deny.
#[derive(Debug)]
struct CodexFiles {
    /// Paths and patterns with `deny` (0), `read` (1), `write` (2).
    entries: Vec<(String, u8)>,
}

impl CodexFiles {
    fn parse(text: &str, workspace: &str, home: &str) -> Result<Self, String> {
        let whole: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let name = whole["default_permissions"].as_str().ok_or("no default")?;
        let files = whole["permissions"][name]["filesystem"].as_table().ok_or("no file access")?;
        let mut entries = Vec::new();
        let mut add = |path: String, access: &toml::Value| {
            let access = match access.as_str() {
                Some("deny") => 0,
                Some("read") => 1,
                Some("write") => 2,
                other => return Err(format!("{other:?} is no access")),
            };
            entries.push((path, access));
            Ok(())
        };
        for (key, value) in files {
            match (key.as_str(), value) {
                ("glob_scan_max_depth", _) => {}
                (":root", access) => add("/".to_owned(), access)?,
                (":workspace_roots", toml::Value::Table(inner)) => {
                    for (key, access) in inner {
                        let tail = if key == "." { String::new() } else { format!("/{key}") };
                        add(format!("{workspace}{tail}"), access)?;
                    }
                }
                (key, access) => match key.strip_prefix("~/") {
                    Some(tail) => add(format!("{home}/{tail}"), access)?,
                    None if key.starts_with('/') => add(key.to_owned(), access)?,
                    None => return Err(format!("unknown path {key}")),
                },
            }
        }
        Ok(Self { entries })
    }

    /// 0, 1 or 2.
    fn access(&self, path: &Path) -> u8 {
        let wild = |text: &str| text.contains(['*', '?', '[']);
        if self.entries.iter().any(|(text, access)| wild(text) && *access == 0 && depth(text, path).is_some())
        {
            return 0;
        }
        let plain = self.entries.iter().filter(|(text, _)| !wild(text));
        let around = plain.filter_map(|(text, access)| Some((depth(text, path)?, *access)));
        // Of two entries for one path: deny, write, read.
        around
            .max_by_key(|(depth, access)| (*depth, [2, 0, 1][usize::from(*access)]))
            .map_or(0, |(_, access)| access)
    }
}

#[test]
fn codex_agrees_with_the_model() {
    let mut tally = Tally::default();
    each_emission(
        24,
        1_500,
        |profile, host| Some(codex::write(profile, host)),
        |emission, random| {
            let roots = &emission.host.roots;
            let files =
                CodexFiles::parse(&emission.text, roots.workspace.trim_end_matches('/'), &roots.home)?;
            let answer = |writes, path: &Path| files.access(path) >= if writes { 2 } else { 1 };
            ask_settings(emission, random, &mut tally, answer)
        },
    );
    tally.is_worth(10_000, 5);
}
