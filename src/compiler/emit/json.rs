//! In: values. Out: JSON text, indented, members in the order given: the same values give the same bytes.
//! Not here: reading JSON. (What the command line prints is written by `serde_json`; the emitters are below it and are kept to
//! what they need.)

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// A string.
    Text(String),
    /// A number; every one that is needed is whole and not negative.
    Number(u64),
    /// `true` or `false`.
    Bool(bool),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// An array of strings.
    pub fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Text(text.into())).collect())
    }

    /// The text, with a line break at its end.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out.push('\n');
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        match self {
            Self::Text(text) => quote(text, out),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::List(items) if items.iter().all(Self::is_plain) && items.len() < 4 => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    item.write(depth, out);
                }
                out.push(']');
            }
            Self::List(items) => {
                block(['[', ']'], items.iter(), depth, out, |item, out| item.write(depth + 1, out));
            }
            Self::Object(members) => block(['{', '}'], members.iter(), depth, out, |(name, value), out| {
                quote(name, out);
                out.push_str(": ");
                value.write(depth + 1, out);
            }),
        }
    }

    const fn is_plain(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Number(_) | Self::Bool(_))
    }
}

fn block<T>(
    brackets: [char; 2],
    items: impl Iterator<Item = T>,
    depth: usize,
    out: &mut String,
    write: impl Fn(T, &mut String),
) {
    out.push(brackets[0]);
    let mut any = false;
    for item in items {
        out.push_str(if any { ",\n" } else { "\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write(item, out);
        any = true;
    }
    if any {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(brackets[1]);
}

/// RFC 8259 § 7; every control character by its number.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn what_is_written_is_json() {
        let value = Json::Object(vec![
            ("a", Json::texts(["x\"\\\n\u{7f}é"])),
            ("b", Json::List(vec![Json::Object(vec![]), Json::Number(u64::MAX)])),
            ("c", Json::Bool(true)),
        ]);
        let text = value.render();
        let expected = "{\n  \"a\": [\"x\\\"\\\\\\u000a\\u007fé\"],\n  \"b\": [\n    {},\n    18446744073709551615\n  ],\n  \"c\": true\n}\n";
        assert_eq!(text, expected);
    }
}
