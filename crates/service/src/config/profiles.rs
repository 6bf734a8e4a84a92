//! Profiles of faults: `[profiles.NAME]` of `p2p.toml`, and those that are compiled in.

use p2p_base::units::Probability;
use p2p_engine::faults::{DiskFaults, FLAPS, Flapping, LinkChange, PathChange, Profile, parse_bursts};
use p2p_net::Loss;

use super::{Settings, value_of};

/// Profiles that are compiled in, each as a text of the configuration.
pub(super) const BUILT_IN: [&str; 5] = [
    include_str!("../../../../assets/profiles/slow-wan.toml"),
    include_str!("../../../../assets/profiles/lossy-wifi.toml"),
    include_str!("../../../../assets/profiles/dying-disk.toml"),
    include_str!("../../../../assets/profiles/flapping-node.toml"),
    include_str!("../../../../assets/profiles/congested.toml"),
];

/// Longest name of a profile.
const NAME_MAX: usize = 32;

/// Checks the name of a profile.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(fits) {
        true => Ok(()),
        false => Err(format!("a profile has a name of small letters, digits and `-`, at most {NAME_MAX} of them")),
    }
}

/// Makes a profile of its values, which were checked one by one.
pub(super) fn profile_of(settings: &Settings) -> Result<Profile, String> {
    let text = |key: &str| settings.get(key).map(|setting| setting.text.as_str());
    let link = |bandwidth| LinkChange {
        bandwidth: value_of(settings, bandwidth).or_else(|| value_of(settings, "bandwidth")),
        queue_packets: value_of(settings, "queue"),
    };
    let loss = match (value_of::<Probability>(settings, "loss"), text("burst")) {
        (Some(_), Some(_)) => return Err("`loss` and `burst` both say how packets are lost; give one of them".into()),
        (loss, None) => loss.map(Loss::Independent),
        (None, Some(burst)) => Some(parse_bursts(burst).map_err(|error| error.to_string())?),
    };
    let flap = match (value_of(settings, "flap_every"), value_of(settings, "flap_times")) {
        (Some(every), times) => Some(Flapping { every, times: times.unwrap_or(FLAPS) }),
        (None, Some(_)) => return Err("`flap_times` needs `flap_every`".into()),
        (None, None) => None,
    };
    let chance = |key| value_of(settings, key);
    let profile = Profile {
        up: link("bandwidth_up"),
        down: link("bandwidth_down"),
        path: PathChange {
            delay: value_of(settings, "delay"),
            loss,
            duplicate: chance("duplicate"),
            corrupt: chance("corrupt"),
            reorder: chance("reorder"),
        },
        disk: DiskFaults {
            slow: value_of(settings, "disk_slow"),
            fails: value_of(settings, "disk_fail").unwrap_or_default(),
            full: text("disk_full") == Some("yes"),
            corrupt: value_of(settings, "disk_corrupt").unwrap_or_default(),
        },
        flap,
    };
    if profile.is_none() {
        return Err("it says nothing that is to be wrong".into());
    }
    profile.check().map_err(|error| error.to_string())?;
    Ok(profile)
}
