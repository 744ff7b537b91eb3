//! Files of a node whose reader is known, read as that reader reads them. In: a path, its mode and its bytes. Out: faults
//! at their places in the text. What compares files with one another is in `render`, which knows the whole tree.

mod containerd;
mod fault;
mod script;
mod static_pod;
mod toml_text;
mod yaml_text;

pub use crate::host_files::fault::Fault;
pub use crate::host_files::static_pod::PodName;

/// What is known of the node that is to read its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// The kubelet's minor.
    pub minor: u32,
    /// Whether a kubelet that can refuse references to the API's objects does so.
    pub prevents_references: bool,
    /// The folder of static pods without a slash at its end, if there is one.
    pub static_pods: Option<String>,
    /// containerd's release, where it is known.
    pub containerd: Option<(u32, u32)>,
}

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The kubelet, as a static pod.
    StaticPod,
    /// containerd.
    Containerd,
}

/// A file as its readers read it.
#[derive(Clone, Debug, Default)]
pub struct ReadFile {
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// The static pod's name.
    pub pod: Option<PodName>,
}

/// Who reads the file at a path.
pub fn reader_of(path: &str, around: &Around) -> Option<Reader> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let folder = path[..path.len() - name.len()].trim_end_matches('/');
    if around.static_pods.as_deref() == Some(folder) && !name.starts_with('.') {
        return Some(Reader::StaticPod);
    }
    match folder {
        "/etc/containerd" if name == "config.toml" => Some(Reader::Containerd),
        // The usual folders of `imports`.
        "/etc/containerd/conf.d" | "/etc/containerd/config.d" if name.ends_with(".toml") => {
            Some(Reader::Containerd)
        }
        _ => None,
    }
}

/// Reads a file: as its reader does, if there is one, and as a script if it is one.
pub fn read(path: &str, mode: u32, bytes: &[u8], around: &Around) -> ReadFile {
    let mut read = match (reader_of(path, around), std::str::from_utf8(bytes)) {
        (None, _) => ReadFile::default(),
        (Some(reader), Ok(text)) => match reader {
            Reader::StaticPod => static_pod::read(path, text, around),
            Reader::Containerd => ReadFile {
                faults: containerd::read(text, around.containerd),
                pod: None,
            },
        },
        (Some(reader), Err(_)) => ReadFile {
            faults: vec![Fault::whole(reader.id(), "is not UTF-8")],
            pod: None,
        },
    };
    if script::is_script(bytes) {
        read.faults.extend(script::read(bytes, mode & 0o111 != 0));
    }
    read
}

/// Whether a file with such a beginning can be of interest, or its path says so.
pub fn is_read(path: &str, bytes: &[u8], around: &Around) -> bool {
    reader_of(path, around).is_some() || script::is_script(bytes)
}

impl Reader {
    /// The rule that a file breaks that its reader cannot read at all.
    fn id(self) -> crate::report::Id {
        match self {
            Self::StaticPod => crate::report::Id::StaticPodInvalid,
            Self::Containerd => crate::report::Id::ContainerdConfigInvalid,
        }
    }
}
