//! A target under libFuzzer, named by the variable `FUZZ_TARGET`.
#![no_main]

use std::sync::LazyLock;

use fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("FUZZ_TARGET must be one of {}", Target::names().join(", ")))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET.run(data));
