//! In: a [`Request`]. Out: its [`Outcome`], evaluated in a child process whose memory and time the
//! kernel bounds, because one native call (`"a" * 2000000000`, `list(range(10**10))`) escapes the
//! evaluator's own limits.
//!
//! If the child dies, it is run once more with a trace, which says where it was.

use execpolicy_compiler::rules::evaluate::{InProcess, evaluate};
use execpolicy_compiler::rules::limits::{MAX_PROCESS_MEMORY, MAX_PROCESS_SECONDS};
use execpolicy_compiler::rules::record::{EvalError, EvalErrorKind, Evaluate, Outcome, Place, Request};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Read, Write};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

/// The first argument that makes the program the child.
pub const COMMAND: &str = "__evaluate";

/// Evaluates in a child process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limited;

impl Evaluate for Limited {
    fn evaluate(&self, request: Request) -> Outcome {
        match attempt(&request, false) {
            Ok(end) if end.status.success() => serde_json::from_slice(&end.output)
                .unwrap_or_else(|error| internal(format!("its answer is garbled: {error}"))),
            Ok(end) => died(&request, &end),
            Err(error) => internal(format!("it cannot be started: {error}")),
        }
    }
}

fn internal(message: String) -> Outcome {
    let error = EvalError { kind: EvalErrorKind::Internal, message, place: None, frames: Vec::new() };
    Outcome { calls: Vec::new(), error: Some(error) }
}

/// How one run of the child ended.
struct End {
    status: ExitStatus,
    output: Vec<u8>,
    /// What it said on standard error: Rust's last words.
    said: String,
}

/// Runs the child once. With `trace`, the output is the last place it was at.
fn attempt(request: &Request, trace: bool) -> std::io::Result<End> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(COMMAND).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if trace {
        command.arg("--trace");
    }
    let mut child = command.spawn()?;
    let text = serde_json::to_vec(request)?;
    let input = child.stdin.take();
    let output = child.stdout.take();
    let written = std::thread::spawn(move || input.map(|mut input| input.write_all(&text)));
    let errors = child.stderr.take();
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = errors.map(|errors| errors.take(1 << 16).read_to_end(&mut said));
        String::from_utf8_lossy(&said).into_owned()
    });
    let mut answer = Vec::new();
    if let Some(mut output) = output {
        if trace {
            answer = last_place(&mut output)?;
        } else {
            output.read_to_end(&mut answer)?;
        }
    }
    // A child that died early did not read everything; its status says more than the broken pipe.
    let _ = written.join();
    Ok(End { status: child.wait()?, output: answer, said: said.join().unwrap_or_default() })
}

/// The last whole record of a trace; only that is kept.
fn last_place(output: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut last = Vec::new();
    let mut pending = Vec::new();
    let mut buffer = [0; 1 << 16];
    loop {
        let length = output.read(&mut buffer)?;
        if length == 0 {
            return Ok(last);
        }
        pending.extend_from_slice(&buffer[..length]);
        let whole = pending.len() / RECORD * RECORD;
        if whole > 0 {
            last = pending[whole - RECORD..whole].to_vec();
            pending.drain(..whole);
        }
    }
}

/// Bytes of one place in a trace: three numbers of four bytes.
const RECORD: usize = 12;

/// Why the child died, and where.
fn died(request: &Request, end: &End) -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    const SIGKILL: i32 = 9;
    const SIGSEGV: i32 = 11;
    const SIGXCPU: i32 = 24;
    // An allocation that fails aborts with "memory allocation of … bytes failed", or panics with
    // one of the others, depending on who asked.
    let memory = ["memory allocation", "out of memory", "capacity overflow", "AlignedSize must not exceed"]
        .iter()
        .any(|words| end.said.contains(words));
    let kind = match end.status.signal() {
        _ if memory => EvalErrorKind::Memory,
        _ if end.said.contains("overflowed its stack") => EvalErrorKind::Depth,
        Some(SIGSEGV) => EvalErrorKind::Depth,
        Some(SIGXCPU | SIGKILL) => EvalErrorKind::Time,
        _ => {
            return internal(format!(
                "it ended with {}: {}",
                end.status,
                end.said.lines().skip_while(|line| !line.contains("panicked")).nth(1).unwrap_or_default()
            ));
        }
    };
    let place = attempt(request, true).ok().and_then(|end| {
        let number = |at: usize| end.output.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        Some(Place { module: number(0)?, start: number(4)?, end: number(8)? })
    });
    let error = EvalError { kind, message: String::new(), place, frames: Vec::new() };
    Outcome { calls: Vec::new(), error: Some(error) }
}

/// The child's whole life: limits, one request from standard input, one answer to standard output.
pub fn child(trace: bool) -> ExitCode {
    let limit =
        |resource, amount| setrlimit(resource, Rlimit { current: Some(amount), maximum: Some(amount) });
    let mut limits = vec![
        (Resource::Cpu, MAX_PROCESS_SECONDS),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, 16),
    ];
    if cfg!(target_os = "linux") {
        limits.push((Resource::As, MAX_PROCESS_MEMORY));
    }
    // Without its limits the child must not evaluate anything.
    if limits.into_iter().any(|(resource, amount)| limit(resource, amount).is_err()) {
        return ExitCode::from(3);
    }
    let mut text = Vec::new();
    let Ok(_) = std::io::stdin().lock().read_to_end(&mut text) else { return ExitCode::from(3) };
    let Ok(request) = serde_json::from_slice::<Request>(&text) else { return ExitCode::from(3) };
    drop(text);
    if trace {
        let _ = evaluate(&request, Some(tell));
        return ExitCode::SUCCESS;
    }
    let outcome = InProcess.evaluate(request);
    let written = serde_json::to_writer(std::io::stdout().lock(), &outcome);
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

/// Writes one record of the trace.
fn tell(place: Place) {
    let record = [place.module, place.start, place.end].map(u32::to_le_bytes).concat();
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(&record).and_then(|()| out.flush());
}
