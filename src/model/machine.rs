//! The machines that nodes run on.

/// Machines by the name that Go, Kubernetes and container images use, each with `e_machine` of its ELF programs.
pub const MACHINES: [(&str, u16); 7] = [
    ("386", 3),
    ("amd64", 62),
    ("arm", 40),
    ("arm64", 183),
    ("ppc64le", 21),
    ("riscv64", 243),
    ("s390x", 22),
];
