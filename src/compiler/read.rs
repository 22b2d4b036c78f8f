//! In: the name of a source, and the outside world. Out: its text, among the sources; or what is reported where there is none.
//! Both front ends begin with this. Not here: what a text says.

use crate::diagnostic::text::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::loader::{LoadFault, Loader, MAX_SOURCE};
use crate::source::{SourceId, SourceMap, Span};
use std::string::FromUtf8Error;

/// Reads a source. `asked` is the place in another source that wants it; none if it was named from outside.
///
/// # Errors
/// The one fault of a source that cannot be had, or is not UTF-8.
pub fn source(
    name: &str,
    asked: Option<Span>,
    loader: &dyn Loader,
    sources: &mut SourceMap,
) -> Result<SourceId, Box<Diagnostic>> {
    let display = loader.display(name);
    let bytes =
        loader.read(name).map_err(|fault| Box::new(unreadable(name, &display, &fault, asked, loader)))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(sources.add_as(name, display, text)),
        Err(error) => Err(Box::new(not_utf8(name, &display, &error, sources))),
    }
}

/// A file that cannot be had.
pub fn unreadable(
    name: &str,
    display: &str,
    fault: &LoadFault,
    asked: Option<Span>,
    loader: &dyn Loader,
) -> Diagnostic {
    let (code, message, hint) = match fault {
        LoadFault::NotFound if asked.is_some() => {
            let known = loader.candidates(name);
            let hint =
                nearest(name, known.iter().map(String::as_str)).map(|meant| format!("there is `{meant}`"));
            (Code::EP0113, format!("there is no file `{display}`"), hint)
        }
        LoadFault::NotFound => (
            Code::EP0101,
            "there is no such file".to_owned(),
            Some("check the path; a directory is searched for `*.rules` and `*.sandbox`".to_owned()),
        ),
        LoadFault::IsDirectory => (
            Code::EP0101,
            format!("`{display}` is a directory, not a file"),
            Some(format!("name a file in it; `execpolicy check {display}` takes the whole directory")),
        ),
        LoadFault::OutsideRoot(how) => {
            (Code::EP0114, format!("`{display}` is outside the policy root: {how}"), None)
        }
        LoadFault::TooLarge(size) => (
            Code::EP0101,
            format!("the file has {size} bytes, more than the limit of {MAX_SOURCE}"),
            Some("split it into several files".to_owned()),
        ),
        LoadFault::Io(error) => (Code::EP0101, format!("the file cannot be read: {error}"), None),
    };
    let diagnostic = match asked {
        Some(span) => Diagnostic::new(code, span, message).label("loaded here"),
        None => Diagnostic::about_file(code, display, message),
    };
    diagnostic.maybe_hint(hint)
}

/// A file that is not text.
fn not_utf8(name: &str, display: &str, error: &FromUtf8Error, sources: &mut SourceMap) -> Diagnostic {
    let good = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut hint = "save it as UTF-8; `iconv -f LATIN1 -t UTF-8 FILE` converts an old file";
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        hint = "it looks like UTF-16; `iconv -f UTF-16 -t UTF-8 FILE` converts it";
    }
    let message =
        format!("the file is not UTF-8: byte {good} is 0x{:02x}", bytes.get(good).copied().unwrap_or(0));
    // What is shown is the text with the bad bytes replaced; the place is where the first one stands.
    if bytes.len() < 1 << 20 && !bytes.contains(&0) {
        let source = sources.add_as(name, display, text);
        return Diagnostic::new(Code::EP0102, Span::new(source, good..good + 3), message).hint(hint);
    }
    Diagnostic::about_file(Code::EP0102, display, message).hint(hint)
}
