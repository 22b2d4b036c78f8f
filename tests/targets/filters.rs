//! In: what is emitted for seccomp, as a program and as OCI JSON. Out: a failure where the two, each by an evaluator of its own, answer
//! differently from each other or from the model.

use crate::random::Random;
use execpolicy_compiler::diagnostic::Diagnostics;
use execpolicy_compiler::emit::oci;
use execpolicy_compiler::lower::places::Host;
use execpolicy_compiler::source::SourceMap;
use execpolicy_confine::seccomp::{self as seccomp_words, Arch};
use execpolicy_profile::model::Model;
use execpolicy_profile::{Phase, Platform, Profile};
use serde::Deserialize;

/// OCI seccomp, by the runtime specification: nothing that is not in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Oci {
    pub default_action: String,
    pub architectures: Vec<String>,
    pub syscalls: Vec<OciCall>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OciCall {
    pub names: Vec<String>,
    pub action: String,
    pub errno_ret: u32,
    #[serde(default)]
    pub args: Vec<OciArgument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OciArgument {
    pub index: usize,
    pub value: u64,
    pub value_two: u64,
    pub op: String,
}

impl Oci {
    /// Reads a profile as libseccomp and its users do: known words, at most one condition on an argument in an entry.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if whole.default_action != "SCMP_ACT_ALLOW"
            || whole.architectures != ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]
        {
            return Err("another default, or other machines".to_owned());
        }
        for call in &whole.syscalls {
            let mut seen = Vec::new();
            for argument in &call.args {
                let known = matches!(argument.op.as_str(), "SCMP_CMP_MASKED_EQ" | "SCMP_CMP_NE");
                if !known || argument.index > 5 || seen.contains(&argument.index) {
                    return Err(format!("{call:?}"));
                }
                seen.push(argument.index);
            }
            if call.action != "SCMP_ACT_ERRNO" || call.names.is_empty() {
                return Err(format!("{call:?}"));
            }
        }
        Ok(whole)
    }

    /// The error that a call gets; `None` if it is allowed.
    pub fn answer(&self, name: &str, args: &[u64; 6]) -> Option<u32> {
        let holds = |argument: &OciArgument| match argument.op.as_str() {
            "SCMP_CMP_MASKED_EQ" => args[argument.index] & argument.value == argument.value_two,
            _ => args[argument.index] != argument.value,
        };
        let fits =
            |call: &&OciCall| call.names.iter().any(|known| known == name) && call.args.iter().all(holds);
        self.syscalls.iter().find(fits).map(|call| call.errno_ret)
    }
}

/// Runs a seccomp program from its bytes: what the kernel's interpreter returns for a call.
pub fn bpf(bytes: &[u8], machine: u32, nr: u32, args: &[u64; 6]) -> u32 {
    assert!(bytes.len().is_multiple_of(8) && bytes.len() / 8 <= 4096);
    let code: Vec<(u16, usize, usize, u32)> = bytes
        .chunks(8)
        .map(|i| {
            let k = u32::from_le_bytes([i[4], i[5], i[6], i[7]]);
            (u16::from_le_bytes([i[0], i[1]]), usize::from(i[2]), usize::from(i[3]), k)
        })
        .collect();
    let word = |at: u32| match at {
        0 => nr,
        4 => machine,
        8 | 12 => 0,
        at => {
            let arg = args[(at as usize - 16) / 8];
            if at.is_multiple_of(8) { arg as u32 } else { (arg >> 32) as u32 }
        }
    };
    let (mut at, mut acc) = (0, 0_u32);
    loop {
        let (operation, jt, jf, k) = code[at];
        at += 1;
        let taken = match operation {
            0x20 => {
                acc = word(k);
                continue;
            }
            0x54 => {
                acc &= k;
                continue;
            }
            0x05 => {
                at += k as usize;
                continue;
            }
            0x06 => return k,
            0x15 => acc == k,
            0x25 => acc > k,
            0x35 => acc >= k,
            0x45 => acc & k != 0,
            other => panic!("unknown instruction {other:#x}"),
        };
        at += if taken { jt } else { jf };
    }
}

/// A profile that denies some calls.
fn denying(words: &[&str]) -> Profile {
    let (mut sources, mut sink) = (SourceMap::new(), Diagnostics::new());
    let text = format!(
        "profile agent {{\n read /\n syscalls deny {}\n}}\n",
        words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
    );
    let file = sources.add("case.sandbox", text);
    let profiles = execpolicy_compiler::sandbox::load(&mut sources, &[file], &mut sink);
    assert_eq!(sink.as_slice(), []);
    profiles.get("agent", Phase::Run, Platform::Linux).unwrap().clone()
}

#[test]
fn the_filters_agree_with_each_other_and_the_model() {
    const ALLOW: u32 = 0x7FFF_0000;
    let words: Vec<&str> = include_str!("../../stdlib/sandbox/syscalls.txt")
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| !word.starts_with('#') && seccomp_words::is_word(word))
        .collect();
    assert!(words.len() > 300);
    let mut random = Random(77);
    let mut asked = 0;
    for (arch, machine) in [(Arch::X86_64, 0xC000_003E), (Arch::Aarch64, 0xC000_00B7)] {
        // The number of a name is where a filter that denies only that one refuses.
        let number = |name: &str| {
            let program = seccomp_words::build(arch, [name]).unwrap().to_bytes();
            (0..500).find(|nr| {
                bpf(&program, machine, *nr, &[0; 6]) & 0x7FFF_0000 == 0x0005_0000 && known(arch, *nr)
            })
        };
        let plain: Vec<&str> = words.iter().copied().filter(|word| !word.contains(':')).collect();
        let numbers: Vec<(&str, u32)> =
            plain.iter().filter_map(|name| Some((*name, number(name)?))).collect();
        assert!(numbers.len() > 280, "{}", numbers.len());
        for _ in 0..40 {
            let mut denied: Vec<&str> = (0..20).map(|_| *random.pick(&words)).collect();
            denied.extend(words.iter().filter(|word| word.contains(':') && random.chance(70)));
            denied.sort_unstable();
            denied.dedup();
            let profile = denying(&denied);
            let usual = Host::usual(Platform::Linux);
            let json = String::from_utf8(oci::write(&profile, &usual).bytes).unwrap();
            let oci = Oci::parse(&json).unwrap_or_else(|fault| panic!("{fault}"));
            let program = execpolicy_compiler::emit::seccomp::write(&profile, &usual, arch).unwrap().bytes;
            let model = Model::new(&profile, &usual.roots, &usual.tree);
            for _ in 0..200 {
                let near = [
                    "clone",
                    "socket",
                    "socketpair",
                    "openat",
                    "personality",
                    "ioctl",
                    "prlimit64",
                    "fchmodat",
                ];
                let (name, nr) = match random.chance(50) {
                    true => *random.pick(&numbers),
                    false => {
                        let wanted = *random.pick(&near);
                        *numbers.iter().find(|(name, _)| *name == wanted).unwrap()
                    }
                };
                let interesting = [
                    0,
                    1,
                    2,
                    8,
                    10,
                    16,
                    0o100,
                    0o4755,
                    0o2000,
                    0x5412,
                    0x541C,
                    0x4_0008,
                    0x1000_0000,
                    0xFFFF_FFFF,
                ];
                let args: [u64; 6] = std::array::from_fn(|_| match random.below(3) {
                    0 => *random.pick(&interesting),
                    1 => 1 << random.below(33),
                    _ => random.next(),
                });
                let by_program = bpf(&program, machine, nr, &args);
                let by_oci = oci.answer(name, &args).map_or(ALLOW, |errno| 0x0005_0000 | errno);
                assert_eq!(by_program, by_oci, "{name} {args:x?} of {denied:?} on {arch:?}");
                if model.syscall_denied(name).is_some() {
                    assert_ne!(by_program, ALLOW, "{name}");
                }
                asked += 1;
            }
        }
    }
    assert!(asked >= 10_000);
}

/// Numbers that the architecture gives out (the others are unknown to the filter).
fn known(arch: Arch, nr: u32) -> bool {
    match arch {
        Arch::X86_64 => nr <= 335 || (424..=469).contains(&nr),
        Arch::Aarch64 => nr <= 243 || (260..=294).contains(&nr) || (424..=469).contains(&nr),
    }
}
