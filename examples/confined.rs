//! Runs several commands in one sandbox: captured output, a working directory, a time limit, and a look at a command that
//! still runs.
//!
//! `cargo run --example confined -- policy.epc` (Linux)

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use execpolicy_confine::lower::{Host, lower};
    use execpolicy_confine::{Command, Helper, Sandbox, Session, init};
    use execpolicy_profile::{Phase, Platform};
    use execpolicy_runtime::Policy;
    use std::time::Duration;

    init(); // First: in the helper process that builds sandboxes it does not return.
    let file = std::env::args_os().nth(1).ok_or("usage: confined POLICY")?;
    let policy = Policy::from_bytes(std::fs::read(file)?)?;
    let artifact = policy.artifact();
    let profiles = artifact.profiles().ok_or("the policy has no profiles")?;
    let profile =
        profiles.get("offline", Phase::Run, Platform::Linux).ok_or("there is no profile `offline`")?;
    let workspace = std::env::current_dir()?;
    let lowered = lower(&profile, &Host::current(&workspace)?)?;
    let session = Session::start(&Sandbox::prepare(&lowered.plan, Helper::current()?)?)?;

    // Captured output, in a directory of the workspace.
    let listing = session.output(&Command::new(["ls"]).current_dir(workspace.join("src")))?;
    println!("ls: {:?}\n{}", listing.outcome, listing.stdout.text());

    // A time limit for one command: it is ended with everything that it started.
    let sleeper = Command::new(["sleep", "60"]).time_limit(Duration::from_millis(200));
    println!("sleep: {:?}", session.output(&sleeper)?.outcome);

    // A command that runs while something else is done.
    let mut child = session.spawn_captured(&Command::new(["sh", "-c", "sleep 0.2; echo done"]))?;
    let mut looks = 0;
    while child.try_wait()?.is_none() {
        looks += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("still running at {} of the looks: {}", looks, child.wait_with_output()?.stdout.text());
    for finding in session.end()? {
        println!("{}: {}", finding.path.display(), finding.why);
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("sessions are available on Linux only");
}
