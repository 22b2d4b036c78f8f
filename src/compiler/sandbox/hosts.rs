//! In: words after `network allow` and `network deny`. Out: destinations in one canonical spelling.
//! Not here: which of them count (`execpolicy_profile::model`).

use super::ast::{Spelling, Word};
use super::values;
use crate::diagnostic::text::shorten;
use crate::diagnostic::{Code, Diagnostic};
use execpolicy_profile::{Host, HostRule};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ANY: (u16, u16) = (0, u16::MAX);

/// Reads one destination of `network allow` or `network deny`.
///
/// # Errors
/// The diagnostic that says what to write instead.
pub fn destination(allow: bool, word: &Word) -> Result<HostRule, Box<Diagnostic>> {
    let text = word.text.as_str();
    let shown = shorten(text);
    let refuse = |message: String, hint: String| {
        Err(Box::new(Diagnostic::new(Code::EP0616, word.span, message).hint(hint)))
    };
    if let Some(path) = text.strip_prefix("unix:") {
        let word = Word { text: path.to_owned(), spelling: word.spelling, span: word.span };
        let target = values::target(&word)?;
        return if target.pattern.is_some() {
            refuse(
                format!("`{shown}` has a wildcard"),
                "name the socket, or the directory it is in".to_owned(),
            )
        } else {
            Ok(HostRule::any_port(allow, Host::Socket(target.place)))
        };
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let port = match scheme {
            "https" if !host.contains(':') => ":443",
            "http" if !host.contains(':') => ":80",
            _ => "",
        };
        return refuse(
            format!("`{shown}` is a URL"),
            format!("write the host and port: `{}{port}`", shorten(host)),
        );
    }
    if text == "*" {
        return refuse("`*` is every host".to_owned(), "write `network full`".to_owned());
    }
    if word.spelling == Spelling::Bare && text.starts_with(['/', '~', '$']) {
        return refuse(
            format!("`{shown}` is a path"),
            format!("for a socket in the file system: `unix:{shown}`"),
        );
    }
    let (host, port) = match split(text) {
        Some(parts) => parts,
        None => {
            return refuse(
                format!("`{shown}` has more than one `:`"),
                "an IPv6 address with a port is written `[::1]:443`".to_owned(),
            );
        }
    };
    let ports = match port.map(range) {
        None => ANY,
        Some(Some(range)) => range,
        Some(None) => {
            return refuse(
                format!("`{}` is not a port", shorten(port.unwrap_or(""))),
                "a port is 1 to 65535, a range `8000-8010`; without one every port is meant".to_owned(),
            );
        }
    };
    let host = match network(host) {
        Some(Ok(host)) => host,
        Some(Err(hint)) => return refuse(format!("`{}` is not a network", shorten(host)), hint),
        None => match name(host) {
            Ok(host) => host,
            Err((message, hint)) => return refuse(message, hint),
        },
    };
    let (first_port, last_port) = ports;
    Ok(HostRule { allow, host, first_port, last_port })
}

/// Host and port; `None` if an address is written without the brackets it needs.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(inner) = text.strip_prefix('[') {
        let (host, after) = inner.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if after.is_empty() => Some((host, None)),
            None => None,
        };
    }
    match text.matches(':').count() {
        0 => Some((text, None)),
        1 => text.split_once(':').map(|(host, port)| (host, Some(port))),
        _ => {
            let address = text.split('/').next().unwrap_or(text);
            address.parse::<Ipv6Addr>().is_ok().then_some((text, None))
        }
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let port = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        plain.then(|| text.parse::<u16>().ok()).flatten()
    };
    match text.split_once('-') {
        Some((first, last)) => Some((port(first)?, port(last)?)).filter(|(first, last)| first <= last),
        None => port(text).map(|port| (port, port)),
    }
}

/// An address or `address/prefix`; `None` if it is neither, so perhaps a name.
fn network(text: &str) -> Option<Result<Host, String>> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let address = address.parse::<IpAddr>().ok()?;
    let (mut bits, mut width) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let mut prefix = match prefix {
        None => width,
        Some(text) => match text.parse::<u32>() {
            Ok(prefix) if prefix <= width && text.len() < 4 && (text == "0" || !text.starts_with('0')) => {
                prefix
            }
            _ => return Some(Err(format!("the prefix of `{address}` is 0 to {width}"))),
        },
    };
    // `::ffff:1.2.3.4` is 1.2.3.4 to every program that connects to it (RFC 4291 § 2.5.5.2).
    if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        if prefix < 96 {
            return Some(Err("a network of mapped addresses is written as IPv4".to_owned()));
        }
        (bits, width, prefix) = (u128::from(v4.to_bits()), 32, prefix - 96);
    }
    let kept = if prefix == 0 { 0 } else { bits >> (width - prefix) << (width - prefix) };
    let canonical = if width == 32 {
        IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(kept).unwrap_or(0)))
    } else {
        IpAddr::V6(Ipv6Addr::from_bits(kept))
    };
    if kept != bits {
        return Some(Err(format!(
            "`{address}` is inside of it; the network is written `{canonical}/{prefix}`"
        )));
    }
    Some(Ok(Host::Net { address: canonical, prefix: u8::try_from(prefix).unwrap_or(u8::MAX) }))
}

/// A host name or `*.name`. The error is a message and a hint.
fn name(text: &str) -> Result<Host, (String, String)> {
    let shown = shorten(text);
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('.').unwrap_or(&lower);
    let (below, base) = match lower.strip_prefix("*.") {
        Some(base) => (true, base),
        None => (false, lower),
    };
    let say = |message: String, hint: &str| Err((message, hint.to_owned()));
    if base.contains('*') {
        return say(
            format!("`{shown}` has a `*` in the wrong place"),
            "`*.` stands at the beginning, for every name below a domain: `*.example.org`",
        );
    }
    if !base.is_ascii() {
        return say(
            format!("`{shown}` is not written in ASCII"),
            "write the form that is looked up, which begins with `xn--`",
        );
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if base.len() > 253 || !base.split('.').all(label) {
        return say(
            format!("`{shown}` is not a host name"),
            "a destination is `host`, `host:443`, `*.domain:443` or an address",
        );
    }
    let last = base.rsplit('.').next().unwrap_or(base);
    let hex = last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if hex || last.bytes().all(|b| b.is_ascii_digit()) {
        return say(
            format!("`{shown}` would be read as an address by some programs"),
            "write the address as four numbers from 0 to 255 without leading zeros",
        );
    }
    Ok(if below { Host::Below(base.into()) } else { Host::Name(base.into()) })
}
