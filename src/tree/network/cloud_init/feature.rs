//! Something that an interface asks cloud-init for, and whether an image's cloud-init writes it.

use crate::model::{CloudInitRelease, ImageCloudInit, Renderer};

/// From which release on a renderer writes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// As long as there is the renderer.
    Ever,
    /// Year and number.
    From(u16, u16),
    /// Not up to the newest, 26.2.
    Never,
}

use Since::{Ever, From, Never};

/// Since when each renderer is there, in the order of [`Renderer::ALL`].
pub(super) const THERE: [Since; 5] = [Ever, From(21, 3), From(22, 2), Ever, Ever];

/// How messages call all of it.
pub(super) const WHOLE: &str = "the network";

/// Something that an interface asks cloud-init for.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// What it is, as messages call it.
    pub what: &'static str,
    /// Whether addresses, routes or links are other ones without it.
    pub is_grave: bool,
    /// Since when each renderer writes it, in the order of [`Renderer::ALL`].
    pub(super) since: [Since; 5],
}

impl Since {
    /// Whether some release has it, if it is known.
    fn is_reached(self, release: Option<CloudInitRelease>) -> bool {
        match (self, release) {
            (Ever, _) | (From(..), None) => true,
            (From(year, number), Some(release)) => (release.year, release.number) >= (year, number),
            (Never, _) => false,
        }
    }
}

impl Feature {
    /// Whether an image's cloud-init leaves it out for sure.
    pub fn is_missing(&self, image: ImageCloudInit) -> bool {
        let mut all = self.chosen(image);
        !all.any(|(_, since)| since.is_reached(image.release))
    }

    /// Whether it is the network as a whole, for which there has to be a renderer.
    pub fn is_whole(&self) -> bool {
        self.what == WHOLE
    }

    /// The cloud-init that writes it, where that may be another one than an image's.
    pub fn need(&self, image: ImageCloudInit) -> Option<String> {
        let known = image.release.is_some();
        let is_sure = |(_, since): (Renderer, Since)| match since {
            Ever => true,
            From(..) => known && since.is_reached(image.release),
            Never => false,
        };
        if self.chosen(image).all(is_sure) || self.is_missing(image) {
            return None;
        }
        let words = self.chosen(image).filter_map(|(renderer, since)| {
            let name = renderer_name(renderer);
            match since {
                Ever => Some(name.to_owned()),
                From(year, number) => Some(format!("{name} ({year}.{number} or newer)")),
                Never => None,
            }
        });
        let words: Vec<String> = words.collect();
        Some(format!(
            "cloud-init that renders for {}",
            words.join(" or ")
        ))
    }

    /// The least release by which an image's own renderer writes it.
    pub fn repair(&self, image: ImageCloudInit) -> Option<String> {
        match self.since[image.renderer? as usize] {
            From(year, number) => Some(format!("{year}.{number}")),
            Ever | Never => None,
        }
    }

    /// The renderers that an image may have, and since when each writes it.
    fn chosen(&self, image: ImageCloudInit) -> impl Iterator<Item = (Renderer, Since)> {
        let all = Renderer::ALL.iter().copied().zip(self.since);
        let is_chosen = move |index: usize, renderer: Renderer| match image.renderer {
            Some(chosen) => chosen == renderer,
            None => THERE[index].is_reached(image.release),
        };
        let chosen = all.enumerate();
        chosen.filter_map(move |(index, (renderer, since))| {
            is_chosen(index, renderer).then_some((renderer, since))
        })
    }
}

/// How messages call what a renderer writes for.
pub fn renderer_name(renderer: Renderer) -> &'static str {
    match renderer {
        Renderer::Netplan => "netplan",
        Renderer::Networkd => "systemd-networkd",
        Renderer::NetworkManager => "NetworkManager",
        Renderer::Sysconfig => "sysconfig",
        Renderer::Eni => "/etc/network/interfaces",
    }
}
