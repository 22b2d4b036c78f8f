//! In: what is emitted for sandbox-runtime. Out: a failure where its settings, read as it reads them, say something else about reading and
//! writing than the model.

use super::{Tally, ask_settings, depth, each_emission};
use execpolicy_compiler::emit::srt;
use execpolicy_profile::model::Path;
use serde::Deserialize;

/// Files as settings of sandbox-runtime say: everything can be read but what is denied, where the more specific of an allowance and a
/// denial counts; nothing can be written but what is allowed and not denied.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SrtFiles {
    deny_read: Vec<String>,
    allow_read: Vec<String>,
    allow_write: Vec<String>,
    deny_write: Vec<String>,
}

impl SrtFiles {
    fn parse(text: &str) -> Result<Self, String> {
        let whole: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        serde_json::from_value(whole["filesystem"].clone()).map_err(|error| error.to_string())
    }

    fn reads(&self, path: &Path) -> bool {
        let denied = self.deny_read.iter().filter_map(|text| depth(text, path)).max();
        let allowed = self.allow_read.iter().filter_map(|text| depth(text, path)).max();
        denied.is_none_or(|denied| allowed.is_some_and(|allowed| allowed >= denied))
    }

    fn writes(&self, path: &Path) -> bool {
        let any = |list: &[String]| list.iter().any(|text| depth(text, path).is_some());
        any(&self.allow_write) && !any(&self.deny_write)
    }
}

#[test]
fn sandbox_runtime_agrees_with_the_model() {
    let mut tally = Tally::default();
    each_emission(
        24,
        1_500,
        |profile, host| Some(srt::write(profile, host)),
        |emission, random| {
            let files = SrtFiles::parse(&emission.text)?;
            let answer = |writes, path: &Path| if writes { files.writes(path) } else { files.reads(path) };
            ask_settings(emission, random, &mut tally, answer)
        },
    );
    tally.is_worth(10_000, 5);
}
