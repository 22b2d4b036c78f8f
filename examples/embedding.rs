//! Decides a script and a command, and runs the command confined, with its output captured.

use execpolicy_confine::lower::{Host, lower};
use execpolicy_confine::{Command, Helper, Sandbox, init};
use execpolicy_profile::{Phase, Platform};
use execpolicy_runtime::{Conclusion, Dialect, Place, Policy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    init(); // First: in the helper process that builds sandboxes it does not return.
    let file = std::env::args_os().nth(1).ok_or("name a compiled policy")?;
    let policy = Policy::from_bytes(std::fs::read(file)?)?;
    println!("{}", policy.decide_script("make && git push --force", Dialect::Bash, None));

    let argv = ["ls", "-a"];
    let answer = policy.decide(&argv);
    println!("{answer}, in {}", answer.place);
    let (Conclusion::Allow, Place::In { profile: Some(name), .. }) = (answer.conclusion, &answer.place)
    else {
        return Err("somebody has to be asked".into());
    };
    let artifact = policy.artifact();
    let profiles = artifact.profiles().ok_or("the policy has no profiles")?;
    let profile = profiles.get(name, Phase::Run, Platform::Linux).ok_or("there is no such profile")?;
    let lowered = lower(&profile, &Host::current(&std::env::current_dir()?)?)?;
    let output = Sandbox::prepare(&lowered.plan, Helper::current()?)?.output(&Command::new(argv))?;
    print!("{}", output.stdout.text());
    Ok(())
}
