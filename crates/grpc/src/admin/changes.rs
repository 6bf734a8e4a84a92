//! Changes of the contract: what a fault makes different of a link, a path, a disk or a process, alike in requests and in answers.

use p2p_service::network::{
    Bandwidth, DiskFaults, FLAPS, Failing, Flapping, GilbertElliott, LinkChange, Loss, PathChange, Probability, Profile, Slowdown,
};

use crate::proto;
use crate::proto::path_change::Loss as ToldLoss;
use crate::quantities::{Read, Wrong, chance_of, delays, delays_of, share, span, span_of};

pub(crate) fn link(change: LinkChange) -> proto::LinkChange {
    let bits_per_second = change.bandwidth.map(|rate| rate.bits_per_second().unwrap_or(u64::MAX));
    proto::LinkChange { bits_per_second, queue_packets: change.queue_packets }
}

pub(crate) fn link_of(given: proto::LinkChange) -> LinkChange {
    let bandwidth = given.bits_per_second.map(|bits| match bits {
        u64::MAX => Bandwidth::UNLIMITED,
        bits => Bandwidth::from_bits_per_second(bits),
    });
    LinkChange { bandwidth, queue_packets: given.queue_packets }
}

pub(crate) fn path(change: PathChange) -> proto::PathChange {
    let PathChange { delay, loss, duplicate, corrupt, reorder } = change;
    let loss = loss.map(|loss| match loss {
        Loss::Independent(chance) => ToldLoss::LossShare(share(chance)),
        Loss::Bursts(GilbertElliott { p, r, loss_in_bad, loss_in_good }) => ToldLoss::Bursts(proto::Bursts {
            to_bad: share(p),
            to_good: share(r),
            loss_in_bad: Some(share(loss_in_bad)),
            loss_in_good: Some(share(loss_in_good)),
        }),
    });
    proto::PathChange {
        delay: delay.map(delays),
        loss,
        duplicate_share: duplicate.map(share),
        corrupt_share: corrupt.map(share),
        reorder_share: reorder.map(share),
    }
}

pub(crate) fn path_of(field: &str, given: proto::PathChange) -> Read<PathChange> {
    let within = |wrong: Wrong| wrong.within(field);
    let chance = |name: &str, share: Option<f64>| share.map(|share| chance_of(name, share)).transpose().map_err(within);
    let loss = match given.loss {
        None => None,
        Some(ToldLoss::LossShare(share)) => Some(Loss::Independent(chance_of("loss_share", share).map_err(within)?)),
        Some(ToldLoss::Bursts(bursts)) => {
            Some(Loss::Bursts(bursts_of(bursts).map_err(|wrong| wrong.within("bursts").within(field))?))
        }
    };
    Ok(PathChange {
        delay: given.delay.map(|delay| delays_of("delay", delay)).transpose().map_err(within)?,
        loss,
        duplicate: chance("duplicate_share", given.duplicate_share)?,
        corrupt: chance("corrupt_share", given.corrupt_share)?,
        reorder: chance("reorder_share", given.reorder_share)?,
    })
}

fn bursts_of(given: proto::Bursts) -> Read<GilbertElliott> {
    let or = |name, share: Option<f64>, other| share.map_or(Ok(other), |share| chance_of(name, share));
    Ok(GilbertElliott {
        p: chance_of("to_bad", given.to_bad)?,
        r: chance_of("to_good", given.to_good)?,
        loss_in_bad: or("loss_in_bad", given.loss_in_bad, Probability::ALWAYS)?,
        loss_in_good: or("loss_in_good", given.loss_in_good, Probability::NEVER)?,
    })
}

pub(crate) fn disk(faults: DiskFaults) -> proto::DiskFaults {
    let DiskFaults { slow, fails: Failing { reads, writes, syncs }, full, corrupt } = faults;
    proto::DiskFaults {
        slowdown_factor: slow.map(u32::from),
        reads_fail: reads,
        writes_fail: writes,
        syncs_fail: syncs,
        full,
        corrupt_segments: corrupt,
    }
}

pub(crate) fn disk_of(field: &str, given: proto::DiskFaults) -> Read<DiskFaults> {
    let slow = given.slowdown_factor.map(Slowdown::try_from).transpose();
    Ok(DiskFaults {
        slow: slow.map_err(|error| Wrong::new("slowdown_factor", error).within(field))?,
        fails: Failing { reads: given.reads_fail, writes: given.writes_fail, syncs: given.syncs_fail },
        full: given.full,
        corrupt: given.corrupt_segments,
    })
}

pub(crate) fn flapping(plan: Flapping) -> proto::Flapping {
    proto::Flapping { every: Some(span(plan.every)), times: plan.times }
}

pub(crate) fn flapping_of(field: &str, given: proto::Flapping) -> Read<Flapping> {
    let every = given.every.ok_or_else(|| Wrong::missing("every").within(field))?;
    let every = span_of("every", every).map_err(|wrong| wrong.within(field))?;
    Ok(Flapping { every, times: if given.times == 0 { FLAPS } else { given.times } })
}

pub(crate) fn profile(profile: &Profile) -> proto::ProfileFaults {
    proto::ProfileFaults {
        up: Some(link(profile.up)),
        down: Some(link(profile.down)),
        path: Some(path(profile.path)),
        disk: Some(disk(profile.disk)),
        flap: profile.flap.map(flapping),
    }
}

pub(crate) fn profile_of(given: proto::ProfileFaults) -> Read<Profile> {
    Ok(Profile {
        up: given.up.map(link_of).unwrap_or_default(),
        down: given.down.map(link_of).unwrap_or_default(),
        path: path_of("path", given.path.unwrap_or_default())?,
        disk: disk_of("disk", given.disk.unwrap_or_default())?,
        flap: given.flap.map(|plan| flapping_of("flap", plan)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_as_they_are_written() {
        let chance = |text: &str| text.parse().unwrap();
        let bursts = GilbertElliott { loss_in_bad: chance("80%"), ..GilbertElliott::simple(chance("1%"), chance("25%")) };
        for loss in [None, Some(Loss::Independent(chance("7.5%"))), Some(Loss::Bursts(bursts))] {
            let (delay, duplicate, corrupt) = ("10ms..50ms".parse().ok(), Some(chance("2%")), None);
            let change = PathChange { delay, loss, duplicate, corrupt, reorder: Some(chance("0%")) };
            assert_eq!(path_of("change", path(change)), Ok(change));
        }
        for change in [
            LinkChange::default(),
            LinkChange { bandwidth: Some(Bandwidth::UNLIMITED), queue_packets: Some(1) },
            LinkChange { bandwidth: "8kbit/s".parse().ok(), queue_packets: None },
        ] {
            assert_eq!(link_of(link(change)), change);
        }
        let fails = Failing { reads: true, writes: false, syncs: true };
        let faults = DiskFaults { slow: "10x".parse().ok(), fails, full: true, corrupt: 3 };
        assert_eq!(disk_of("faults", disk(faults)), Ok(faults));
        let plan = Flapping { every: p2p_service::files::SimDuration::from_millis(500), times: 7 };
        let all = Profile { disk: faults, flap: Some(plan), ..Profile::default() };
        assert_eq!(profile_of(profile(&all)), Ok(all));
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_the_name_of_its_field() {
        let told = |given: proto::PathChange| path_of("change", given).unwrap_err().to_string();
        let given = proto::PathChange { loss: Some(ToldLoss::LossShare(1.5)), ..Default::default() };
        assert_eq!(told(given), "change.loss_share: a share is a number from 0 to 1");
        let bursts = proto::Bursts { to_bad: 0.5, to_good: f64::NAN, ..Default::default() };
        let given = proto::PathChange { loss: Some(ToldLoss::Bursts(bursts)), ..Default::default() };
        assert!(told(given).starts_with("change.bursts.to_good: "));
        let slow = proto::DiskFaults { slowdown_factor: Some(0), ..Default::default() };
        assert!(disk_of("faults", slow).unwrap_err().to_string().starts_with("faults.slowdown_factor: "));
        assert!(flapping_of("plan", proto::Flapping { every: None, times: 1 }).is_err());
        let every = Some(span(p2p_service::files::SimDuration::from_secs(1)));
        assert_eq!(flapping_of("plan", proto::Flapping { every, times: 0 }).unwrap().times, FLAPS);
    }
}
