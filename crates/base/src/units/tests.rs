use proptest::prelude::*;

use super::*;

#[test]
fn quantities_read_as_a_person_writes_them() {
    assert_eq!("64KiB/s".parse(), Ok(Bandwidth::from_bits_per_second(524_288)));
    assert_eq!("10 Mbit/s".parse(), Ok(Bandwidth::from_bits_per_second(10_000_000)));
    assert_eq!("unlimited".parse(), Ok(Bandwidth::UNLIMITED));
    assert_eq!("10GiB".parse(), Ok(ByteSize::from_gib(10)));
    assert_eq!("1.5KiB".parse(), Ok(ByteSize::from_bytes(1536)));
    assert_eq!("5ms".parse(), Ok(SimDuration::from_millis(5)));
    assert_eq!("1%".parse(), Ok(Probability::from_percent(1)));
    assert_eq!("0.01".parse(), Ok(Probability::from_percent(1)));
    let range = DelayRange::between(SimDuration::from_millis(1), SimDuration::from_millis(10));
    assert_eq!("1ms..10ms".parse(), Ok(range));
}

#[test]
fn quantities_print_in_the_shortest_exact_form() {
    assert_eq!(ByteSize::from_kib(64).to_string(), "64KiB");
    assert_eq!(ByteSize::from_bytes(1537).to_string(), "1537B");
    assert_eq!(ByteSize::from_bytes(0).to_string(), "0B");
    assert_eq!(Bandwidth::from_bits_per_second(524_288).to_string(), "64KiB/s");
    let human = |text: &str| text.parse::<Bandwidth>().unwrap().human();
    assert_eq!([human("64KiB/s"), human("1536KiB/s"), human("1025KiB/s")], ["64.0 KiB/s", "1.5 MiB/s", "1025.0 KiB/s"]);
    assert_eq!([human("10Mbit/s"), human("100B/s"), human("unlimited")], ["10 Mbit/s", "800 bit/s", "unlimited"]);
    assert_eq!(Bandwidth::from_bits_per_second(10_000_000).to_string(), "10Mbit/s");
    assert_eq!(SimDuration::from_micros(1500).to_string(), "1500us");
    assert_eq!(SimDuration::ZERO.to_string(), "0ns");
    assert_eq!(Probability::from_percent(1).to_string(), "1%");
    assert_eq!("0.05%".parse::<Probability>().unwrap().to_string(), "0.05%");
    assert_eq!(SimTime::from_nanos(83_784_120_000).to_string(), "83.784120");
    assert_eq!(ByteSize::from_bytes(19_293_798).human(), "18.4 MiB");
}

#[test]
fn a_wrong_quantity_says_what_would_be_right() {
    let message = |error: ParseUnitError| error.to_string();
    assert!(message("fast".parse::<Bandwidth>().unwrap_err()).contains("64KiB/s"));
    assert!(message("64KB".parse::<Bandwidth>().unwrap_err()).contains("unknown unit `KB`"));
    assert!(message("5".parse::<SimDuration>().unwrap_err()).contains("ns, us, ms"));
    assert!(message("101%".parse::<Probability>().unwrap_err()).contains("between 0% and 100%"));
    assert!(message("-1%".parse::<Probability>().unwrap_err()).contains("number"));
    assert!(message("9ms..1ms".parse::<DelayRange>().unwrap_err()).contains("backwards"));
    assert!(message("99999999999TiB".parse::<ByteSize>().unwrap_err()).contains("less than 16384PiB"));
    assert!(message("5124096h".parse::<SimDuration>().unwrap_err()).contains("at most 5124095h"));
    assert!(message("0.5ns".parse::<SimDuration>().unwrap_err()).contains("steps of a nanosecond"));
    for rate in ["18446744073709551615bit/s", "18446745Tbit/s"] {
        assert!(message(rate.parse::<Bandwidth>().unwrap_err()).contains("less than 18446744Tbit/s"), "{rate}");
    }
    assert_eq!("5124095h".parse(), Ok(SimDuration::from_secs(5_124_095 * 3_600)));
    // A number with a power of ten is one, and what is out of range says so and not that it has no unit.
    assert_eq!("1.5e3ms".parse::<SimDuration>(), "1500ms".parse());
    assert_eq!("2500e-1KiB".parse::<ByteSize>(), "250KiB".parse());
    assert_eq!("5e-2".parse::<Probability>(), "5%".parse());
    for text in ["1e30", "1e30s", "1E+99h", "1e999999999999s"] {
        assert!(message(text.parse::<SimDuration>().unwrap_err()).contains("at most 5124095h"), "{text}");
        assert!(message(text.replace(['s', 'h'], "").parse::<ByteSize>().unwrap_err()).contains("less than 16384PiB"), "{text}");
    }
    assert!(message("1e30bit/s".parse::<Bandwidth>().unwrap_err()).contains("less than 18446744Tbit/s"));
    assert!(message("1e30%".parse::<Probability>().unwrap_err()).contains("between 0% and 100%"));
    // A unit makes these small enough, also where they have a fraction.
    for text in ["20", "20.5", "100.5", "1_000.25"] {
        assert!(message(text.parse::<SimDuration>().unwrap_err()).contains("has no unit"), "{text}");
    }
    for text in ["e5s", "1es", "1e+s"] {
        assert!(text.parse::<SimDuration>().is_err(), "{text}");
    }
    assert!(message("0bit/s".parse::<Bandwidth>().unwrap_err()).contains("at least 1 bit/s"));
}

#[test]
fn serialisation_takes_the_time_of_the_bits() {
    let rate = Bandwidth::from_bits_per_second(524_288);
    assert_eq!(rate.time_for(1500), SimDuration::from_nanos(22_888_184));
    assert_eq!(Bandwidth::UNLIMITED.time_for(1500), SimDuration::ZERO);
    assert_eq!(rate.time_for(u64::MAX / 1_000_000), SimDuration::from_nanos(281_474_976_710_647_584));
}

proptest! {
    #[test]
    fn every_size_survives_printing(bytes: u64) {
        let size = ByteSize::from_bytes(bytes);
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }

    #[test]
    fn every_duration_survives_printing(nanos: u64) {
        let span = SimDuration::from_nanos(nanos);
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }

    #[test]
    fn an_instant_that_can_be_told_is_told_exactly(now: u64, span: u64) {
        let sum = u128::from(now) + u128::from(span);
        let later = SimTime::from_nanos(now).checked_add(SimDuration::from_nanos(span));
        prop_assert_eq!(later.map(|at| u128::from(at.as_nanos())), Some(sum).filter(|&sum| sum < u128::from(u64::MAX)));
    }

    #[test]
    fn every_bandwidth_survives_printing(bits in 1..u64::MAX) {
        let rate = Bandwidth::from_bits_per_second(bits);
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
    }

    #[test]
    fn every_probability_survives_printing(parts in 0u32..=1_000_000_000) {
        let chance: Probability = format!("0.{parts:09}").parse().unwrap_or(Probability::ALWAYS);
        prop_assert_eq!(chance.to_string().parse(), Ok(chance));
    }

    #[test]
    fn every_delay_survives_printing(a: u64, b: u64) {
        let range = DelayRange::between(SimDuration::from_nanos(a), SimDuration::from_nanos(b));
        prop_assert_eq!(range.to_string().parse(), Ok(range));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,12}") {
        let _ = text.parse::<ByteSize>();
        let _ = text.parse::<Bandwidth>();
        let _ = text.parse::<SimDuration>();
        let _ = text.parse::<Probability>();
        let _ = text.parse::<DelayRange>();
    }
}
