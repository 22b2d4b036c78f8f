//! Decides a script and prints why: each command in it, and every rule that matches it.
//!
//! `cargo run --example script -- policy.epc 'git status && git push --force'`

use execpolicy_runtime::{Conclusion, Dialect, Policy};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, script] = arguments.as_slice() else { return Err("usage: script POLICY SCRIPT".into()) };
    let policy = Policy::from_bytes(std::fs::read(file)?)?;

    // A decider is a view of the policy. Keep it to decide many commands; it allocates nothing for a plain one.
    let decider = policy.decider();
    let verdict = decider.decide_script(script.as_bytes(), Dialect::Bash, None);
    println!("{}", verdict.conclusion);
    for part in &verdict.parts {
        let conclusion = part.conclusion.unwrap_or(Conclusion::Unmatched);
        println!("  {}: {conclusion}", part.segment.argv.describe());
        if let Some(reason) = part.segment.opaque {
            println!("    it {reason}");
        }
        for found in &part.rules {
            if let Some(rule) = decider.rule_match(&part.segment.argv, found) {
                println!("    {rule}");
            }
        }
    }
    Ok(())
}
