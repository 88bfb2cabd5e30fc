//! Every file of the corpus, read once more: what a fuzzer found stays mended.

use std::path::Path;

use fuzz::Target;

#[test]
fn what_was_found_stays_mended() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for name in Target::names() {
        let target = Target::named(name).expect("its own name");
        let files = std::fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut read = 0;
        for file in files {
            target.run(&std::fs::read(file.expect("an entry").path()).expect("a file"));
            read += 1;
        }
        assert!(read >= 3, "{name} has {read} files");
    }
}
