//! Decides one command and says why.
//!
//! `cargo run --example decide -- policy.epc git push --force`

use execpolicy_runtime::{Conclusion, Policy};
use std::error::Error;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: decide POLICY COMMAND…")?;
    let argv: Vec<String> = arguments.collect();

    // The policy owns its bytes. A clone is cheap, and any thread can decide with it.
    let policy = Policy::from_bytes(std::fs::read(file)?)?;
    let answer = policy.decide(&argv);
    println!("{answer}");
    println!("runs in: {}", answer.place);

    // The conclusions are ordered by strictness. What "unmatched" means is for the agent to say; here somebody is asked.
    Ok(match answer.conclusion {
        Conclusion::Allow => ExitCode::SUCCESS,
        Conclusion::Unmatched | Conclusion::Prompt => ExitCode::from(4),
        Conclusion::Forbidden => ExitCode::from(3),
    })
}
